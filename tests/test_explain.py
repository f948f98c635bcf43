"""Explanations: the decision itself, and what would turn a refusal into an agreement."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve, frozen
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hypothesis import given, settings
from hypothesis import strategies as st

import suitor_plugins.algorithms
from suitor.catalogue import Catalogue
from suitor.decision import Axis, Offer, Verdict
from suitor.errors import NoAgreement
from suitor.explain import SCHEMA, explain
from suitor.negotiate import negotiate
from suitor.plug import Credential, hookimpl
from suitor.plug.loader import load_catalogue
from suitor.policy import LEGACY, MODERN, Policy, edit
from suitor.registry import groups, schemes, suites
from suitor.remedy import Need, Obstacle


class Few:
    """Some of the built-in algorithms, so that what is not installed stays so."""

    @hookimpl
    def suitor_groups(self) -> list[Any]:
        return named(suitor_plugins.algorithms.suitor_groups(), "x25519", "secp256r1", "secp384r1")

    @hookimpl
    def suitor_ciphers(self) -> list[Any]:
        return named(
            suitor_plugins.algorithms.suitor_ciphers(), "AES_128_GCM", "AES_256_GCM", "CHACHA20_POLY1305"
        )

    @hookimpl
    def suitor_hashes(self) -> list[Any]:
        return named(suitor_plugins.algorithms.suitor_hashes(), "SHA256", "SHA384")

    @hookimpl
    def suitor_signatures(self) -> list[Any]:
        return named(
            suitor_plugins.algorithms.suitor_signatures(),
            "ecdsa_secp256r1_sha256",
            "ecdsa_secp384r1_sha384",
            "ed25519",
            "rsa_pss_rsae_sha256",
            "rsa_pkcs1_sha256",
        )


def named(things: Iterable[Any], *names: str) -> list[Any]:
    found = [thing for thing in things if thing.name in names]
    assert len(found) == len(names)
    return found


CATALOGUE = load_catalogue(plugins=[("few", Few())], entry_points=())

AES128, AES256, CHACHA = 0x1301, 0x1302, 0x1303
X25519, P256, P384 = 0x001D, 0x0017, 0x0018
ECDSA_P256, ECDSA_P384, ED25519, RSA_PKCS1 = 0x0403, 0x0503, 0x0807, 0x0401

OFFER = Offer(
    versions=(0x0304,),
    suites=(AES128, AES256, CHACHA),
    groups=(X25519, P256, P384),
    shares=(X25519,),
    signatures=(ECDSA_P256, ECDSA_P384, ED25519),
)


def credential(key: Any, label: str = "ours") -> Credential:
    return Credential(label=label, chain=(b"",), public_key=key.public_key(), private_key=key)


P256_KEY = ec.generate_private_key(ec.SECP256R1())


def test_an_agreement_is_what_negotiate_decides() -> None:
    explanation = explain(OFFER, MODERN, CATALOGUE)
    assert explanation.agreed
    assert explanation.decision == negotiate(OFFER, MODERN, CATALOGUE)
    assert explanation.decision.notes
    assert (explanation.smallest_change, explanation.hurdles) == (None, ())


@pytest.mark.parametrize(
    ("policy", "refusal", "edits"),
    [
        ("only secp384r1", None, ()),
        ("only version:TLSv1.2", NoAgreement.NO_COMMON_VERSION, ("with TLSv1.3",)),
        ("minimum-cipher 300", NoAgreement.NO_COMMON_SUITE, ("minimum-cipher 256",)),
        ("only ffdhe2048", NoAgreement.NO_COMMON_GROUP, ("with x25519",)),
        ("minimum-group 200", NoAgreement.NO_COMMON_GROUP, ("minimum-group 192",)),
        ("only signature:ed448", NoAgreement.NO_COMMON_SIGNATURE, ("with ecdsa_secp256r1_sha256",)),
        ("minimum-signature 250", NoAgreement.NO_COMMON_SIGNATURE, ("minimum-signature 192",)),
        (
            "only ffdhe2048, only signature:ed448",
            NoAgreement.NO_COMMON_GROUP,
            ("with x25519", "with ecdsa_secp256r1_sha256"),
        ),
        (
            "only version:TLSv1.2, minimum-cipher 300, only ffdhe2048",
            NoAgreement.NO_COMMON_VERSION,
            ("with TLSv1.3", "with x25519", "minimum-cipher 256"),
        ),
    ],
)
def test_the_smallest_change(policy: str, refusal: NoAgreement | None, edits: tuple[str, ...]) -> None:
    base = edit(LEGACY, policy)
    explanation = explain(OFFER, base, CATALOGUE)
    assert explanation.decision.refusal is refusal
    change = explanation.smallest_change
    if refusal is None:
        assert change is None
        return
    assert change is not None
    assert sorted(change.edits) == sorted(edits)
    assert edit(base, ", ".join(change.edits)) == change.policy
    assert negotiate(OFFER, change.policy, CATALOGUE) == change.decision
    assert change.decision.agreement is not None


def test_two_edits_where_the_only_candidate_needs_both() -> None:
    offer = evolve(OFFER, groups=(X25519,))
    policy = edit(MODERN, "only secp384r1, minimum-group 192")
    change = explain(offer, policy, CATALOGUE).smallest_change
    assert change is not None
    assert change.edits == ("with x25519", "minimum-group 128")


def test_one_edit_is_better_than_two() -> None:
    policy = edit(LEGACY, "only ffdhe2048, minimum-group 192")
    change = explain(OFFER, policy, CATALOGUE).smallest_change
    assert change is not None
    assert change.edits == ("with secp384r1",)


def test_a_group_that_came_with_a_share_is_better_than_a_retry() -> None:
    offer = evolve(OFFER, groups=(P384, P256, X25519), shares=(P256,))
    change = explain(offer, edit(LEGACY, "only ffdhe2048"), CATALOGUE).smallest_change
    assert change is not None
    assert change.edits == ("with secp256r1",)


# --- what no policy can change ----------------------------------------------------------------------------


def test_a_group_that_is_not_installed_is_named() -> None:
    offer = evolve(OFFER, groups=(0x1A1A, 0x0101, 0xFE00), shares=())
    explanation = explain(offer, MODERN, CATALOGUE)
    assert explanation.smallest_change is None
    (hurdle,) = explanation.hurdles
    assert (hurdle.axis, hurdle.obstacle) == (Axis.GROUP, Obstacle.NOT_INSTALLED)
    assert hurdle.needs == (
        Need("ffdhe3072", ("group ffdhe3072",)),
        Need("unknown 0xFE00", ("group unknown 0xFE00",)),
    )


def test_a_suite_that_is_dark_names_the_words_it_lacks_nearest_first() -> None:
    offer = evolve(OFFER, suites=(0x00C6, 0x2A2A, 0xC02B, 0x1304, 0x00FF))
    (hurdle,) = explain(offer, MODERN, CATALOGUE).hurdles
    assert (hurdle.axis, hurdle.obstacle) == (Axis.SUITE, Obstacle.NOT_INSTALLED)
    assert hurdle.needs == (
        Need("TLS_AES_128_CCM_SHA256", ("cipher AES_128_CCM",)),
        Need("TLS_SM4_GCM_SM3", ("cipher SM4_GCM", "hash SM3")),
    )


def test_old_suites_alone_are_nothing_for_tls13() -> None:
    (hurdle,) = explain(evolve(OFFER, suites=(0xC02B, 0x00FF)), MODERN, CATALOGUE).hurdles
    assert (hurdle.axis, hurdle.obstacle, hurdle.needs) == (Axis.SUITE, Obstacle.NOTHING_OFFERED, ())


@pytest.mark.parametrize("signatures", [None, (), (RSA_PKCS1,), (0x4A4A,)])
def test_no_signature_that_could_be_made(signatures: tuple[int, ...] | None) -> None:
    (hurdle,) = explain(evolve(OFFER, signatures=signatures), MODERN, CATALOGUE).hurdles
    assert (hurdle.axis, hurdle.obstacle) == (Axis.SIGNATURE, Obstacle.NOTHING_OFFERED)


def test_a_signature_that_is_not_installed_is_named() -> None:
    (hurdle,) = explain(evolve(OFFER, signatures=(0x0704,)), MODERN, CATALOGUE).hurdles
    assert hurdle.obstacle is Obstacle.NOT_INSTALLED
    assert hurdle.needs[0].words == (f"signature {schemes()[0x0704].name}",)


def test_a_version_that_is_not_spoken_stands_alone() -> None:
    offer = evolve(OFFER, versions=(0x3A3A, 0x0302), suites=(0x002F,), groups=())
    (hurdle,) = explain(offer, MODERN, CATALOGUE).hurdles
    assert (hurdle.axis, hurdle.obstacle) == (Axis.VERSION, Obstacle.NOT_SPOKEN)
    assert hurdle.needs == (Need("TLSv1.1", ("version TLSv1.1",)),)


def test_several_hurdles_at_once() -> None:
    offer = evolve(OFFER, suites=(0x1304,), groups=(), shares=())
    hurdles = explain(offer, MODERN, CATALOGUE).hurdles
    assert [(hurdle.axis, hurdle.obstacle) for hurdle in hurdles] == [
        (Axis.SUITE, Obstacle.NOT_INSTALLED),
        (Axis.GROUP, Obstacle.NOTHING_OFFERED),
    ]


def test_protocols_are_not_the_policys() -> None:
    explanation = explain(evolve(OFFER, alpn=(b"h2", b"\xff")), MODERN, CATALOGUE, alpn=(b"http/1.1",))
    assert explanation.decision.refusal is NoAgreement.NO_COMMON_ALPN
    (hurdle,) = explanation.hurdles
    assert (hurdle.axis, hurdle.obstacle) == (Axis.ALPN, Obstacle.NO_PROTOCOL)
    assert hurdle.needs == (Need("h2", ("protocol h2",)), Need("\\xff", ("protocol \\xff",)))


# --- certificates -----------------------------------------------------------------------------------------


def test_without_certificates_every_scheme_has_a_key() -> None:
    agreement = explain(OFFER, MODERN, CATALOGUE).decision.agreement
    assert agreement is not None
    assert agreement.credential is None
    assert agreement.signature is not None


def test_a_certificate_decides_the_scheme() -> None:
    ours = credential(ed25519.Ed25519PrivateKey.generate())
    agreement = explain(OFFER, MODERN, CATALOGUE, credentials=[ours]).decision.agreement
    assert agreement is not None
    assert agreement.credential is ours
    assert agreement.signature is CATALOGUE.signatures[ED25519]


def test_the_change_fits_the_certificate() -> None:
    policy = edit(MODERN, "only signature:ed25519")
    change = explain(OFFER, policy, CATALOGUE, credentials=[credential(P256_KEY)]).smallest_change
    assert change is not None
    assert change.edits == ("with ecdsa_secp256r1_sha256",)


@pytest.mark.parametrize(
    "credentials", [(), (credential(ec.generate_private_key(ec.SECP521R1())),)], ids=["none", "another"]
)
def test_no_key_for_what_the_client_accepts(credentials: Sequence[Credential]) -> None:
    (hurdle,) = explain(OFFER, MODERN, CATALOGUE, credentials=credentials).hurdles
    assert (hurdle.axis, hurdle.obstacle) == (Axis.SIGNATURE, Obstacle.NO_KEY)
    assert hurdle.needs[0] == Need("ecdsa_secp256r1_sha256", ("key for ecdsa_secp256r1_sha256",))


# --- private code points ----------------------------------------------------------------------------------


@frozen(eq=False)
class Toy:
    """A group that the registry does not know."""

    name: str = "toy"
    code: int = 0xFE42
    strength: int = 128
    post_quantum: bool = False
    client_share_size: int = 1
    server_share_size: int = 1

    def start(self) -> tuple[Any, bytes]:
        return None, b"c"

    def answer(self, client_share: bytes) -> tuple[bytes, bytes]:
        return b"s", b"secret"

    def finish(self, private: Any, server_share: bytes) -> bytes:
        return b"secret"


class ToyPlugin:
    @hookimpl
    def suitor_groups(self) -> list[Toy]:
        return [Toy()]


def test_a_private_name_says_which_list_it_is_for() -> None:
    catalogue = load_catalogue(plugins=[("few", Few()), ("toy", ToyPlugin())], entry_points=())
    assert not catalogue.problems
    change = explain(evolve(OFFER, groups=(0xFE42,), shares=()), MODERN, catalogue).smallest_change
    assert change is not None
    assert change.edits == ("with group:toy",)
    assert change.decision.agreement is not None
    assert change.decision.agreement.group is not None
    assert change.decision.agreement.group.name == "toy"


# --- whatever is offered ----------------------------------------------------------------------------------

GREASE = (0x0A0A, 0xFAFA)


def codes(*known: int) -> st.SearchStrategy[tuple[int, ...]]:
    """Enough of them that something is usually common."""
    return st.lists(st.sampled_from([*known, *GREASE]), min_size=3, unique=True).map(tuple)


OFFERS = st.builds(
    Offer,
    versions=st.sampled_from([(0x0304,), (0x3A3A, 0x0304), (0x0302,)]),
    suites=codes(AES128, AES256, CHACHA, 0x1304, 0x00C6, 0xC02B, 0x00FF),
    groups=codes(X25519, P256, P384, 0x0100, 0x001E, 0xFE00),
    shares=st.lists(st.sampled_from([X25519, P256])).map(tuple),
    signatures=st.integers(0, 9).flatmap(
        lambda n: codes(ECDSA_P256, ECDSA_P384, ED25519, 0x0804, RSA_PKCS1) if n else st.none()
    ),
    alpn=st.sampled_from([(), (b"h2",), (b"h2", b"http/1.1")]),
)


def some(names: Sequence[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(names), min_size=1, unique=True).map(tuple)


POLICIES = st.builds(
    Policy,
    name=st.just("any"),
    versions=some(["TLSv1.3", "TLSv1.2"]),
    suites=some([suites()[code].name for code in (AES128, AES256, CHACHA, 0x1304, 0xC02B)]),
    groups=some([groups()[code].name for code in (X25519, P256, P384, 0x0100)]),
    signatures=some([schemes()[code].name for code in (ECDSA_P256, ECDSA_P384, ED25519, 0x0704)]),
    minimum_cipher=st.sampled_from([0, 112, 200, 256, 300]),
    minimum_group=st.sampled_from([0, 112, 150, 192, 300]),
    minimum_signature=st.sampled_from([0, 112, 150, 192, 300]),
)

CREDENTIALS = st.sampled_from([None, (credential(P256_KEY),), None, ()])
ALPN = st.sampled_from([(), (b"h2",), (b"http/1.1", b"h2"), (b"other",)])


def everything_installed(policy: Policy) -> Policy:
    """The policy that allows all there is."""
    return evolve(
        policy,
        versions=("TLSv1.3", "TLSv1.2"),
        suites=tuple(suite.name for suite in CATALOGUE.suites.values()),
        groups=tuple(group.name for group in CATALOGUE.groups.values()),
        signatures=tuple(scheme.name for scheme in CATALOGUE.signatures.values()),
        minimum_cipher=0,
        minimum_group=0,
        minimum_signature=0,
    )


def single_edits(catalogue: Catalogue) -> list[str]:
    """Every name that could be added alone, and every floor taken away."""
    names = ["TLSv1.3", "TLSv1.2"]
    for things in (catalogue.suites, catalogue.groups, catalogue.signatures):
        names += [thing.name for thing in things.values()]
    return [
        *(f"with {name}" for name in names),
        *(f"minimum-{axis} 0" for axis in ("cipher", "group", "signature")),
    ]


@settings(max_examples=150, deadline=None)
@given(OFFERS, POLICIES, CREDENTIALS, ALPN)
def test_a_change_agrees_and_a_hurdle_holds(
    offer: Offer, policy: Policy, credentials: Sequence[Credential] | None, alpn: Sequence[bytes]
) -> None:
    def agrees(changed: Policy) -> bool:
        return negotiate(offer, changed, CATALOGUE, credentials=credentials, alpn=alpn).agreement is not None

    explanation = explain(offer, policy, CATALOGUE, credentials=credentials, alpn=alpn)
    change = explanation.smallest_change
    assert explanation.agreed == agrees(policy)
    if explanation.agreed:
        assert change is None
        assert not explanation.hurdles
    elif change is None:
        assert explanation.hurdles
        assert not agrees(everything_installed(policy))
    else:
        assert not explanation.hurdles
        assert agrees(edit(policy, ", ".join(change.edits)))
        if len(change.edits) > 1:
            assert not any(agrees(edit(policy, single)) for single in single_edits(CATALOGUE))
            for index in range(len(change.edits)):
                fewer = [text for at, text in enumerate(change.edits) if at != index]
                assert not agrees(edit(policy, ", ".join(fewer)))
    assert json.loads(json.dumps(explanation.to_dict())) == explanation.to_dict()


# --- plain data -------------------------------------------------------------------------------------------

DOCUMENT = Path(__file__).parents[1] / "docs" / "reference" / "explain-schema.md"


def test_plain_data_has_the_schema_and_every_note() -> None:
    facts = explain(OFFER, MODERN, CATALOGUE).to_dict()
    assert facts["schema"] == SCHEMA
    assert facts["outcome"] == "agreed"
    assert facts["agreement"]["group"] == "x25519"
    taken = [note["candidate"] for note in facts["notes"] if note["verdict"] == "taken"]
    assert taken == ["TLSv1.3", "TLS_AES_128_GCM_SHA256", "x25519", "ecdsa_secp256r1_sha256"]
    assert facts["offer"]["groups"][0] == {"code": X25519, "name": "x25519", "grease": False}


def test_a_refusal_tells_its_alert_and_rule() -> None:
    refusal = explain(OFFER, edit(LEGACY, "only ffdhe2048"), CATALOGUE).to_dict()["refusal"]
    assert refusal["code"] == "no_common_group"
    assert refusal["alert"] == {"code": 40, "name": "handshake_failure"}
    assert refusal["section"] == NoAgreement.NO_COMMON_GROUP.section


def test_every_word_of_the_output_is_documented() -> None:
    """Only the client's own verdicts never come from a server's choice."""
    text = DOCUMENT.read_text()
    served = [verdict for verdict in Verdict if verdict not in (Verdict.NOT_CHOSEN, Verdict.NEVER_OFFERED)]
    words = [*served, *Obstacle]
    assert [word.name for word in words if f"`{word.name.lower()}`" not in text] == []
    assert SCHEMA in text
