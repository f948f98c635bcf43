"""Every limit: one below, at it, one above; and what an attacker can make a connection hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve

from suitor.connection import Connection
from suitor.errors import PeerMisbehaved
from suitor.policy import Limits
from suitor.record.protection13 import MAX_CIPHERTEXT
from suitor.wire.codec import message, vec16, vec24
from suitor.wire.hello import decode_client_hello, reencode_client_hello
from tests.flows.attacks_on_both import TICKET
from tests.flows.attacks_on_server import ASKING, IDENTIFIED, certificate
from tests.support import pki
from tests.support.hostile import Edit, Inner, Item, Record, Villain, client_hello_block, put_extension
from tests.support.pairs import LIGHT, Pair, Side, client_config, server_config

NEAR = [-1, 0, 1]
"""One below the limit, at it, one above."""


def limited(**limits: int) -> dict[str, Any]:
    return {"policy": evolve(LIGHT, limits=Limits(**limits))}


def against_server(
    edits: list[Edit], server: dict[str, Any], client: dict[str, Any] | None = None
) -> tuple[Side, Villain, Pair]:
    villain = Villain.as_client(client_config(**client or {}), pki.NAME, edits)
    pair = Pair(Side(villain), Side(Connection.server(server_config(**server)))).pump()
    return pair.server, villain, pair


def against_client(
    edits: list[Edit], client: dict[str, Any], server: dict[str, Any] | None = None
) -> tuple[Side, Villain, Pair]:
    villain = Villain.as_server(server_config(**server or {}), edits)
    pair = Pair(Side(Connection.client(client_config(**client), pki.NAME)), Side(villain)).pump()
    return pair.client, villain, pair


def check(victim: Side, over: int, reason: PeerMisbehaved) -> None:
    if over > 0:
        assert victim.error is not None
        assert victim.error.reason is reason
    else:
        assert victim.error is None
        assert victim.connection.handshake_complete


# --- the handshake ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("over", NEAR)
@pytest.mark.parametrize("limit", [300, 20_000, 65_536])
def test_the_size_of_a_client_hello(limit: int, over: int) -> None:
    """Without its four-byte header. At the largest, it fills several records."""

    def sized(raw: bytes) -> list[Item]:
        missing = limit + over - (len(raw) - 4) - 4
        return [reencode_client_hello(put_extension(0x4444, bytes(missing))(decode_client_hello(raw)))]

    victim, _, _ = against_server([Edit(1, sized)], limited(client_hello=limit))
    check(victim, over, PeerMisbehaved.MESSAGE_TOO_LARGE)


@pytest.mark.parametrize("over", NEAR)
def test_the_number_of_extensions(over: int) -> None:
    edit = client_hello_block(
        lambda items: [*items, *((0x4000 + n, b"") for n in range(30 + over - len(items)))]
    )
    victim, _, _ = against_server([edit], limited(extensions=30))
    check(victim, over, PeerMisbehaved.TOO_MANY_EXTENSIONS)


@pytest.mark.parametrize("over", NEAR)
def test_the_number_of_certificates(over: int) -> None:
    def entry(der: bytes) -> bytes:
        return vec24(der) + vec16(b"")

    leaf, other = pki.client_credential().chain[0], pki.credential().chain[0]
    edit = Edit(11, lambda raw: [certificate(entry(leaf), *[entry(other)] * (3 + over))])
    victim, _, _ = against_server([edit], {**ASKING, **limited(certificates=4)}, IDENTIFIED)
    check(victim, over, PeerMisbehaved.CHAIN_TOO_LARGE)
    server = Edit(11, lambda raw: [certificate(entry(other), *[entry(leaf)] * (3 + over))])
    victim, _, _ = against_client([server, Edit(25, server.change)], limited(certificates=4))
    check(victim, over, PeerMisbehaved.CHAIN_TOO_LARGE)


@pytest.mark.parametrize("over", NEAR)
def test_the_size_of_a_certificate_message(over: int) -> None:
    sizes: list[int] = []

    def measure(raw: bytes) -> list[Item]:
        sizes.append(len(raw) - 4)
        return [raw]

    against_client([Edit(11, measure)], {})
    victim, _, _ = against_client([], limited(certificate_message=sizes[0] - over))
    check(victim, over, PeerMisbehaved.MESSAGE_TOO_LARGE)


@pytest.mark.parametrize("over", NEAR)
def test_the_size_of_a_decompressed_certificate(over: int) -> None:
    import zlib

    data = certificate(*[vec24(pki.credential().chain[0]) + vec16(b"")] * 3)[4:]
    packed = message(25, b"\0\x01" + len(data).to_bytes(3, "big") + vec24(zlib.compress(data)))
    victim, _, _ = against_client(
        [Edit(11, lambda raw: [packed])], limited(certificate_message=len(data) - over)
    )
    check(victim, over, PeerMisbehaved.BAD_COMPRESSED_CERTIFICATE)


@pytest.mark.parametrize("over", NEAR)
def test_the_size_of_other_messages(over: int) -> None:
    victim, villain, pair = against_client([], limited(handshake_message=600))
    ticket = bytes(8) + b"\0" + vec16(bytes(600 + over - 13)) + vec16(b"")
    assert len(ticket) == 600 + over
    villain.put(message(4, ticket))
    pair.pump()
    check(victim, over, PeerMisbehaved.MESSAGE_TOO_LARGE)


# --- afterwards -------------------------------------------------------------------------------------------


def repeated(count: int, *items: Item) -> Callable[[Villain], None]:
    return lambda villain: villain.put(*list(items) * count)


def updated(count: int) -> Callable[[Villain], None]:
    def send(villain: Villain) -> None:
        for _ in range(count):
            villain.update_keys()

    return send


LATER: list[tuple[str, int, Callable[[int], Callable[[Villain], None]], PeerMisbehaved]] = [
    ("empty_records", 5, lambda n: repeated(n, Record(23, b"")), PeerMisbehaved.TOO_MANY_EMPTY_RECORDS),
    ("empty_records", 5, lambda n: repeated(n, Inner(b"\x17\0\0")), PeerMisbehaved.TOO_MANY_EMPTY_RECORDS),
    ("warning_alerts", 3, lambda n: repeated(n, Record(21, b"\x01\x5a")), PeerMisbehaved.TOO_MANY_WARNINGS),
    ("key_updates", 4, updated, PeerMisbehaved.TOO_MANY_KEY_UPDATES),
    ("tickets", 6, lambda n: repeated(n, TICKET), PeerMisbehaved.TOO_MANY_TICKETS),
    ("tickets", 6, lambda n: lambda villain: villain.put(TICKET * n), PeerMisbehaved.TOO_MANY_TICKETS),
]


@pytest.mark.parametrize("over", NEAR)
@pytest.mark.parametrize("row", LATER, ids=[f"{row[0]}-{n}" for n, row in enumerate(LATER)])
def test_counts(
    row: tuple[str, int, Callable[[int], Callable[[Villain], None]], PeerMisbehaved], over: int
) -> None:
    name, limit, make, reason = row
    options = {**limited(**{name: limit})}
    # The server's own change_cipher_spec counts as an empty record.
    options["policy"] = evolve(options["policy"], middlebox_compat=False)
    victim, villain, pair = against_client([], options)
    make(limit + over)(villain)
    pair.pump()
    check(victim, over, reason)


@pytest.mark.parametrize("limit", ["empty_records", "key_updates", "warning_alerts", "tickets"])
def test_a_limit_of_zero(limit: str) -> None:
    row = next(row for row in LATER if row[0] == limit)
    options = limited(**{limit: 0})
    options["policy"] = evolve(options["policy"], middlebox_compat=False)
    victim, villain, pair = against_client([], options)
    assert victim.error is None
    row[2](1)(villain)
    pair.pump()
    assert victim.error is not None
    assert victim.error.reason is row[3]


# --- memory -----------------------------------------------------------------------------------------------


def held(connection: Connection) -> int:
    """All the bytes that a connection's reader, writer and joiner of messages hold."""
    parts: list[Any] = [connection._reader, connection._writer, connection._joiner]
    values = [getattr(part, slot) for part in parts for slot in part.__slots__]
    return sum(len(value) for value in values if isinstance(value, bytes | bytearray | memoryview))


def flood(victim: Side, pieces: Callable[[int], bytes], limit: int, rounds: int = 20_000) -> None:
    """Feed pieces until the victim has enough of them; it never holds more than the limit."""
    most = fed = 0
    for n in range(rounds):
        piece = pieces(n)
        victim.feed(piece)
        fed += len(piece)
        if victim.error is not None:
            break
        most = max(most, held(victim.connection))
    assert victim.error is not None, f"{fed} bytes taken"
    assert most <= limit
    assert held(victim.connection) <= limit


RECORD = 5 + MAX_CIPHERTEXT


def test_a_hello_that_never_ends() -> None:
    """One byte to a record, of a message that is just not too large; the type is a server's to reject."""
    victim = Side(Connection.server(server_config()))
    size = LIGHT.limits.client_hello
    start = b"\x16\x03\x01\x00\x04\x01" + size.to_bytes(3, "big")
    flood(victim, lambda n: start if not n else b"\x16\x03\x01\x01\x00" + bytes(256), size + 4 + RECORD)


@pytest.mark.parametrize("role", ["client", "server"])
def test_any_message_that_never_ends(role: str) -> None:
    connection = (
        Connection.client(client_config(), pki.NAME)
        if role == "client"
        else Connection.server(server_config())
    )
    connection.data_to_send()
    size = LIGHT.limits.handshake_message
    start = b"\x16\x03\x01\x00\x04\x63" + size.to_bytes(3, "big")
    more = b"\x16\x03\x01\x01\x00" + bytes(256)
    flood(Side(connection), lambda n: more if n else start, size + 4 + RECORD)


def test_a_record_that_never_ends() -> None:
    victim = Side(Connection.server(server_config()))
    victim.feed(b"\x16\x03\x01\x40\x00")
    for _ in range(16_383):
        victim.feed(b"\0")
        assert held(victim.connection) <= RECORD
    assert victim.error is None


def test_empty_handshake_messages_do_not_pile_up() -> None:
    """A record full of headers is refused at the first one that is not expected."""
    victim = Side(Connection.server(server_config()))
    flood(victim, lambda n: b"\x16\x03\x01\x40\x00" + b"\x63\0\0\0" * 4096, RECORD, 1)


def test_after_the_handshake_nothing_stays() -> None:
    victim, villain, pair = against_client([], {})
    for _ in range(30):
        villain.put(Record(23, bytes(16_384)), Record(22, TICKET[:5]), Record(22, TICKET[5:]))
        pair.pump()
        assert held(victim.connection) == 0
    assert victim.error is None


def test_what_is_answered_does_not_grow_with_what_is_asked() -> None:
    """One answer for all the requests of one read (RFC 8446 section 4.6.3)."""
    victim, villain, _ = against_client([], {})
    for _ in range(30):
        villain.update_keys(request=True)
    victim.feed(bytes(villain.data_to_send()))
    assert victim.error is None
    assert len(victim.take()) < 100
