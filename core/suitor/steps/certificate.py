"""Certificate and CompressedCertificate (RFC 8446 section 4.4.2, RFC 8879), sent and read by either side."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache

from suitor.errors import PeerMisbehaved, ProtocolError, plugin_failed
from suitor.plug.interfaces import BadCertificateData, CertificateCompression
from suitor.policy import Limits
from suitor.wire import extensions as ext
from suitor.wire.messages import (
    COMPRESSED_CERTIFICATE,
    Certificate,
    CertificateEntry,
    CompressedCertificate,
    decode_certificate_body,
    decode_compressed_certificate,
    encode_certificate,
    encode_certificate_body,
    encode_compressed_certificate,
)

_WORTHWHILE = 512
"""Bytes that compression must save; for less, undoing it costs the peer more time than the bytes did."""


@lru_cache(maxsize=256)
def make_certificate(chain: tuple[bytes, ...], compression: CertificateCompression | None) -> bytes:
    """The message for a chain (DER, leaf first; empty when a client has none to give)."""
    certificate = Certificate(b"", tuple(CertificateEntry(der) for der in chain))
    plain = encode_certificate(certificate)
    if compression is None:
        return plain
    body = encode_certificate_body(certificate)
    try:
        data = compression.compress(body)
    except Exception as error:
        raise plugin_failed(f"compression {compression.name}", "compress", error) from error
    packed = encode_compressed_certificate(CompressedCertificate(compression.code, len(body), data))
    return packed if len(packed) + _WORTHWHILE <= len(plain) else plain


def choose_compression(
    mine: Mapping[int, CertificateCompression], offered: Collection[int]
) -> CertificateCompression | None:
    """The first of ours that the peer can undo (RFC 8879 section 3)."""
    return next((mine[code] for code in mine if code in offered), None)


def read_certificate(
    raw: bytes,
    offered: Mapping[int, CertificateCompression],
    solicited: Collection[int],
    limits: Limits,
) -> tuple[bytes, ...]:
    """The peer's chain, DER, leaf first; empty if it sent none. ``solicited``: the extensions that its entries
    may answer."""
    body = raw[4:]
    if raw[0] == COMPRESSED_CERTIFICATE:
        body = _decompress(decode_compressed_certificate(raw), offered, limits)
    certificate = decode_certificate_body(body)
    if certificate.context:
        raise ProtocolError(PeerMisbehaved.BAD_CERTIFICATE_CONTEXT, "not empty in the handshake")
    if len(certificate.entries) > limits.certificates:
        raise ProtocolError(PeerMisbehaved.CHAIN_TOO_LARGE, str(len(certificate.entries)))
    for entry in certificate.entries:
        if entry.extensions:
            found = ext.decode_extensions(entry.extensions, ext.CT, limits.extensions)
            ext.check_solicited(found, solicited, "Certificate")
    return tuple([entry.data for entry in certificate.entries])


def _decompress(
    compressed: CompressedCertificate, offered: Mapping[int, CertificateCompression], limits: Limits
) -> bytes:
    """RFC 8879 section 4: an algorithm that was offered, and exactly the size announced, bounded first."""
    compression = offered.get(compressed.algorithm)
    if compression is None:
        raise ProtocolError(PeerMisbehaved.COMPRESSION_NOT_OFFERED, str(compressed.algorithm))
    if compressed.size > limits.certificate_message:
        raise ProtocolError(PeerMisbehaved.BAD_COMPRESSED_CERTIFICATE, f"announces {compressed.size} bytes")
    try:
        body = compression.decompress(compressed.data, compressed.size)
    except BadCertificateData as error:
        raise ProtocolError(PeerMisbehaved.BAD_COMPRESSED_CERTIFICATE, str(error)) from error
    except Exception as error:
        raise plugin_failed(f"compression {compression.name}", "decompress", error) from error
    if len(body) != compressed.size:
        raise ProtocolError(PeerMisbehaved.BAD_COMPRESSED_CERTIFICATE, f"grew to {len(body)} bytes")
    return body
