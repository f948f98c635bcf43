"""How connections end: close_notify, half-closed, truncated, given up."""

from __future__ import annotations

import pytest

from suitor.connection import Connection
from suitor.errors import ConnectionEnded, Ended, LocalError, LocalMistake
from suitor.events import PeerClosed
from tests.support import pki
from tests.support.pairs import Pair, Side, client_config, pair, shaken


def sides(done: Pair, first: str) -> tuple[Side, Side]:
    return (done.client, done.server) if first == "client" else (done.server, done.client)


@pytest.mark.parametrize("first", ["client", "server"])
def test_each_way_is_closed_by_itself(first: str) -> None:
    """RFC 8446 section 6.1: a close_notify ends one direction only."""
    done = shaken()
    closer, other = sides(done, first)
    closer.connection.close()
    closer.connection.close()
    done.pump()
    assert len(other.of(PeerClosed)) == 1
    assert other.connection.peer_closed
    assert not other.connection.closed
    assert not closer.connection.closed
    with pytest.raises(LocalError) as caught:
        closer.connection.send(b"x")
    assert caught.value.reason is LocalMistake.WRONG_STATE
    other.connection.send(b"still here")
    other.connection.close()
    done.pump()
    assert closer.data == b"still here"
    assert closer.connection.closed
    assert other.connection.closed
    assert closer.error is None
    assert other.error is None


def test_nothing_is_read_behind_close_notify() -> None:
    done = shaken()
    done.client.connection.send(b"before")
    done.client.connection.close()
    data = done.client.take()
    done.server.feed(data + b"\x17\x03\x03\x00\x05wrong" + bytes(100_000))
    done.server.feed(b"more")
    done.server.feed(b"")
    assert done.server.data == b"before"
    assert done.server.error is None
    assert not done.server.connection._reader.mid_record()


def test_a_half_closed_side_still_follows_key_updates() -> None:
    done = shaken()
    done.client.connection.close()
    done.server.connection.update_keys(request=True)
    done.server.connection.send(b"x")
    done.pump()
    assert done.client.data == b"x"
    assert done.client.error is None
    assert done.server.error is None


@pytest.mark.parametrize("first", ["client", "server"])
def test_a_transport_that_ends_early_is_told(first: str) -> None:
    done = shaken()
    closer, other = sides(done, first)
    closer.connection.send(b"all of it?")
    data = closer.take()
    other.feed(data[:-1])
    other.feed(b"")
    assert isinstance(other.error, ConnectionEnded)
    assert other.error.reason is Ended.TRUNCATED
    assert other.data == b""
    assert other.take() == b""
    assert other.connection.closed


@pytest.mark.parametrize("rounds", [0, 1, 2])
def test_a_transport_that_ends_in_the_handshake(rounds: int) -> None:
    sides = pair()
    victim = sides.server
    for _ in range(rounds):
        victim.feed(sides.client.take()[:50])
    victim.feed(b"")
    assert victim.error is not None
    assert victim.error.reason is Ended.CLOSED_DURING_HANDSHAKE


@pytest.mark.parametrize("role", ["client", "server"])
def test_a_handshake_can_be_given_up(role: str) -> None:
    """RFC 8446 section 6.1: user_canceled, then close_notify; and nothing is said afterwards."""
    sides = pair()
    quitter, other = (sides.client, sides.server) if role == "client" else (sides.server, sides.client)
    if role == "server":
        sides.to_server()
    quitter.connection.close()
    assert quitter.connection.closed
    quitter.connection.close()
    sides.pump()
    if role == "client":
        assert isinstance(other.error, ConnectionEnded)
        assert other.error.reason is Ended.CLOSED_DURING_HANDSHAKE
    else:
        # The server's flight was on its way, and with it the handshake is complete for the client.
        assert other.of(PeerClosed)
    assert quitter.error is None
    assert quitter.connection.info is None
    quitter.feed(b"whatever")
    assert quitter.take() == b""
    with pytest.raises(LocalError):
        quitter.connection.send(b"x")


def test_an_alert_is_told_by_name_and_code() -> None:
    side = Side(Connection.client(client_config(), pki.NAME))
    side.feed(b"\x15\x03\x03\x00\x02\x02\x28")
    assert isinstance(side.error, ConnectionEnded)
    assert (side.error.reason, side.error.peer_alert) == (Ended.PEER_ALERT, 40)
    assert side.take()
    assert not side.take()


@pytest.mark.parametrize("level", [0, 1, 2, 255])
@pytest.mark.parametrize("code", [40, 100, 254])
def test_every_other_alert_is_fatal_whatever_its_level(level: int, code: int) -> None:
    """RFC 8446 section 6: unknown alerts are errors, and the level does not count."""
    done = shaken()
    done.server.connection._writer.write(21, bytes((level, code)))
    done.pump()
    assert isinstance(done.client.error, ConnectionEnded)
    assert done.client.error.peer_alert == code


def test_before_the_handshake_nothing_can_be_sent_or_exported() -> None:
    connection = Connection.client(client_config(), pki.NAME)
    with pytest.raises(LocalError) as sending:
        connection.send(b"x")
    with pytest.raises(LocalError) as updating:
        connection.update_keys()
    with pytest.raises(LocalError) as exporting:
        connection.export(b"label", b"", 32)
    assert sending.value.reason is updating.value.reason is LocalMistake.WRONG_STATE
    assert exporting.value.reason is LocalMistake.EXPORTER_NOT_READY


@pytest.mark.parametrize(("label", "length"), [(b"x" * 250, 32), (b"x", 0), (b"x", 255 * 32 + 1)])
def test_an_exporter_out_of_range(label: bytes, length: int) -> None:
    with pytest.raises(LocalError) as caught:
        shaken().client.connection.export(label, b"", length)
    assert caught.value.reason is LocalMistake.BAD_INPUT


def test_exporters_differ_by_label_context_and_length() -> None:
    """RFC 8446 section 7.5."""
    done = shaken()
    export = done.client.connection.export
    values = [
        export(b"a", b"", 32),
        export(b"b", b"", 32),
        export(b"a", b"x", 32),
        export(b"a", b"", 33)[:32],
    ]
    assert len(set(values)) == 4
    assert done.server.connection.export(b"x" * 249, b"c" * 1000, 255 * 32) == export(
        b"x" * 249, b"c" * 1000, 255 * 32
    )
