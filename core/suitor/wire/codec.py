"""Reading and writing the presentation language of RFC 8446 section 3."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from struct import unpack

from suitor.errors import PeerMisbehaved, ProtocolError


class HandshakeType(IntEnum):
    """HandshakeType (RFC 8446 section 4, RFC 5246 section 7.4, RFC 6066 section 8, RFC 8879 section 7.3)."""

    HELLO_REQUEST = 0
    CLIENT_HELLO = 1
    SERVER_HELLO = 2
    NEW_SESSION_TICKET = 4
    END_OF_EARLY_DATA = 5
    ENCRYPTED_EXTENSIONS = 8
    CERTIFICATE = 11
    SERVER_KEY_EXCHANGE = 12
    CERTIFICATE_REQUEST = 13
    SERVER_HELLO_DONE = 14
    CERTIFICATE_VERIFY = 15
    CLIENT_KEY_EXCHANGE = 16
    FINISHED = 20
    CERTIFICATE_STATUS = 22
    KEY_UPDATE = 24
    COMPRESSED_CERTIFICATE = 25
    MESSAGE_HASH = 254


_NAMES = {int(t): "".join(w.capitalize() for w in t.name.split("_")) for t in HandshakeType}


def message_name(kind: int) -> str:
    """The RFC's name of a handshake message, such as ``ClientHello``."""
    return _NAMES.get(kind, f"handshake type {kind}")


class Cursor:
    """Reads a buffer from front to back. Every short read is a decode error, and so is a leftover at ``done``."""

    __slots__ = ("data", "end", "pos")

    def __init__(self, data: bytes, pos: int = 0, end: int | None = None) -> None:
        self.data = data
        self.pos = pos
        self.end = len(data) if end is None else end

    def u8(self) -> int:
        pos = self.pos
        if pos >= self.end:
            raise ProtocolError(PeerMisbehaved.MALFORMED_MESSAGE, "ends early")
        self.pos = pos + 1
        return self.data[pos]

    def u16(self) -> int:
        return int.from_bytes(self.take(2), "big")

    def u24(self) -> int:
        return int.from_bytes(self.take(3), "big")

    def u32(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def take(self, size: int) -> bytes:
        pos = self.pos
        end = pos + size
        if end > self.end:
            raise ProtocolError(PeerMisbehaved.MALFORMED_MESSAGE, "ends early")
        self.pos = end
        return self.data[pos:end]

    def vec8(self, least: int = 0) -> bytes:
        """opaque<least..2^8-1>"""
        return self._least(self.take(self.u8()), least)

    def vec16(self, least: int = 0) -> bytes:
        """opaque<least..2^16-1>"""
        return self._least(self.take(self.u16()), least)

    def vec24(self, least: int = 0) -> bytes:
        """opaque<least..2^24-1>"""
        return self._least(self.take(self.u24()), least)

    def u16s(self) -> tuple[int, ...]:
        """A non-empty vector of 16-bit values with a 16-bit length."""
        return u16s(self.vec16())

    def more(self) -> bool:
        return self.pos < self.end

    def done(self) -> None:
        if self.pos != self.end:
            raise ProtocolError(PeerMisbehaved.TRAILING_DATA, f"{self.end - self.pos} bytes")

    @staticmethod
    def _least(data: bytes, least: int) -> bytes:
        if len(data) < least:
            raise ProtocolError(PeerMisbehaved.EMPTY_LIST, f"{len(data)} bytes, at least {least} needed")
        return data


def u16s(data: bytes) -> tuple[int, ...]:
    """The 16-bit values in ``data``: at least one, and no odd byte."""
    size = len(data)
    if size & 1:
        raise ProtocolError(PeerMisbehaved.MALFORMED_MESSAGE, "odd length")
    if not size:
        raise ProtocolError(PeerMisbehaved.EMPTY_LIST)
    return unpack(f"!{size >> 1}H", data)


def codes16(data: bytes) -> tuple[int, ...]:
    """A whole extension that is a list of 16-bit codes behind a 16-bit length."""
    cursor = Cursor(data)
    codes = cursor.u16s()
    cursor.done()
    return codes


def codes8(data: bytes) -> tuple[int, ...]:
    """A whole extension that is a list of 16-bit codes behind an 8-bit length."""
    cursor = Cursor(data)
    codes = u16s(cursor.vec8())
    cursor.done()
    return codes


def vec8(data: bytes) -> bytes:
    return len(data).to_bytes(1, "big") + data


def vec16(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data


def vec24(data: bytes) -> bytes:
    return len(data).to_bytes(3, "big") + data


def pack_u16s(values: Iterable[int]) -> bytes:
    return b"".join([v.to_bytes(2, "big") for v in values])


def message(kind: int, body: bytes) -> bytes:
    """A handshake message with its four-byte header (RFC 8446 section 4)."""
    return (kind << 24 | len(body)).to_bytes(4, "big") + body
