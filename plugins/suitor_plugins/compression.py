"""Certificate compression with zlib (RFC 8879)."""

from __future__ import annotations

import zlib

from suitor.plug import BadCertificateData


class Zlib:
    """ZLIB (RFC 1950), which needs nothing but the standard library."""

    name = "zlib"
    code = 1

    def compress(self, data: bytes) -> bytes:
        return zlib.compress(data, zlib.Z_BEST_COMPRESSION)

    def decompress(self, data: bytes, size: int) -> bytes:
        """Exactly ``size`` bytes from a complete stream with nothing behind it. Raises BadCertificateData."""
        if size <= 0:
            raise BadCertificateData("no certificate message is empty")
        stream = zlib.decompressobj()
        try:
            plain = stream.decompress(data, size)
            # The checksum may still be unread; one more byte of output would mean that the size was a lie.
            excess = stream.decompress(stream.unconsumed_tail, 1)
        except zlib.error as error:
            raise BadCertificateData("not a zlib stream") from error
        if excess or len(plain) != size:
            raise BadCertificateData(f"does not decompress to the {size} bytes announced")
        if not stream.eof or stream.unused_data:
            raise BadCertificateData("the zlib stream is cut short, or something follows it")
        return plain


COMPRESSIONS = (Zlib(),)
