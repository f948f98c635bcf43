"""Stage two: which chains each verification stage trusts, and the reason that it gives for the others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from suitor.cli.pki import KeyKind, make_intermediate, make_leaf, make_root
from suitor.errors import LocalError, LocalMistake, Untrusted
from suitor.plug import PeerCertificates, PeerVerification, StageFactory
from suitor_plugins import stages
from suitor_plugins.verification import NoVerification, PrivateVerification, WebVerification
from tests.stages.odd_certificates import (
    AUTHORITY,
    BOTH,
    INTERMEDIATE,
    KEY_IDENTIFIERS,
    LEAF,
    NAME,
    NAMES,
    NOW,
    ROOT,
    SERVER,
    SIGNS,
    Stage,
    odd,
    peer,
    refusal,
    usage,
    uses,
    verified,
)

# --- what both accept -------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", BOTH)
@pytest.mark.parametrize(
    "name",
    [NAME, "EXAMPLE.com", "example.com.", "www.example.net", "192.0.2.1", "2001:db8::1", "2001:DB8:0::1"],
)
def test_a_good_chain_for_each_of_its_names(stage: Stage, name: str) -> None:
    answer = verified(stage([ROOT.certificate]), peer(*LEAF.chain, name=name))
    assert answer.verified
    assert answer.subject == "CN=example.com"
    assert answer.names == NAMES
    assert answer.public_key == LEAF.key.public_key()
    whole = (*LEAF.chain, ROOT.certificate)
    assert answer.chain == tuple(c.public_bytes(Encoding.DER) for c in whole)


@pytest.mark.parametrize("stage", BOTH)
def test_a_client(stage: Stage) -> None:
    client = make_leaf(INTERMEDIATE, ["alice@example.com"], client=True)
    answer = verified(stage([ROOT.certificate]), peer(*client.chain, name=None, server=False))
    assert answer.subject == "CN=alice@example.com"


@pytest.mark.parametrize("stage", BOTH)
@pytest.mark.parametrize("kind", [k for k in KeyKind if k not in (KeyKind.RSA4096, KeyKind.ED25519)])
def test_each_kind_of_key(stage: Stage, kind: KeyKind) -> None:
    root = make_root(kind=kind)
    leaf = make_leaf(make_intermediate(root, kind=kind), [NAME], kind=kind)
    assert verified(stage([root.certificate]), peer(*leaf.chain)).verified


@pytest.mark.parametrize("stage", BOTH)
def test_an_intermediate_may_be_the_root(stage: Stage) -> None:
    answer = verified(stage([INTERMEDIATE.certificate]), peer(*LEAF.chain))
    assert len(answer.chain) == 2


@pytest.mark.parametrize("stage", BOTH)
def test_roots_from_a_file_and_in_der(stage: Stage, tmp_path: Path) -> None:
    file = tmp_path / "roots.pem"
    file.write_bytes(make_root("another").chain_pem() + b"# a comment\n" + ROOT.chain_pem())
    for roots in (file, str(file), [ROOT.certificate.public_bytes(Encoding.DER)]):
        assert verified(stage(roots), peer(*LEAF.chain)).verified


@pytest.mark.parametrize("stage", BOTH)
def test_surplus_certificates_do_no_harm(stage: Stage) -> None:
    others = (make_root("another").certificate, ROOT.certificate)
    assert verified(stage([ROOT.certificate]), peer(*LEAF.chain, *others)).verified


# --- what both refuse -------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", BOTH)
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("example.org", id="another"),
        pytest.param("www.example.com", id="a subdomain"),
        pytest.param("example.net", id="a wildcard's parent"),
        pytest.param("a.b.example.net", id="two labels for one wildcard"),
        pytest.param("192.0.2.2", id="another address"),
        pytest.param("2001:db8::2", id="another IPv6 address"),
        pytest.param("not a name", id="no name at all"),
        pytest.param("", id="empty"),
        pytest.param(None, id="no name given"),
    ],
)
def test_other_names(stage: Stage, name: str | None) -> None:
    reason, _ = refusal(stage([ROOT.certificate]), peer(*LEAF.chain, name=name))
    assert reason is Untrusted.NAME_MISMATCH


@pytest.mark.parametrize("stage", BOTH)
def test_a_refused_name_is_told_with_the_names_that_fit(stage: Stage) -> None:
    _, detail = refusal(stage([ROOT.certificate]), peer(*LEAF.chain, name="example.org"))
    assert "example.org" in detail
    assert NAME in detail


@pytest.mark.parametrize("stage", BOTH)
@pytest.mark.parametrize(
    ("lead", "reason"),
    [
        pytest.param(timedelta(days=398), Untrusted.EXPIRED, id="the leaf, expired"),
        pytest.param(timedelta(days=-2), Untrusted.NOT_YET_VALID, id="not yet valid"),
        pytest.param(timedelta(days=4000), Untrusted.EXPIRED, id="all expired"),
    ],
)
def test_validity(stage: Stage, lead: timedelta, reason: Untrusted) -> None:
    checked = stage([ROOT.certificate], clock=(NOW + lead).timestamp)
    assert refusal(checked, peer(*LEAF.chain))[0] is reason


@pytest.mark.parametrize("stage", BOTH)
def test_validity_counts_whole_seconds_at_both_ends(stage: Stage) -> None:
    now = LEAF.certificate.not_valid_after_utc.timestamp()
    clock = [now]
    checked = stage([ROOT.certificate], clock=lambda: clock[0])
    assert verified(checked, peer(*LEAF.chain)).verified
    clock[0] = now + 1
    assert refusal(checked, peer(*LEAF.chain))[0] is Untrusted.EXPIRED
    clock[0] = now
    assert verified(checked, peer(*LEAF.chain)).verified


@pytest.mark.parametrize("stage", BOTH)
def test_an_expired_issuer(stage: Stage) -> None:
    """The leaf is made with dates of its own, beyond its issuer's."""
    intermediate = make_intermediate(ROOT, days=2)
    leaf = odd(issuer=intermediate, extensions=SERVER, days=100)
    checked = stage([ROOT.certificate], clock=(NOW + timedelta(days=3)).timestamp)
    reason, detail = refusal(checked, peer(*leaf.chain))
    assert reason is Untrusted.EXPIRED
    assert "intermediate" in detail


@pytest.mark.parametrize("stage", BOTH)
def test_unknown_issuers(stage: Stage) -> None:
    stranger = stage([make_root("another").certificate])
    assert refusal(stranger, peer(*LEAF.chain))[0] is Untrusted.UNKNOWN_ISSUER
    assert refusal(stranger, peer(*LEAF.chain, ROOT.certificate))[0] is Untrusted.UNKNOWN_ISSUER
    known = stage([ROOT.certificate])
    reason, detail = refusal(known, peer(LEAF.certificate))
    assert reason is Untrusted.UNKNOWN_ISSUER
    assert "neither sent" in detail


@pytest.mark.parametrize("stage", BOTH)
def test_a_namesake_of_the_root_is_not_the_root(stage: Stage) -> None:
    namesake = stage([make_root().certificate])
    assert refusal(namesake, peer(*LEAF.chain))[0] is Untrusted.UNKNOWN_ISSUER


@pytest.mark.parametrize("stage", BOTH)
def test_an_altered_certificate(stage: Stage) -> None:
    der = LEAF.certificate.public_bytes(Encoding.DER)
    altered = der[:-1] + bytes((der[-1] ^ 1,))
    presented = PeerCertificates((altered, *peer(*LEAF.issuers).chain), NAME, True)
    assert refusal(stage([ROOT.certificate]), presented)[0] is Untrusted.BAD_CHAIN_SIGNATURE


@pytest.mark.parametrize("stage", [*BOTH, lambda _: NoVerification()], ids=["web", "private", "insecure"])
@pytest.mark.parametrize("chain", [(), (b"",), (b"\x30\x00",), (b"no certificate",)])
def test_what_is_no_certificate(stage: Stage, chain: tuple[bytes, ...]) -> None:
    presented = PeerCertificates(chain, NAME, True)
    assert refusal(stage([ROOT.certificate]), presented)[0] is Untrusted.MALFORMED


EDWARDS_ROOT = make_root(kind=KeyKind.ED25519)
CHAINS = [LEAF.chain, make_leaf(make_intermediate(EDWARDS_ROOT), [NAME]).chain]
CHECKING = [
    WebVerification([ROOT.certificate]),
    PrivateVerification([ROOT.certificate, EDWARDS_ROOT.certificate]),
]


@settings(max_examples=300, deadline=None)
@given(
    chain=st.sampled_from(CHAINS),
    which=st.integers(0, 1),
    place=st.floats(0, 0.999),
    value=st.integers(0, 255),
)
def test_any_altered_byte_is_refused_in_order(
    chain: tuple[x509.Certificate, ...], which: int, place: float, value: int
) -> None:
    """Refused with a reason, and nothing but VerificationFailed comes out."""
    ders = [bytearray(c.public_bytes(Encoding.DER)) for c in chain]
    at = int(place * len(ders[which]))
    assume(ders[which][at] != value)
    ders[which][at] = value
    presented = PeerCertificates(tuple(map(bytes, ders)), NAME, True)
    for stage in CHECKING:
        refusal(stage, presented)


@pytest.mark.parametrize("stage", [*BOTH, lambda _: NoVerification()], ids=["web", "private", "insecure"])
def test_an_unknown_version(stage: Stage) -> None:
    der = LEAF.certificate.public_bytes(Encoding.DER)
    version = bytes.fromhex("a003020102")
    assert der.count(version) == 1
    presented = PeerCertificates((der.replace(version, bytes.fromhex("a003020107")),), NAME, True)
    assert refusal(stage([ROOT.certificate]), presented)[0] is Untrusted.MALFORMED


@pytest.mark.parametrize("stage", BOTH)
def test_a_client_is_not_a_server_nor_the_other_way_round(stage: Stage) -> None:
    client = make_leaf(INTERMEDIATE, [NAME], client=True)
    checked = stage([ROOT.certificate])
    assert refusal(checked, peer(*client.chain))[0] is Untrusted.WRONG_USAGE
    assert refusal(checked, peer(*LEAF.chain, name=None, server=False))[0] is Untrusted.WRONG_USAGE


@pytest.mark.parametrize("stage", BOTH)
def test_a_leaf_is_no_authority(stage: Stage) -> None:
    forged = odd(issuer=LEAF, extensions=SERVER)
    reason, _ = refusal(stage([ROOT.certificate]), peer(*forged.chain))
    assert reason is Untrusted.NOT_A_CA


@pytest.mark.parametrize("stage", BOTH)
def test_an_authority_that_may_not_sign(stage: Stage) -> None:
    extensions = [AUTHORITY, (usage(crl_sign=True), True), *KEY_IDENTIFIERS]
    intermediate = odd("odd intermediate", issuer=ROOT, extensions=extensions)
    leaf = odd(issuer=intermediate, extensions=SERVER)
    assert refusal(stage([ROOT.certificate]), peer(*leaf.chain))[0] is Untrusted.WRONG_USAGE


@pytest.mark.parametrize("stage", BOTH)
def test_path_length(stage: Stage) -> None:
    """The intermediate made here allows none below it."""
    below = odd("below", issuer=INTERMEDIATE, extensions=[AUTHORITY, SIGNS, *KEY_IDENTIFIERS])
    leaf = odd(issuer=below, extensions=SERVER)
    assert refusal(stage([ROOT.certificate]), peer(*leaf.chain))[0] is Untrusted.PATH_TOO_LONG
    assert refusal(stage([ROOT.certificate], max_depth=0), peer(*LEAF.chain))[0] is Untrusted.PATH_TOO_LONG


@pytest.mark.parametrize("stage", BOTH)
def test_name_constraints(stage: Stage) -> None:
    only = x509.NameConstraints(permitted_subtrees=[x509.DNSName("example.org")], excluded_subtrees=None)
    root = odd("constrained root", extensions=[AUTHORITY, SIGNS, (only, True), *KEY_IDENTIFIERS])
    leaf = odd(issuer=root, extensions=SERVER)
    assert refusal(stage([root.certificate]), peer(*leaf.chain))[0] is Untrusted.NAME_CONSTRAINT


@pytest.mark.parametrize("stage", BOTH)
def test_weak_keys(stage: Stage) -> None:
    weak = rsa.generate_private_key(65537, 1024)
    leaf = odd(issuer=ROOT, extensions=SERVER, key=weak)
    assert refusal(stage([ROOT.certificate]), peer(*leaf.chain))[0] is Untrusted.WEAK_KEY
    root = odd("weak root", extensions=[AUTHORITY, SIGNS, *KEY_IDENTIFIERS], key=weak)
    leaf = odd(issuer=root, extensions=SERVER)
    assert refusal(stage([root.certificate]), peer(*leaf.chain))[0] is Untrusted.WEAK_KEY


@pytest.mark.parametrize("stage", BOTH)
def test_weak_signatures(stage: Stage) -> None:
    """The library makes no SHA-1 signatures any more, so a certificate is relabelled, which is told first."""
    root = make_root(kind=KeyKind.RSA2048)
    der = make_leaf(root, [NAME]).certificate.public_bytes(Encoding.DER)
    sha256, sha1 = bytes.fromhex("2a864886f70d01010b"), bytes.fromhex("2a864886f70d010105")
    assert der.count(sha256) == 2
    presented = PeerCertificates((der.replace(sha256, sha1),), NAME, True)
    assert refusal(stage([root.certificate]), presented)[0] is Untrusted.WEAK_SIGNATURE


@pytest.mark.parametrize("stage", BOTH)
def test_a_common_name_is_no_name(stage: Stage) -> None:
    leaf = odd(NAME, issuer=ROOT, extensions=[(uses(), False), *KEY_IDENTIFIERS])
    assert refusal(stage([ROOT.certificate]), peer(*leaf.chain))[0] is Untrusted.NAME_MISMATCH


@pytest.mark.parametrize("stage", BOTH)
def test_unknown_critical_extensions(stage: Stage) -> None:
    strange = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55738.1"), b"\x05\x00")
    leaf = odd(issuer=ROOT, extensions=[*SERVER, (strange, True)])
    reason, detail = refusal(stage([ROOT.certificate]), peer(*leaf.chain))
    assert reason is Untrusted.REFUSED_BY_RULE
    assert "1.3.6.1.4.1.55738.1" in detail


# --- no check, roots, the entry point ---------------------------------------------------------------------


def test_insecure_believes_anybody_and_says_so() -> None:
    answer = verified(NoVerification(), peer(odd(days=0).certificate, name="example.org"))
    assert not answer.verified
    assert answer.stage == "insecure"
    assert answer.subject == "CN=odd"


@pytest.mark.parametrize("stage", BOTH)
def test_roots_that_cannot_be_used(stage: Stage, tmp_path: Path) -> None:
    for roots, reason in (
        ([], LocalMistake.NO_TRUST_STORE),
        ([b"no certificate"], LocalMistake.BAD_PEM),
        (tmp_path / "missing.pem", LocalMistake.BAD_PEM),
    ):
        with pytest.raises(LocalError) as caught:
            stage(roots)
        assert caught.value.reason is reason


def test_the_platforms_roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenSSL's environment variables say where they are."""
    file = tmp_path / "cert.pem"
    file.write_bytes(ROOT.chain_pem())
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    assert verified(WebVerification(), peer(*LEAF.chain)).verified
    monkeypatch.delenv("SSL_CERT_FILE")
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    monkeypatch.setattr("ssl.get_default_verify_paths", only_directory(tmp_path))
    (tmp_path / "notes.txt").write_text("not a certificate")
    assert verified(WebVerification(), peer(*LEAF.chain)).verified


def only_directory(path: Path) -> Callable[[], object]:
    from types import SimpleNamespace

    return lambda: SimpleNamespace(cafile=None, capath=str(path), openssl_cafile="/nowhere")


def test_no_platform_roots_and_no_certifi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ssl.get_default_verify_paths", only_directory(tmp_path))
    monkeypatch.setitem(__import__("sys").modules, "certifi", None)
    with pytest.raises(LocalError) as caught:
        WebVerification()
    assert caught.value.reason is LocalMistake.NO_TRUST_STORE
    assert "certifi" in caught.value.detail


def test_the_factories_make_verification_stages() -> None:
    factories = {f.name: f for f in stages.suitor_stages() if f.kind == StageFactory.VERIFICATION}
    roots = {"roots": [ROOT.certificate]}
    for name, options in (("web", roots), ("private", roots), ("insecure", {})):
        stage = factories[name].make(**options)
        assert isinstance(stage, PeerVerification)
        assert stage.name == name
        assert verified(stage, peer(*LEAF.chain)).stage == name
