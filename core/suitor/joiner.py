"""Handshake messages out of records: coalesced or cut at any byte (RFC 8446 section 5.1)."""

from __future__ import annotations

from suitor.errors import PeerMisbehaved, ProtocolError
from suitor.policy import Limits
from suitor.wire.codec import HandshakeType, message_name

_CLIENT_HELLO = int(HandshakeType.CLIENT_HELLO)
_CERTIFICATES = (int(HandshakeType.CERTIFICATE), int(HandshakeType.COMPRESSED_CERTIFICATE))


class Joiner:
    """Holds at most one incomplete message and what follows it in the same record. A message larger than its
    limit is refused when its header is read, not when it is complete. ``held`` is empty when every byte has become
    part of a message."""

    __slots__ = ("_limits", "_position", "held")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.held: bytes | bytearray = b""
        self._position = 0

    def add(self, content: bytes) -> None:
        """Append a handshake record's content."""
        data = self.held
        if not data:
            self.held = content
            return
        if not isinstance(data, bytearray):
            # A message in very many small records must not be copied for each of them.
            data = self.held = bytearray(data)
        del data[: self._position]
        self._position = 0
        data += content

    def check_not_interleaved(self) -> None:
        """Other records may not stand between the parts of a message."""
        if self.held:
            raise ProtocolError(PeerMisbehaved.INTERLEAVED_RECORD)

    def next(self) -> bytes | None:
        """The next whole message, header included."""
        data, start = self.held, self._position
        if len(data) - start < 4:
            return None
        size = int.from_bytes(data[start + 1 : start + 4], "big")
        if size > self._limit(data[start]):
            raise ProtocolError(
                PeerMisbehaved.MESSAGE_TOO_LARGE, f"{message_name(data[start])} of {size} bytes"
            )
        end = start + 4 + size
        if end > len(data):
            return None
        if end == len(data):
            self.held = b""
            self._position = 0
        else:
            self._position = end
        return bytes(data[start:end])

    def _limit(self, kind: int) -> int:
        if kind == _CLIENT_HELLO:
            return self._limits.client_hello
        if kind in _CERTIFICATES:
            return self._limits.certificate_message
        return self._limits.handshake_message
