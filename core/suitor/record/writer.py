"""Messages and data -> records for the transport (RFC 8446 section 5.1, RFC 5246 section 6.2)."""

from __future__ import annotations

from suitor.record.protection import MAX_PLAINTEXT, Sealer, plaintext_record


class RecordWriter:
    """Collects the records to send. ``sealer`` is None until keys are installed.

    Records are sealed into the very buffer that is handed out: what a writer does not copy is what makes it
    fast.
    """

    __slots__ = ("_pieces", "sealer")

    def __init__(self) -> None:
        self._pieces: list[bytes | bytearray] = []
        self.sealer: Sealer | None = None

    def raw(self, record: bytes) -> None:
        """Append a finished plaintext record, such as change_cipher_spec."""
        self._pieces.append(record)

    def write(self, content_type: int, data: bytes | bytearray | memoryview, version: int = 0x0303) -> None:
        """Append ``data`` in as few records as it fits in."""
        sealer, size = self.sealer, len(data)
        if size <= MAX_PLAINTEXT and sealer is not None:
            piece = bytearray(sealer.size(size))
            sealer.seal(content_type, data, memoryview(piece), 0)
            self._pieces.append(piece)
            return
        view = memoryview(data)
        chunks = [view[start : start + MAX_PLAINTEXT] for start in range(0, max(size, 1), MAX_PLAINTEXT)]
        if sealer is None:
            self._pieces += [plaintext_record(content_type, bytes(chunk), version) for chunk in chunks]
            return
        piece = bytearray(sum([sealer.size(len(chunk)) for chunk in chunks]))
        out = memoryview(piece)
        end = 0
        for chunk in chunks:
            end = sealer.seal(content_type, chunk, out, end)
        self._pieces.append(piece)

    def drain(self) -> bytes | bytearray:
        """Everything collected since the last call, in order."""
        pieces = self._pieces
        if len(pieces) == 1:
            return pieces.pop()
        data = b"".join(pieces)
        pieces.clear()
        return data
