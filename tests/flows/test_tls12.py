"""TLS 1.2 in memory: every lit suite, what the hellos settle, and what a peer may not do (RFC 5246)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from attrs import evolve
from cryptography.hazmat.primitives.asymmetric import padding

from suitor import (
    Alert,
    ClientAuth,
    ClientConfig,
    ConnectionEnded,
    LocalError,
    LocalMistake,
    NoAgreement,
    PeerMisbehaved,
    ServerConfig,
    default_catalogue,
)
from suitor.catalogue import LitSuite
from suitor.cli.pki import KeyKind
from suitor.errors import Reason
from suitor.policy import LEGACY, Policy, edit
from suitor.wire import extensions as ext
from suitor.wire.codec import HandshakeType, message
from suitor.wire.hello import decode_client_hello, reencode_client_hello
from suitor_plugins.credentials import SniCredentials
from tests.support import pki
from tests.support.hostile import Edit, Villain
from tests.support.pairs import Pair, Side, bytewise, client_config, pair, server_config

OLD = edit(LEGACY, "only version:TLSv1.2")
STRICT = evolve(OLD, extended_master_secret=True)
CATALOGUE = default_catalogue()
SUITES = [lit for lit in CATALOGUE.suites.values() if lit.exchange is not None]
KINDS = {"RSA": KeyKind.RSA2048, "ECDSA": KeyKind.P256}


def only(lit: LitSuite | str, policy: Policy = OLD) -> Policy:
    return evolve(policy, suites=(lit if isinstance(lit, str) else lit.name,))


def server(policy: Policy = OLD, kind: KeyKind = KeyKind.P256, **more: Any) -> ServerConfig:
    return evolve(server_config(), policy=policy, credentials=SniCredentials([pki.credential(kind)]), **more)


def client(policy: Policy = OLD, **more: Any) -> ClientConfig:
    return evolve(client_config(), policy=policy, **more)


@pytest.mark.parametrize("lit", SUITES, ids=lambda lit: lit.name)
def test_every_suite(lit: LitSuite) -> None:
    policy = only(lit)
    made = pair(client(policy), server(policy, KINDS[lit.suite.auth])).pump().check().exchange()
    assert made.client.info.suite == lit.name
    assert made.client.info.version == "TLSv1.2"
    assert (made.client.info.signature is None) == (lit.suite.kx == "RSA")


@pytest.mark.parametrize("kind", [KeyKind.P256, KeyKind.P384, KeyKind.RSA2048, KeyKind.ED25519])
def test_every_kind_of_key_on_both_sides(kind: KeyKind) -> None:
    asked = server(kind=kind, client_auth=ClientAuth.REQUIRED, verification=pki.verification())
    answering = client(credentials=SniCredentials([pki.client_credential(kind)]))
    made = pair(answering, asked).pump().check().exchange()
    assert made.server.info.peer is not None
    assert made.server.info.peer.verified


def test_a_client_without_a_certificate() -> None:
    asked = server(client_auth=ClientAuth.OPTIONAL, verification=pki.verification())
    assert pair(client(), asked).pump().check().server.info.peer is None
    asked = evolve(asked, client_auth=ClientAuth.REQUIRED)
    refused = pair(client(), asked).pump()
    assert reason(refused.server) is PeerMisbehaved.CERTIFICATE_REQUIRED


def test_alpn_and_the_newest_common_version() -> None:
    both = evolve(LEGACY, extended_master_secret=True)
    made = pair(client(both, alpn=(b"a", b"b")), server(STRICT, alpn=(b"b",))).pump().check()
    assert (made.client.info.version, made.client.info.alpn) == ("TLSv1.2", "b")
    assert pair(client(both), server(both)).pump().check().client.info.version == "TLSv1.3"


def test_byte_by_byte() -> None:
    pair(client(), server(), carry=bytewise).pump().check().exchange((1, 300))


def test_there_is_no_key_update() -> None:
    made = pair(client(), server()).pump().check()
    with pytest.raises(LocalError) as raised:
        made.client.connection.update_keys()
    assert raised.value.reason is LocalMistake.NO_KEY_UPDATE


def reason(side: Side) -> Reason | None:
    return side.error.reason if side.error is not None else None


def against_server(edits: Iterable[Edit], config: ServerConfig, policy: Policy = OLD) -> Pair:
    villain = Villain.as_client(client(policy), pki.NAME, list(edits))
    return Pair(Side(villain), Side(type(villain).server(config))).pump()


def against_client(edits: Iterable[Edit], config: ClientConfig, policy: Policy = OLD) -> Pair:
    villain = Villain.as_server(server(policy), list(edits))
    return Pair(Side(type(villain).client(config, pki.NAME)), Side(villain)).pump()


def hello(**changes: Callable[[dict[int, bytes]], object]) -> list[Edit]:
    """Edit the ClientHello's extensions."""

    def change(raw: bytes) -> Iterable[bytes]:
        decoded = decode_client_hello(raw)
        extensions = dict(decoded.extensions)
        for apply in changes.values():
            apply(extensions)
        yield reencode_client_hello(evolve(decoded, extensions=extensions))

    return [Edit(HandshakeType.CLIENT_HELLO, change)]


def without(code: int) -> Callable[[dict[int, bytes]], object]:
    return lambda extensions: extensions.pop(code)


def having(code: int, body: bytes) -> Callable[[dict[int, bytes]], object]:
    return lambda extensions: extensions.update({code: body})


@pytest.mark.parametrize(
    ("edits", "policy", "expected", "alert"),
    [
        (
            hello(a=having(ext.RENEGOTIATION_INFO, b"\x01x")),
            OLD,
            PeerMisbehaved.BAD_RENEGOTIATION_INFO,
            Alert.HANDSHAKE_FAILURE,
        ),
        (
            hello(a=having(ext.EC_POINT_FORMATS, b"\x01\x01")),
            OLD,
            PeerMisbehaved.NO_UNCOMPRESSED_POINTS,
            Alert.ILLEGAL_PARAMETER,
        ),
        (
            hello(a=without(ext.EXTENDED_MASTER_SECRET)),
            STRICT,
            NoAgreement.NO_EXTENDED_MASTER_SECRET,
            Alert.HANDSHAKE_FAILURE,
        ),
        (
            [
                Edit(
                    HandshakeType.CLIENT_HELLO,
                    lambda raw: [
                        reencode_client_hello(
                            evolve(h := decode_client_hello(raw), suites=(*h.suites, 0x5600))
                        )
                    ],
                )
            ],
            LEGACY,
            PeerMisbehaved.INAPPROPRIATE_FALLBACK,
            Alert.INAPPROPRIATE_FALLBACK,
        ),
        (
            [Edit(HandshakeType.CLIENT_KEY_EXCHANGE, lambda raw: [message(raw[0], b"\x20" + bytes(32))])],
            evolve(OLD, groups=("x25519",)),
            PeerMisbehaved.BAD_SHARE,
            Alert.ILLEGAL_PARAMETER,
        ),
        (
            [Edit(HandshakeType.FINISHED, lambda raw: [raw[:-1] + bytes([raw[-1] ^ 1])])],
            OLD,
            PeerMisbehaved.BAD_FINISHED,
            Alert.DECRYPT_ERROR,
        ),
        (
            [Edit(HandshakeType.CLIENT_KEY_EXCHANGE, lambda raw: [])],
            OLD,
            PeerMisbehaved.BAD_CHANGE_CIPHER_SPEC,
            Alert.UNEXPECTED_MESSAGE,
        ),
        (
            [Edit(HandshakeType.CLIENT_KEY_EXCHANGE, lambda raw: [raw, raw])],
            OLD,
            PeerMisbehaved.UNEXPECTED_MESSAGE,
            Alert.UNEXPECTED_MESSAGE,
        ),
    ],
)
def test_a_server_is_attacked(edits: list[Edit], policy: Policy, expected: Reason, alert: Alert) -> None:
    attacked = against_server(edits, server(policy))
    assert reason(attacked.server) is expected
    assert isinstance(attacked.client.error, ConnectionEnded)
    assert attacked.client.error.peer_alert == alert


def changed(offset: int) -> Callable[[bytes], Iterable[bytes]]:
    return lambda raw: [raw[:offset] + bytes([raw[offset] ^ 1]) + raw[offset + 1 :]]


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        ([Edit(HandshakeType.SERVER_KEY_EXCHANGE, changed(-1))], PeerMisbehaved.BAD_SIGNATURE),
        ([Edit(HandshakeType.SERVER_KEY_EXCHANGE, lambda raw: [])], PeerMisbehaved.UNEXPECTED_MESSAGE),
        ([Edit(HandshakeType.CERTIFICATE, lambda raw: [])], PeerMisbehaved.UNEXPECTED_MESSAGE),
        (
            [Edit(HandshakeType.CERTIFICATE, lambda raw: [message(11, bytes(3))])],
            PeerMisbehaved.NO_CERTIFICATE,
        ),
        (
            [Edit(HandshakeType.SERVER_HELLO_DONE, lambda raw: [message(14, b"x")])],
            PeerMisbehaved.TRAILING_DATA,
        ),
        ([Edit(HandshakeType.SERVER_HELLO_DONE, lambda raw: [raw, raw])], PeerMisbehaved.UNEXPECTED_MESSAGE),
        ([Edit(HandshakeType.FINISHED, changed(-1))], PeerMisbehaved.BAD_FINISHED),
        (
            [
                Edit(
                    HandshakeType.SERVER_HELLO,
                    lambda raw: [raw.replace(b"\xff\x01\x00\x01\x00", b"\xff\x01\x00\x01\x01")],
                )
            ],
            PeerMisbehaved.BAD_RENEGOTIATION_INFO,
        ),
    ],
)
def test_a_client_is_attacked(edits: list[Edit], expected: PeerMisbehaved) -> None:
    assert reason(against_client(edits, client()).client) is expected


def test_a_certificate_that_does_not_fit_the_suite() -> None:
    wrong = pki.credential(KeyKind.RSA2048).chain
    swap = Edit(
        HandshakeType.CERTIFICATE,
        lambda raw: [
            message(
                11,
                (lambda c: len(c).to_bytes(3, "big") + c)(
                    b"".join(len(d).to_bytes(3, "big") + d for d in wrong)
                ),
            )
        ],
    )
    assert reason(against_client([swap], client()).client) is PeerMisbehaved.CERTIFICATE_UNFIT


def test_the_downgrade_sentinel_is_sent_and_seen() -> None:
    """RFC 8446 section 4.1.3: somebody took TLS 1.3 out of the ClientHello."""
    both = evolve(LEGACY, extended_master_secret=True)
    made = pair(client(both), server(both))
    first = made.client.take()
    stripped = decode_client_hello(first[5:])
    extensions = {code: body for code, body in stripped.extensions.items() if code != ext.SUPPORTED_VERSIONS}
    raw = reencode_client_hello(evolve(stripped, extensions=extensions))
    made.server.feed(b"\x16\x03\x01" + len(raw).to_bytes(2, "big") + raw)
    made.to_client()
    assert reason(made.client) is PeerMisbehaved.DOWNGRADE_SENTINEL


def test_renegotiation_is_refused_and_not_without_end() -> None:
    villain = Villain.as_server(server())
    made = Pair(Side(type(villain).client(client(), pki.NAME)), Side(villain)).pump()
    villain.put(message(HandshakeType.HELLO_REQUEST, b""))
    made.to_client()
    assert reason(made.client) is None
    alert = made.client.take()
    made.server.feed(alert)
    assert isinstance(made.server.error, ConnectionEnded)
    assert made.server.error.peer_alert == Alert.NO_RENEGOTIATION
    limit = OLD.limits.warning_alerts
    villain.put(*[message(HandshakeType.HELLO_REQUEST, b"")] * limit)
    made.client.feed(made.server.take())
    assert reason(made.client) is PeerMisbehaved.TOO_MANY_RENEGOTIATIONS


def premasters() -> dict[str, bytes]:
    """The five classic probes of ROBOT, as the plaintext under RSA (before padding where ours is replaced)."""
    return {
        "correct padding, wrong secret": b"\x03\x03" + b"A" * 46,
        "wrong version": b"\x02\x02" + b"A" * 46,
        "short": b"\x03\x03" + b"A" * 30,
        "long": b"\x03\x03" + b"A" * 60,
    }


@pytest.mark.parametrize("probe", [*premasters(), "no padding"])
def test_every_malformed_premaster_is_answered_alike(probe: str) -> None:
    """ROBOT: nothing before Finished tells, and then all tell the same."""
    policy = only("TLS_RSA_WITH_AES_128_GCM_SHA256")
    key = pki.credential(KeyKind.RSA2048).public_key

    def change(raw: bytes) -> Iterable[bytes]:
        if probe == "no padding":
            sealed = b"\x00" + b"\x42" * (key.key_size // 8 - 1)
        else:
            sealed = key.encrypt(premasters()[probe], padding.PKCS1v15())
        yield message(raw[0], len(sealed).to_bytes(2, "big") + sealed)

    villain = Villain.as_client(client(policy), pki.NAME, [Edit(HandshakeType.CLIENT_KEY_EXCHANGE, change)])
    made = Pair(Side(villain), Side(type(villain).server(server(policy, KeyKind.RSA2048))))
    made.to_server()
    made.to_client()
    flight = made.client.take()
    cut = flight.index(b"\x14\x03\x03")
    made.server.feed(flight[:cut])
    assert made.server.take() == b""
    assert reason(made.server) is None
    made.server.feed(flight[cut:])
    assert reason(made.server) is PeerMisbehaved.BAD_RECORD_MAC
    assert made.server.take() == bytes.fromhex("15 0303 0002 0214")


@pytest.mark.parametrize("name", ["TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384"])
@pytest.mark.parametrize("encrypt_then_mac", [True, False])
def test_every_flipped_byte_of_a_cbc_record_is_answered_alike(name: str, encrypt_then_mac: bool) -> None:
    policy = only(name)
    edits = [] if encrypt_then_mac else hello(a=without(ext.ENCRYPT_THEN_MAC))
    for position in range(5, 5 + 16 + 48):
        villain = Villain.as_client(client(policy), pki.NAME, edits)
        made = Pair(Side(villain), Side(type(villain).server(server(policy, KeyKind.RSA2048)))).pump()
        villain.send(b"x" * 20)
        record = bytearray(made.client.take())
        record[position] ^= 1
        made.server.feed(bytes(record))
        assert reason(made.server) is PeerMisbehaved.BAD_RECORD_MAC


def test_every_flipped_byte_of_the_plain_flights() -> None:
    """Whatever is changed on the way, the two never both finish."""
    policy = only("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256")
    size = len(pair(client(policy), server(policy)).client.take())
    for position in range(9, size, 7):
        made = pair(client(policy), server(policy))
        first = bytearray(made.client.take())
        first[position] ^= 1
        made.server.feed(bytes(first))
        made.pump()
        assert not (made.client.connection.handshake_complete and made.server.connection.handshake_complete)
        for side in (made.client, made.server):
            assert reason(side) is not LocalMistake.INTERNAL_FAULT
