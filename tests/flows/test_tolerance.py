"""What must be borne: odd but legal peers, and things from the future that are to be ignored."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from attrs import evolve

from suitor.config import ClientAuth
from suitor.connection import Connection
from suitor.errors import Alert, ConnectionEnded, PeerMisbehaved
from suitor.wire import messages
from suitor.wire.codec import message, pack_u16s, vec8, vec16
from suitor.wire.hello import ClientHello
from suitor.wire.messages import decode_certificate_request
from tests.flows.attacks_on_server import ASKING, COOKIE_TOO, IDENTIFIED, RETRYING
from tests.support import pki
from tests.support.hostile import (
    Edit,
    Inner,
    Item,
    Raw,
    Record,
    Villain,
    client_hello,
    put_extension,
    server_hello,
)
from tests.support.pairs import LIGHT, Pair, Side, bytewise, client_config, server_config

CCS = Record(20, b"\x01", plain=True)
GREASE = tuple(0x0A0A + 0x1010 * n for n in range(16))


def odd_client(*edits: Edit, client: dict[str, object] | None = None, **server: object) -> Pair:
    villain = Villain.as_client(client_config(**client or {}), pki.NAME, edits)
    return Pair(Side(villain), Side(Connection.server(server_config(**server)))).pump().check().exchange()


def odd_server(*edits: Edit, client: dict[str, object] | None = None, **server: object) -> Pair:
    villain = Villain.as_server(server_config(**server), edits)
    sides = Pair(Side(Connection.client(client_config(**client or {}), pki.NAME)), Side(villain))
    return sides.pump().check().exchange()


# --- change_cipher_spec -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [8, 11, 15, 20])
def test_a_server_may_send_change_cipher_spec_anywhere(kind: int) -> None:
    """RFC 8446 section 5: dropped until the peer's Finished."""
    odd_server(Edit(kind, lambda raw: [CCS, raw]))


def test_even_before_its_first_message() -> None:
    odd_server(Edit(2, lambda raw: [CCS, CCS, raw]))
    odd_server(Edit(2, lambda raw: [CCS, raw]), **RETRYING)


def test_and_so_may_a_client() -> None:
    odd_client(Edit(1, lambda raw: [raw, CCS]))
    odd_client(Edit(1, lambda raw: [CCS, raw], 1), **RETRYING)
    odd_client(Edit(20, lambda raw: [CCS, CCS, raw]))
    odd_client(Edit(11, lambda raw: [CCS, raw]), client=IDENTIFIED, **ASKING)


@pytest.mark.parametrize("count", [0, 10, 31])
def test_up_to_32_of_them_with_the_engines_own(count: int) -> None:
    odd_server(Edit(8, lambda raw: [*[CCS] * count, raw]))


# --- what is not known is ignored -------------------------------------------------------------------------


def greased(hello: ClientHello) -> ClientHello:
    """RFC 8701 section 3: every list with a GREASE value at both ends, and extensions of that kind."""
    first, last = GREASE[:2]
    extensions = {
        first: b"",
        **hello.extensions,
        43: vec8(pack_u16s((first, *(hello.versions or ()), last))),
        10: vec16(pack_u16s((first, *(hello.groups or ()), last))),
        13: vec16(pack_u16s((first, *(hello.signatures or ()), last))),
        50: vec16(pack_u16s((first, *(hello.certificate_signatures or ()), last))),
        16: vec16(b"\x02\x0a\x0a" + b"\x02h2" + b"\x02\x1a\x1a"),
        27: vec8(pack_u16s((first, 1))),
        45: vec8(b"\x0b\x01\x2a"),
        51: vec16(
            first.to_bytes(2, "big")
            + vec16(b"\0")
            + b"".join(code.to_bytes(2, "big") + vec16(share) for code, share in hello.shares or ())
        ),
        last: b"\0",
    }
    return evolve(hello, suites=(first, *hello.suites, last), extensions=extensions)


@pytest.mark.parametrize("options", [{}, RETRYING, COOKIE_TOO], ids=["plain", "retry", "cookie"])
def test_a_client_with_grease_everywhere(options: dict[str, object]) -> None:
    def only_the_share_changed(hello: ClientHello) -> ClientHello:
        again = greased(hello)
        return evolve(again, extensions={**again.extensions, 51: hello.extensions[51]})

    done = odd_client(
        client_hello(greased, 0),
        client_hello(only_the_share_changed, 1),
        client={"alpn": (b"h2",)},
        alpn=(b"h2",),
        **options,
    )
    assert done.server.info.alpn == "h2"


def test_codes_that_are_not_assigned() -> None:
    odd_client(
        client_hello(
            lambda h: evolve(
                h,
                suites=(0x00FF, 0x5600, 0xDDDD, 0xC02F, *h.suites),
                extensions={
                    0x7777: bytes(3000),
                    21: bytes(200),
                    23: b"",
                    0xFF01: b"\0",
                    5: b"\x01\0\0\0\0",
                    35: b"",
                    **h.extensions,
                },
            )
        )
    )


@pytest.mark.parametrize("version", [0x0301, 0x0302, 0x0304, 0x7F7F])
def test_the_legacy_version_of_a_client_does_not_count(version: int) -> None:
    """RFC 8446 section 4.2.1: supported_versions alone does."""
    odd_client(client_hello(lambda h: evolve(h, legacy_version=version)))


def test_another_kind_of_name_is_skipped() -> None:
    done = odd_client(
        client_hello(
            put_extension(0, vec16(b"\x01" + vec16(b"who knows") + b"\0" + vec16(b"Server.Example.")))
        )
    )
    assert done.server.info.server_name == "server.example"


def test_a_psk_that_nobody_knows_is_passed_over() -> None:
    identity = vec16(vec16(b"ticket") + bytes(4)) + vec16(vec8(bytes(32)))
    odd_client(client_hello(lambda h: evolve(h, extensions={**h.extensions, 45: b"\x01\x01", 41: identity})))


@pytest.mark.parametrize("retrying", [False, True])
def test_early_data_that_cannot_be_read_are_skipped(retrying: bool) -> None:
    """RFC 8446 section 4.2.10."""
    junk = Raw(b"\x17\x03\x03\x00\x40" + bytes(64))
    edits = [
        Edit(1, lambda raw: [_early(raw), CCS, *[junk] * 20], 0),
    ]
    odd_client(*edits, **(RETRYING if retrying else {}))


def _early(raw: bytes) -> bytes:
    (edited,) = client_hello(put_extension(42, b"")).change(raw)
    assert isinstance(edited, bytes)
    return edited


def test_early_data_have_a_limit() -> None:
    junk = Raw(b"\x17\x03\x03\x40\x00" + bytes(16_384))
    villain = Villain.as_client(client_config(), pki.NAME, [Edit(1, lambda raw: [_early(raw), *[junk] * 5])])
    sides = Pair(Side(villain), Side(Connection.server(server_config()))).pump()
    assert sides.server.error is not None
    assert sides.server.error.reason is PeerMisbehaved.BAD_RECORD_MAC


def test_early_data_behind_the_second_hello_are_refused() -> None:
    junk = Raw(b"\x17\x03\x03\x00\x40" + bytes(64))
    edits = [
        Edit(1, lambda raw: [_early(raw)], 0),
        Edit(1, lambda raw: [raw, junk], 1),
    ]
    villain = Villain.as_client(client_config(), pki.NAME, edits)
    sides = Pair(Side(villain), Side(Connection.server(server_config(**RETRYING)))).pump()
    assert sides.server.error is not None
    assert sides.server.error.reason is PeerMisbehaved.BAD_RECORD_MAC


def test_unknown_extensions_of_a_server_that_may_volunteer_them() -> None:
    """RFC 8446 section 4.2: CertificateRequest and NewSessionTicket are requests, not answers."""

    def add(raw: bytes) -> list[Item]:
        request = decode_certificate_request(raw, 100)
        return [
            messages.encode_certificate_request(
                evolve(
                    request,
                    extensions={
                        GREASE[2]: b"",
                        **request.extensions,
                        0x4444: b"x",
                        48: b"\0\0",
                        47: b"\0\x03\0\1x",
                    },
                )
            )
        ]

    done = odd_server(Edit(13, add), client=IDENTIFIED, **ASKING)
    assert done.server.info.peer is not None
    ticket = message(
        4, bytes(8) + vec8(b"n") + vec16(b"ticket") + vec16(b"\x0a\x0a\0\0" + b"\0\x2a\0\x04" + bytes(4))
    )
    villain = done.server.connection
    assert isinstance(villain, Villain)
    villain.put(ticket, ticket * 3)
    done.pump().exchange()


# --- records ----------------------------------------------------------------------------------------------


def later(done: Pair, *items: Item) -> Pair:
    villain = done.client.connection
    assert isinstance(villain, Villain)
    villain.put(*items)
    return done.pump()


def test_empty_records_of_data() -> None:
    """RFC 8446 section 5.1: legal as a countermeasure against traffic analysis, though not without end."""
    done = odd_client()
    for _ in range(5):
        later(done, *[Record(23, b"")] * 32, Record(23, b"x"))
    assert done.server.error is None


def test_padding_of_any_length() -> None:
    done = odd_client()
    before = len(done.server.data)
    later(
        done,
        Inner(b"x\x17\0"),
        Inner(b"y\x17" + bytes(16_383)),
        Inner(b"\0\0\x17\0\0"),
        Inner(b"\x17" + bytes(9)),
    )
    assert done.server.data[before:] == b"xy\0\0"


def test_messages_cut_and_joined_in_protected_records() -> None:
    update = messages.encode_key_update(True)
    done = odd_client()
    later(done, *[Record(22, update[n : n + 1]) for n in range(4)])
    assert done.server.error is None

    def bits(raw: bytes) -> Iterable[Item]:
        return [Inner(raw[n : n + 1] + b"\x16" + bytes(n % 3)) for n in range(len(raw))]

    def bit_by_bit(kind: int) -> Edit:
        return Edit(kind, bits)

    villain = Villain.as_server(server_config(), [bit_by_bit(8)])
    sides = Pair(Side(Connection.client(client_config(), pki.NAME)), Side(villain), bytewise)
    # Its transcript lacks what it sent in pieces, so only the signature can tell.
    sides.pump()
    assert sides.client.error is not None
    assert sides.client.error.reason is PeerMisbehaved.BAD_SIGNATURE


def test_user_canceled_is_ignored() -> None:
    done = odd_client()
    later(done, *[Record(21, b"\x01\x5a")] * 4, Record(23, b"x"))
    assert done.server.error is None
    assert done.server.data.endswith(b"x")
    odd_server(Edit(8, lambda raw: [Record(21, b"\x01\x5a"), raw]))


def test_a_plaintext_alert_of_a_client_that_failed_on_the_hello() -> None:
    """It has no keys to tell it with (RFC 8446 section 6)."""
    villain = Villain.as_server(server_config(), [server_hello(lambda h: evolve(h, suite=0x1304))])
    sides = Pair(Side(Connection.client(client_config(), pki.NAME)), Side(villain)).pump()
    assert sides.client.error is not None
    assert isinstance(sides.server.error, ConnectionEnded)
    assert sides.server.error.peer_alert == Alert.ILLEGAL_PARAMETER


@pytest.mark.parametrize("auth", [ClientAuth.NONE, ClientAuth.OPTIONAL])
def test_the_server_may_speak_first(auth: ClientAuth) -> None:
    """RFC 8446 section 2: data after the server's Finished, before the client's."""
    options = {**ASKING, "client_auth": auth}
    villain = Villain.as_server(server_config(**options), ())
    sides = Pair(Side(Connection.client(client_config(), pki.NAME)), Side(villain))
    sides.to_server()
    villain.put(Record(23, b"welcome"))
    sides.pump().check()
    assert sides.client.data == b"welcome"


def test_without_middlebox_compatibility_there_is_no_change_cipher_spec() -> None:
    """RFC 8446 appendix D.4: an empty session ID asks for none."""
    sides = Pair(
        Side(Connection.client(client_config(policy=evolve(LIGHT, middlebox_compat=False)), pki.NAME)),
        Side(Connection.server(server_config())),
    )
    flights = [sides.to_server(), sides.to_client(), sides.to_server()]
    sides.check()
    for flight in flights:
        while flight:
            assert flight[0] != 20
            flight = flight[5 + int.from_bytes(flight[3:5], "big") :]
