"""Bytes cut, joined, re-framed and flipped: the outcome is the same, or a clean and named end for both sides."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
from attrs import evolve, frozen

from suitor.cli.pki import KeyKind
from suitor.config import ClientAuth
from suitor.errors import ConnectionEnded, Ended, LocalError, LocalMistake, RemoteError
from suitor_plugins.credentials import SniCredentials
from tests.flows.test_handshakes import Identities
from tests.support import pki
from tests.support.pairs import LIGHT, Pair, client_config, pair, server_config

# Ed25519, because its signatures are of one length, and so are the flights.
SERVER = SniCredentials([pki.credential(KeyKind.ED25519)])


def simple() -> Pair:
    return pair(client_config(), server_config(credentials=SERVER))


def everything() -> Pair:
    """With a retry, a cookie, a client's certificate and ALPN."""
    return pair(
        client_config(credentials=Identities(KeyKind.ED25519), alpn=(b"h2",)),
        server_config(
            credentials=SERVER,
            policy=evolve(LIGHT, groups=("secp256r1",), retry_cookie=True),
            client_auth=ClientAuth.REQUIRED,
            verification=pki.verification(),
            alpn=(b"h2",),
        ),
    )


def plain() -> Pair:
    """Without the compatibility mode of RFC 8446 appendix D.4."""
    policy = evolve(LIGHT, middlebox_compat=False)
    return pair(client_config(policy=policy), server_config(credentials=SERVER))


KINDS: dict[str, Callable[[], Pair]] = {"simple": simple, "everything": everything, "plain": plain}


def flights(make: Callable[[], Pair]) -> list[int]:
    """The sizes of the flights of a handshake, the client's first."""
    done = make()
    sizes: list[int] = []
    while True:
        size = len(done.to_server() if len(sizes) % 2 == 0 else done.to_client())
        if not size:
            done.check()
            return sizes
        sizes.append(size)


@frozen
class Place:
    """A byte of a flight."""

    kind: str
    flight: int
    size: int

    def cut_short(self, size: int) -> Pair:
        """A handshake in which only that much of the flight arrives, and then the end of the transport."""
        return self._meddled(lambda data: [data[:size], b""])

    def meddled(self, meddle: Callable[[bytes], list[bytes]]) -> Pair:
        """A handshake in which one flight arrives as these pieces."""
        return self._meddled(meddle).pump()

    def _meddled(self, meddle: Callable[[bytes], list[bytes]]) -> Pair:
        sides = KINDS[self.kind]()
        for flight in range(self.flight + 1):
            sender, receiver = (
                (sides.client, sides.server) if flight % 2 == 0 else (sides.server, sides.client)
            )
            data = sender.take()
            for piece in meddle(data) if flight == self.flight else [data]:
                receiver.feed(piece)
        return sides


def places() -> Iterator[object]:
    for kind, make in KINDS.items():
        for flight, size in enumerate(flights(make)):
            yield pytest.param(Place(kind, flight, size), id=f"{kind}-{flight}")


PLACES = list(places())


@pytest.mark.parametrize("place", PLACES)
def test_cut_at_every_byte(place: Place) -> None:
    for at in range(1, place.size):
        place.meddled(lambda data, at=at: [data[:at], data[at:]]).check()  # type: ignore[misc]


@pytest.mark.parametrize("place", PLACES)
def test_cut_to_pieces(place: Place) -> None:
    for size in (1, 2, 3, 7, 100):
        place.meddled(lambda data, size=size: [data[i : i + size] for i in range(0, len(data), size)]).check()  # type: ignore[misc]


def records(data: bytes) -> list[tuple[bytes, bytes]]:
    """(type and version, body) of each record."""
    found = []
    while data:
        end = 5 + int.from_bytes(data[3:5], "big")
        found.append((data[:3], data[5:end]))
        data = data[end:]
    return found


def framed(head: bytes, body: bytes) -> bytes:
    return head + len(body).to_bytes(2, "big") + body


def reframe(data: bytes, size: int, first: int | None = None) -> bytes:
    """The plaintext handshake records of a flight in pieces of ``size`` bytes, the first of ``first``."""
    out = b""
    for head, body in records(data):
        if head[0] != 22:
            out += framed(head, body)
            continue
        cuts = [0, *range(first or size, len(body), size), len(body)]
        out += b"".join(framed(head, body[a:b]) for a, b in pairwise(cuts) if a < b)
    return out


@pytest.mark.parametrize("place", PLACES)
def test_plaintext_hellos_in_other_records(place: Place) -> None:
    """RFC 8446 section 5.1: a message may be fragmented across records at any byte."""
    for size in (1, 3, 4, 5):
        place.meddled(lambda data, size=size: [reframe(data, size)]).check()  # type: ignore[misc]
    for first in range(1, min(place.size, 300)):
        place.meddled(lambda data, first=first: [reframe(data, 10_000, first)]).check()  # type: ignore[misc]


def flip(data: bytes, at: int, mask: int) -> bytes:
    changed = bytearray(data)
    changed[at % len(data)] ^= mask
    return bytes(changed)


@pytest.mark.parametrize("place", PLACES)
def test_flipped_bits(place: Place) -> None:
    """Whatever is flipped, nobody is fooled: both sides agree in the end, or both have failed by name."""
    fooled = 0
    for at in range(place.size):
        for mask in (0x01, 0x02 << at % 7):
            sides = place.meddled(lambda data, at=at, mask=mask: [flip(data, at, mask)])  # type: ignore[misc]
            fooled += outcome(sides)
    # Only the minor number of a plaintext record's version does not matter (RFC 8446 section 5.1).
    assert fooled <= 2 * len(flights(KINDS[place.kind]))


def outcome(sides: Pair) -> bool:
    """Whether both sides finished; otherwise each is told, once the transport ends."""
    both = (sides.client, sides.server)
    if all(side.error is None and side.connection.handshake_complete for side in both):
        sides.check().exchange((10,))
        return True
    for side in both:
        # One of them may wait for bytes that the flipped length promised.
        side.feed(b"")
        sides.pump()
    for side in both:
        assert isinstance(side.error, RemoteError), side.error
        assert not isinstance(side.error, LocalError)
        assert side.error.reason is not LocalMistake.INTERNAL_FAULT
        assert side.connection.closed
        assert side.data == b""
    ended = [side.error for side in both if side.error is not None]
    blamed = [error for error in ended if error.reason not in (Ended.PEER_ALERT, Ended.TRUNCATED)]
    assert blamed
    alerts = [error.peer_alert for error in ended if isinstance(error, ConnectionEnded)]
    for error in blamed:
        if error.alert is not None and len(blamed) == 1:
            assert alerts in ([error.alert], [None]), error
    return False


@pytest.mark.parametrize("place", PLACES)
def test_a_transport_that_ends_anywhere(place: Place) -> None:
    for size in range(place.size):
        sides = place.cut_short(size)
        receiver = sides.server if place.flight % 2 == 0 else sides.client
        assert receiver.error is not None
        complete = receiver.connection.handshake_complete
        assert receiver.error.reason is (Ended.TRUNCATED if complete else Ended.CLOSED_DURING_HANDSHAKE)
