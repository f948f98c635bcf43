"""Bytes from the transport -> records, opened and stripped of padding (RFC 8446 sections 5.1 to 5.4)."""

from __future__ import annotations

from struct import Struct

from suitor.errors import PeerMisbehaved, ProtocolError
from suitor.record import buffers
from suitor.record.protection import (
    ALERT,
    APPLICATION_DATA,
    CHANGE_CIPHER_SPEC,
    HANDSHAKE,
    MAX_PLAINTEXT,
    Opener,
)
from suitor.record.protection13 import MAX_CIPHERTEXT

_header = Struct("!BHH").unpack_from

_NOTHING = memoryview(b"")

SKIPPED = 0

WAITING_LIMIT = 1_048_576
"""Bytes held unread, while a stage's job keeps the handshake waiting, at most."""


class RecordReader:
    """Holds what came and is not read yet: less than one record, unless the engine is waiting for a job.

    ``opener`` is None until keys are installed. ``early`` tells whether any record was opened with it: until
    then a plaintext alert is believed, for a peer that could not follow us to these keys has no other.
    ``early_data`` counts the bytes of early data that may still be skipped.
    """

    __slots__ = ("_buffer", "_data", "_first", "_position", "early", "early_data", "opener")

    def __init__(self) -> None:
        self._data = _NOTHING
        self._position = 0
        self._buffer: memoryview | None = None
        self._first = True
        self.opener: Opener | None = None
        self.early = True
        self.early_data = 0

    def install(self, opener: Opener) -> None:
        """Read with these keys from the next record on."""
        self.early = self.opener is None
        self.opener = opener

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """Append bytes. They are only borrowed until ``rest`` is called."""
        held = self._data
        if held is _NOTHING:
            self._data = memoryview(data)
            return
        if len(held) > WAITING_LIMIT:
            raise ProtocolError(PeerMisbehaved.TOO_MUCH_WAITING, f"{len(held)} bytes")
        self._data = memoryview(b"".join((held, data)))

    def rest(self) -> None:
        """Stop borrowing: keep a copy of what is left, hand the buffer back."""
        if self._position < len(self._data):
            self._data = memoryview(bytes(self._data[self._position :]))
        else:
            self._data = _NOTHING
        self._position = 0
        if self._buffer is not None:
            buffers.give(self._buffer)
            self._buffer = None

    def forget(self) -> None:
        """Nothing more will be read: hold nothing."""
        self._data = _NOTHING
        self._position = 0

    def mid_record(self) -> bool:
        """Whether bytes are waiting that are not a whole record yet."""
        return self._position < len(self._data)

    def read(self) -> tuple[int, bytes] | None:
        """The next record as (content type, plaintext), or None until more bytes come. The type SKIPPED stands
        for a record of early data that nobody asked for."""
        data, start = self._data, self._position
        available = len(data) - start
        if available < 5:
            if available and self._first:
                self._check_start(data[start])
            return None
        content_type, version, size = _header(data, start)
        body = start + 5
        end = body + size
        opener = self.opener
        if opener is not None and (content_type == APPLICATION_DATA or opener.every_type):
            if size > opener.most:
                raise ProtocolError(PeerMisbehaved.RECORD_OVERFLOW, f"{size} bytes")
            if size > available - 5:
                return None
            self._position = end
            if self._buffer is None:
                self._buffer = buffers.take()
            try:
                record = opener.open(content_type, data[start:body], data[body:end], self._buffer)
            except ProtocolError as error:
                if self.early and error.reason is PeerMisbehaved.BAD_RECORD_MAC and self._skip(size):
                    return SKIPPED, b""
                raise
            self.early = False
            if record[0] != APPLICATION_DATA:
                self._check_inner(*record, opener.every_type)
            return record
        if self._first:
            self._check_start(content_type)
        early = content_type == APPLICATION_DATA and size <= MAX_CIPHERTEXT and size + 5 <= self.early_data
        if not early:
            self._check_plaintext(content_type, version, size)
        if size > available - 5:
            return None
        self._position = end
        self._first = False
        if early:
            self._skip(size)
            return SKIPPED, b""
        return content_type, bytes(data[body:end])

    def _skip(self, size: int) -> bool:
        """Early data of a session that is not resumed: whatever does not decrypt before the first record that
        does, and application data before a second ClientHello (RFC 8446 section 4.2.10)."""
        if size + 5 > self.early_data:
            return False
        self.early_data -= size + 5
        return True

    def _check_start(self, content_type: int) -> None:
        """A TLS connection starts with a handshake record, an alert that refuses it, or, from a server, with the
        change_cipher_spec that may come at any time (section 5)."""
        if content_type not in (HANDSHAKE, ALERT, CHANGE_CIPHER_SPEC):
            raise ProtocolError(PeerMisbehaved.NOT_TLS, f"first byte 0x{content_type:02x}")

    def _check_plaintext(self, content_type: int, version: int, size: int) -> None:
        """Section 5: a plaintext record of handshake or alert before keys, or a change_cipher_spec."""
        if content_type not in (CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA):
            raise ProtocolError(PeerMisbehaved.BAD_RECORD_TYPE, str(content_type))
        if version >> 8 != 3:
            raise ProtocolError(PeerMisbehaved.RECORD_VERSION, f"0x{version:04x}")
        if self.opener is None:
            if content_type == APPLICATION_DATA:
                raise ProtocolError(PeerMisbehaved.UNEXPECTED_APPLICATION_DATA)
        elif content_type == HANDSHAKE or (content_type == ALERT and not self.early):
            raise ProtocolError(PeerMisbehaved.PLAINTEXT_RECORD)
        if size > MAX_PLAINTEXT:
            raise ProtocolError(PeerMisbehaved.RECORD_OVERFLOW, f"{size} bytes")
        if not size:
            raise ProtocolError(PeerMisbehaved.EMPTY_RECORD)

    def _check_inner(self, content_type: int, content: bytes, tls12: bool) -> None:
        """Section 5.4: what may be inside a protected record. Only application data may be empty."""
        if content_type not in (ALERT, HANDSHAKE) and not (tls12 and content_type == CHANGE_CIPHER_SPEC):
            raise ProtocolError(PeerMisbehaved.BAD_RECORD_TYPE, f"{content_type} inside a protected record")
        if not content:
            raise ProtocolError(PeerMisbehaved.EMPTY_RECORD)
