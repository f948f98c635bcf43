"""Honest handshakes: every combination, every option, and what both sides then know."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from attrs import evolve

from suitor.cli.pki import KeyKind
from suitor.config import ClientAuth
from suitor.connection import Connection
from suitor.decision import Axis, Verdict
from suitor.errors import (
    ConnectionEnded,
    Ended,
    LocalError,
    LocalMistake,
    NegotiationError,
    NoAgreement,
    PeerMisbehaved,
    Untrusted,
    VerificationError,
)
from suitor.events import HandshakeCompleted, TraceEntry, TraceKind
from suitor.negotiate import negotiate
from suitor.policy import HelloRetry, Policy, Preference
from suitor.wire.hello import decode_client_hello
from suitor_plugins.credentials import SniCredentials
from tests.support import pki
from tests.support.pairs import CATALOGUE, LIGHT, bytewise, client_config, pair, server_config, shaken

SUITES = [suite.name for suite in CATALOGUE.suites.values() if not suite.suite.kx]
GROUPS = [group.name for group in CATALOGUE.groups.values()]
SCHEMES = {
    KeyKind.P256: ["ecdsa_secp256r1_sha256"],
    KeyKind.P384: ["ecdsa_secp384r1_sha384"],
    KeyKind.ED25519: ["ed25519"],
    KeyKind.RSA2048: ["rsa_pss_rsae_sha256", "rsa_pss_rsae_sha384", "rsa_pss_rsae_sha512"],
}
IDENTITIES = [(kind, scheme) for kind, schemes in SCHEMES.items() for scheme in schemes]


def only(**axes: str) -> Policy:
    options: dict[str, Any] = {axis: (name,) for axis, name in axes.items()}
    return evolve(LIGHT, minimum_group=0, minimum_cipher=0, **options)


@pytest.mark.parametrize(("suite", "group", "identity"), list(product(SUITES, GROUPS, IDENTITIES)))
def test_every_suite_group_and_signature(suite: str, group: str, identity: tuple[KeyKind, str]) -> None:
    kind, scheme = identity
    server = server_config(
        policy=only(suites=suite, groups=group, signatures=scheme),
        credentials=SniCredentials([pki.credential(kind)]),
    )
    wide = evolve(LIGHT, suites=tuple(SUITES), groups=(group,))
    done = pair(client_config(policy=wide), server).pump().check().exchange((1, 20_000))
    info = done.client.info
    assert (info.suite, info.group, info.signature) == (suite, group, scheme)
    assert info.version == "TLSv1.3"


# --- HelloRetryRequest ------------------------------------------------------------------------------------


@pytest.mark.parametrize("cookie", [False, True])
@pytest.mark.parametrize("compatible", [False, True])
def test_a_retry(cookie: bool, compatible: bool) -> None:
    server = evolve(LIGHT, groups=("secp384r1",), retry_cookie=cookie)
    client = evolve(LIGHT, middlebox_compat=compatible)
    done = pair(client_config(policy=client), server_config(policy=server)).pump().check().exchange()
    assert done.client.info.retried
    assert done.client.info.group == "secp384r1"
    for side in (done.client, done.server):
        agreement = side.info.decision.agreement
        assert agreement is not None
        assert agreement.retry


@pytest.mark.parametrize(
    ("mode", "group", "retried"),
    [(HelloRetry.AVOID, "x25519", False), (HelloRetry.BEST_GROUP, "secp384r1", True)],
)
def test_the_policy_says_whether_the_best_group_is_worth_a_round_trip(
    mode: HelloRetry, group: str, retried: bool
) -> None:
    policy = evolve(LIGHT, groups=("secp384r1", "x25519"), hello_retry=mode)
    info = shaken(server=server_config(policy=policy)).client.info
    assert (info.group, info.retried) == (group, retried)


def test_a_client_may_send_no_share_at_all() -> None:
    """RFC 8446 section 4.2.8: an empty client_shares asks the server to choose the group."""
    done = shaken(client_config(policy=evolve(LIGHT, key_shares=0)))
    assert (done.client.info.group, done.client.info.retried) == ("x25519", True)


def test_several_shares_save_the_retry() -> None:
    server = server_config(policy=evolve(LIGHT, groups=("secp384r1",)))
    assert not shaken(client_config(policy=evolve(LIGHT, key_shares=3)), server).client.info.retried


# --- who the server is ------------------------------------------------------------------------------------


def test_the_name_chooses_the_certificate() -> None:
    stage = SniCredentials([pki.credential(name="one.example"), pki.credential(name="two.example")])
    for name in ("one.example", "two.example"):
        done = pair(client_config(), server_config(credentials=stage), name).pump().check()
        assert done.client.info.peer is not None
        assert done.client.info.peer.names == (name,)
        assert done.server.info.server_name == name


def test_an_unknown_name_is_refused_by_a_strict_stage() -> None:
    stage = SniCredentials([pki.credential()], strict=True)
    failed = pair(client_config(), server_config(credentials=stage), "other.example").pump()
    assert isinstance(failed.server.error, NegotiationError)
    assert failed.server.error.reason is NoAgreement.UNRECOGNIZED_NAME
    assert told(failed.client.error) == 112


def told(error: Exception | None) -> int | None:
    assert isinstance(error, ConnectionEnded), error
    assert error.reason is Ended.PEER_ALERT
    return error.peer_alert


def test_the_wrong_name_is_not_trusted() -> None:
    failed = pair(name="other.example").pump()
    assert isinstance(failed.client.error, VerificationError)
    assert failed.client.error.reason is Untrusted.NAME_MISMATCH
    assert told(failed.server.error) == 42
    assert failed.client.connection.info is None


def test_an_address_is_verified_but_never_sent() -> None:
    stage = SniCredentials([pki.credential(name="192.0.2.1")])
    done = pair(client_config(), server_config(credentials=stage), "192.0.2.1").pump().check()
    assert done.server.info.server_name is None
    assert done.client.info.server_name == "192.0.2.1"


# --- who the client is ------------------------------------------------------------------------------------


class Identities:
    """A credentials stage with whatever a client has."""

    name = "identities"

    def __init__(self, *kinds: KeyKind) -> None:
        self.kinds = kinds

    def select(self, request: Any) -> Any:
        from suitor.plug import Selected

        assert not request.server
        return Selected(tuple(pki.client_credential(kind) for kind in self.kinds))


def asking(auth: ClientAuth, **options: Any) -> Any:
    return server_config(client_auth=auth, verification=pki.verification(), **options)


@pytest.mark.parametrize("kind", list(SCHEMES))
@pytest.mark.parametrize("auth", [ClientAuth.OPTIONAL, ClientAuth.REQUIRED])
def test_a_client_shows_its_certificate(auth: ClientAuth, kind: KeyKind) -> None:
    done = shaken(client_config(credentials=Identities(kind)), asking(auth)).exchange()
    peer = done.server.info.peer
    assert peer is not None
    assert peer.names == (pki.CLIENT_NAME,)
    assert done.client.info.credential == f"client {kind.value}"


@pytest.mark.parametrize("stage", [None, Identities(), Identities(KeyKind.ED25519)])
def test_a_client_without_a_fitting_certificate(stage: Identities | None) -> None:
    policy = evolve(LIGHT, signatures=("ecdsa_secp256r1_sha256",))
    client = client_config(credentials=stage)
    done = shaken(client, asking(ClientAuth.OPTIONAL, policy=policy)).exchange()
    assert done.server.info.peer is None
    assert done.client.info.credential is None
    failed = pair(client, asking(ClientAuth.REQUIRED, policy=policy)).pump()
    assert failed.server.error is not None
    assert failed.server.error.reason is PeerMisbehaved.CERTIFICATE_REQUIRED
    assert told(failed.client.error) == 116


def test_a_client_that_is_not_asked_says_nothing() -> None:
    done = shaken(client_config(credentials=Identities(KeyKind.P256)))
    assert done.server.info.peer is None
    assert done.client.info.credential is None


def test_a_client_of_another_authority_is_refused() -> None:
    from suitor.cli.pki import make_leaf, make_root
    from suitor.plug import Selected

    class Stranger:
        name = "stranger"

        def select(self, request: Any) -> Selected:
            return Selected((make_leaf(make_root("another"), ["x.example"], client=True).credential(),))

    failed = pair(client_config(credentials=Stranger()), asking(ClientAuth.REQUIRED)).pump()
    assert isinstance(failed.server.error, VerificationError)
    assert told(failed.client.error) == 48


# --- ALPN -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("client", "server", "chosen"),
    [
        ((b"h2", b"http/1.1"), (b"http/1.1", b"h2"), "http/1.1"),
        ((b"h2",), (), None),
        ((), (b"h2",), None),
        ((b"x", b"h2"), (b"h2",), "h2"),
    ],
)
def test_alpn(client: tuple[bytes, ...], server: tuple[bytes, ...], chosen: str | None) -> None:
    assert shaken(client_config(alpn=client), server_config(alpn=server)).client.info.alpn == chosen


def test_no_common_protocol_is_a_refusal() -> None:
    failed = pair(client_config(alpn=(b"h2",)), server_config(alpn=(b"h3",))).pump()
    assert failed.server.error is not None
    assert failed.server.error.reason is NoAgreement.NO_COMMON_ALPN
    assert told(failed.client.error) == 120


# --- nothing in common ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("client", "server", "reason"),
    [
        (only(suites=SUITES[0]), only(suites=SUITES[1]), NoAgreement.NO_COMMON_SUITE),
        (only(groups="x25519"), only(groups="secp256r1"), NoAgreement.NO_COMMON_GROUP),
        (only(signatures="ed25519"), LIGHT, NoAgreement.NO_COMMON_SIGNATURE),
    ],
)
def test_nothing_in_common(client: Policy, server: Policy, reason: NoAgreement) -> None:
    failed = pair(client_config(policy=client), server_config(policy=server)).pump()
    assert isinstance(failed.server.error, NegotiationError)
    assert failed.server.error.reason is reason
    assert told(failed.client.error) == reason.alert
    assert failed.server.connection.closed
    assert failed.client.connection.closed


@pytest.mark.parametrize("axis", ["suites", "groups", "signatures"])
def test_nothing_to_offer_is_told_before_a_byte_is_sent(axis: str) -> None:
    options: dict[str, Any] = {axis: ("nothing-of-that-name",)}
    policy = evolve(LIGHT, **options)
    with pytest.raises(LocalError) as client:
        Connection.client(client_config(policy=policy), pki.NAME)
    with pytest.raises(LocalError) as server:
        Connection.server(server_config(policy=policy))
    assert client.value.reason is server.value.reason is LocalMistake.NOTHING_USABLE


# --- what is told -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("preference", list(Preference))
def test_the_decision_is_the_pure_functions(preference: Preference) -> None:
    policy = evolve(LIGHT, suites=LIGHT.suites[::-1], preference=preference)
    sides = pair(client_config(explain=True), server_config(policy=policy, explain=True))
    hello = decode_client_hello(sides.client.take()[5:])
    decided = negotiate(hello.offer, policy, CATALOGUE, credentials=[pki.credential()], alpn=(), explain=True)
    done = shaken(server=server_config(policy=policy, explain=True))
    assert done.server.info.decision.notes == decided.notes
    assert decided.agreement is not None
    first = "TLS_AES_128_GCM_SHA256" if preference is Preference.CLIENT else LIGHT.suites[-1]
    assert done.server.info.suite == decided.agreement.suite.name == first


def test_a_client_tells_what_it_offered() -> None:
    done = shaken(client_config(explain=True))
    notes = done.client.info.decision.notes
    taken = {(note.axis, note.candidate) for note in notes if note.verdict is Verdict.TAKEN}
    info = done.client.info
    assert taken >= {(Axis.SUITE, info.suite), (Axis.GROUP, info.group), (Axis.SIGNATURE, info.signature)}


def test_the_trace_tells_every_message_on_both_sides() -> None:
    traces: dict[str, list[TraceEntry]] = {"client": [], "server": []}
    shaken(client_config(trace=traces["client"].append), server_config(trace=traces["server"].append))
    for sender, receiver in (("client", "server"), ("server", "client")):
        sent = [e.name for e in traces[sender] if e.kind is TraceKind.MESSAGE and e.sent]
        seen = [e.name for e in traces[receiver] if e.kind is TraceKind.MESSAGE and not e.sent]
        assert sent == seen
        assert sent[-1] == "Finished"
        sizes = [
            [e.size for e in traces[side] if e.kind is TraceKind.MESSAGE and e.sent is (side == sender)]
            for side in (sender, receiver)
        ]
        assert sizes[0] == sizes[1]
    kinds = {entry.kind for trace in traces.values() for entry in trace}
    assert kinds == {TraceKind.MESSAGE, TraceKind.KEYS, TraceKind.DECISION, TraceKind.STAGE}


def test_events_come_once_and_in_order() -> None:
    done = shaken()
    for side in (done.client, done.server):
        assert [type(event) for event in side.events] == [HandshakeCompleted]
        assert list(side.connection.events()) == []


# --- the shapes that bytes travel in ----------------------------------------------------------------------


def test_byte_by_byte() -> None:
    done = pair(carry=bytewise).pump().check()
    done.exchange((1, 300))


def test_certificates_are_compressed_where_it_is_worth_it() -> None:
    from suitor.cli.pki import make_intermediate, make_leaf

    long = make_leaf(make_intermediate(pki.root()), [pki.NAME, *(f"{n}.example" for n in range(200))])
    stage = SniCredentials([long.credential()])
    sizes = {}
    for compress in (True, False):
        sides = pair(
            client_config(policy=evolve(LIGHT, certificate_compression=compress)),
            server_config(credentials=stage),
        )
        sides.to_server()
        sizes[compress] = len(sides.to_client())
        sides.pump().check()
    if CATALOGUE.compressions:
        assert sizes[True] < sizes[False] - 500


@pytest.mark.parametrize("padding", [0, 1, 64, 1000, 16_385, 20_000])
def test_padding_hides_sizes(padding: int) -> None:
    done = shaken(client_config(policy=evolve(LIGHT, record_padding=padding)))
    lengths = set()
    for size in (1, 5, 60):
        done.client.connection.send(bytes(size))
        lengths.add(len(done.to_server()))
    assert len(lengths) == (1 if padding >= 64 else 3)
    done.exchange((1, 16_384, 100_000))


def test_a_big_transfer() -> None:
    shaken().exchange((3_000_000,))
