"""Messages and data -> records for the transport (RFC 8446 sections 5.1 to 5.4)."""

from __future__ import annotations

from suitor.record import buffers
from suitor.record.protection import MAX_PLAINTEXT, Sealer, plaintext_record

_TYPE_BYTE = [bytes([n]) for n in range(32)]
_NONE = bytearray()
_OVERHEAD = 5 + 256
"""What a record adds to its content at most, in bytes."""


class RecordWriter:
    """Collects the bytes to send. ``sealer`` is None until keys are installed.

    ``padding``: protected records are padded to a multiple of that many bytes (0 or 1: none), as far as the
    record limit allows (section 5.4).
    """

    __slots__ = ("_buffer", "_padding", "_used", "_view", "sealer")

    def __init__(self, padding: int = 0) -> None:
        self._buffer = _NONE
        self._view: memoryview | None = None
        self._used = 0
        self._padding = padding
        self.sealer: Sealer | None = None

    def raw(self, record: bytes) -> None:
        """Append a finished plaintext record, such as change_cipher_spec."""
        end = self._used + len(record)
        self._room(len(record))[self._used : end] = record
        self._used = end

    def write(self, content_type: int, data: bytes | bytearray | memoryview, version: int = 0x0303) -> None:
        """Append ``data`` in as few records as it fits in."""
        if len(data) > MAX_PLAINTEXT:
            view = memoryview(data)
            self._room(len(view) + (len(view) // MAX_PLAINTEXT + 1) * _OVERHEAD)
            for start in range(0, len(view), MAX_PLAINTEXT):
                self.write(content_type, view[start : start + MAX_PLAINTEXT], version)
            return
        sealer = self.sealer
        if sealer is None:
            self.raw(plaintext_record(content_type, bytes(data), version))
            return
        inner = b"".join((data, _TYPE_BYTE[content_type]))
        if self._padding > 1:
            padded = -(-len(inner) // self._padding) * self._padding
            inner = inner.ljust(min(padded, MAX_PLAINTEXT + 1), b"\0")
        out = self._room(sealer.sealed_size(len(inner)))
        self._used = sealer.seal(inner, out, self._used)

    def _room(self, size: int) -> memoryview:
        """A view of the buffer with ``size`` bytes free behind what is used."""
        view = self._view
        if view is None:
            self._buffer = buffers.take()
            view = self._view = memoryview(self._buffer)
        needed = self._used + size
        if needed > len(view):
            # A grown buffer replaces the borrowed one, which cannot be resized while it is viewed.
            grown = bytearray(max(2 * len(view), needed))
            grown[: self._used] = view[: self._used]
            buffers.give(self._buffer)
            self._buffer = grown
            view = self._view = memoryview(grown)
        return view

    def drain(self) -> bytes:
        """Everything collected since the last call, in order; the buffer goes back."""
        view = self._view
        if view is None:
            return b""
        data = bytes(view[: self._used])
        buffers.give(self._buffer)
        self._view = None
        self._buffer = _NONE
        self._used = 0
        return data
