"""Messages and data -> records for the transport (RFC 8446 sections 5.1 to 5.4)."""

from __future__ import annotations

from collections.abc import Sequence

from suitor.record.protection import MAX_PLAINTEXT, Sealer, plaintext_record

_TYPE_BYTE = [bytes([n]) for n in range(32)]


class RecordWriter:
    """Collects the records to send. ``sealer`` is None until keys are installed.

    ``padding``: protected records are padded to a multiple of that many bytes (0 or 1: none), as far as the
    record limit allows (section 5.4). Records are sealed into the very buffer that is handed out: what a
    writer does not copy is what makes it fast.
    """

    __slots__ = ("_padding", "_pieces", "sealer")

    def __init__(self, padding: int = 0) -> None:
        self._padding = padding
        self._pieces: list[bytes | bytearray] = []
        self.sealer: Sealer | None = None

    def raw(self, record: bytes) -> None:
        """Append a finished plaintext record, such as change_cipher_spec."""
        self._pieces.append(record)

    def write(self, content_type: int, data: bytes | bytearray | memoryview, version: int = 0x0303) -> None:
        """Append ``data`` in as few records as it fits in."""
        sealer = self.sealer
        if len(data) > MAX_PLAINTEXT:
            view = memoryview(data)
            chunks = [view[start : start + MAX_PLAINTEXT] for start in range(0, len(view), MAX_PLAINTEXT)]
            if sealer is None:
                self._pieces += [plaintext_record(content_type, bytes(chunk), version) for chunk in chunks]
            else:
                self._seal(sealer, [self._inner(content_type, chunk) for chunk in chunks])
        elif sealer is None:
            self._pieces.append(plaintext_record(content_type, bytes(data), version))
        else:
            self._seal(sealer, (self._inner(content_type, data),))

    def _inner(self, content_type: int, content: bytes | bytearray | memoryview) -> bytes:
        """TLSInnerPlaintext: the content, its type, and zeros (section 5.4)."""
        inner = b"".join((content, _TYPE_BYTE[content_type]))
        if self._padding > 1:
            padded = -(-len(inner) // self._padding) * self._padding
            inner = inner.ljust(min(padded, MAX_PLAINTEXT + 1), b"\0")
        return inner

    def _seal(self, sealer: Sealer, inners: Sequence[bytes]) -> None:
        overhead = sealer.overhead
        piece = bytearray(sum(map(len, inners)) + overhead * len(inners))
        out = memoryview(piece)
        end = 0
        for inner in inners:
            end = sealer.seal(inner, out, end)
        self._pieces.append(piece)

    def drain(self) -> bytes | bytearray:
        """Everything collected since the last call, in order."""
        pieces = self._pieces
        if len(pieces) == 1:
            return pieces.pop()
        data = b"".join(pieces)
        pieces.clear()
        return data
