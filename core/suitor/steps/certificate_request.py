"""CertificateRequest (RFC 8446 section 4.3.2): the server wants to know who the client is."""

from __future__ import annotations

from suitor.errors import PeerMisbehaved, ProtocolError
from suitor.plug.interfaces import CredentialRequest
from suitor.usable import Usable
from suitor.wire import extensions as ext
from suitor.wire.codec import Cursor, codes8, codes16, pack_u16s, vec8, vec16
from suitor.wire.hello import parse_extension
from suitor.wire.messages import (
    CertificateRequest,
    decode_certificate_request,
    encode_certificate_request,
)


def make_certificate_request(have: Usable) -> bytes:
    """Server: the schemes it accepts; the context is empty during the handshake."""
    schemes = tuple(have.signatures)
    extensions = {ext.SIGNATURE_ALGORITHMS: vec16(pack_u16s(schemes))}
    certificate_schemes = have.certificate_signatures or schemes
    if certificate_schemes != schemes:
        extensions[ext.SIGNATURE_ALGORITHMS_CERT] = vec16(pack_u16s(certificate_schemes))
    if have.compressions:
        extensions[ext.COMPRESS_CERTIFICATE] = vec8(pack_u16s(have.compressions))
    return encode_certificate_request(CertificateRequest(b"", extensions))


def _authorities(data: bytes) -> tuple[bytes, ...]:
    """RFC 8446 section 4.2.4: DistinguishedName authorities<3..2^16-1>."""
    outer = Cursor(data)
    cursor = Cursor(outer.vec16(3))
    outer.done()
    names = []
    while cursor.more():
        names.append(cursor.vec16(1))
    return tuple(names)


def read_certificate_request(
    raw: bytes, server_name: str | None, limit: int
) -> tuple[CredentialRequest, tuple[int, ...]]:
    """Client: what the server accepts, for the credentials stage; and its certificate compressions."""
    request = decode_certificate_request(raw, limit)
    if request.context:
        raise ProtocolError(PeerMisbehaved.BAD_CERTIFICATE_CONTEXT, "not empty in the handshake")
    found = request.extensions
    if ext.SIGNATURE_ALGORITHMS not in found:
        raise ProtocolError(PeerMisbehaved.MISSING_EXTENSION, "signature_algorithms")
    schemes = parse_extension(ext.SIGNATURE_ALGORITHMS, codes16, found[ext.SIGNATURE_ALGORITHMS])
    certificate_schemes = schemes
    if ext.SIGNATURE_ALGORITHMS_CERT in found:
        certificate_schemes = parse_extension(
            ext.SIGNATURE_ALGORITHMS_CERT, codes16, found[ext.SIGNATURE_ALGORITHMS_CERT]
        )
    authorities: tuple[bytes, ...] = ()
    if ext.CERTIFICATE_AUTHORITIES in found:
        authorities = parse_extension(
            ext.CERTIFICATE_AUTHORITIES, _authorities, found[ext.CERTIFICATE_AUTHORITIES]
        )
    compressions: tuple[int, ...] = ()
    if ext.COMPRESS_CERTIFICATE in found:
        compressions = parse_extension(ext.COMPRESS_CERTIFICATE, codes8, found[ext.COMPRESS_CERTIFICATE])
    asked = CredentialRequest(server_name, schemes, certificate_schemes, (), authorities, server=False)
    return asked, compressions
