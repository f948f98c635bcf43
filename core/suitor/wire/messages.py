"""The encrypted handshake messages of TLS 1.3 (RFC 8446 sections 4.3, 4.4 and 4.6, RFC 8879)."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from suitor.errors import PeerMisbehaved, ProtocolError
from suitor.wire import extensions as ext
from suitor.wire.codec import Cursor, HandshakeType, message, vec8, vec16, vec24
from suitor.wire.extensions import decode_extensions, encode_extensions

ENCRYPTED_EXTENSIONS = int(HandshakeType.ENCRYPTED_EXTENSIONS)
CERTIFICATE = int(HandshakeType.CERTIFICATE)
CERTIFICATE_REQUEST = int(HandshakeType.CERTIFICATE_REQUEST)
CERTIFICATE_VERIFY = int(HandshakeType.CERTIFICATE_VERIFY)
COMPRESSED_CERTIFICATE = int(HandshakeType.COMPRESSED_CERTIFICATE)
FINISHED = int(HandshakeType.FINISHED)
KEY_UPDATE = int(HandshakeType.KEY_UPDATE)
NEW_SESSION_TICKET = int(HandshakeType.NEW_SESSION_TICKET)


def decode_encrypted_extensions(raw: bytes, limit: int) -> dict[int, bytes]:
    """RFC 8446 section 4.3.1."""
    cursor = Cursor(raw, 4)
    extensions = decode_extensions(cursor.vec16(), ext.EE, limit)
    cursor.done()
    return extensions


def encode_encrypted_extensions(extensions: Mapping[int, bytes]) -> bytes:
    return message(ENCRYPTED_EXTENSIONS, encode_extensions(extensions.items()))


@frozen
class CertificateRequest:
    """RFC 8446 section 4.3.2. ``context`` is empty during the handshake."""

    context: bytes
    extensions: Mapping[int, bytes]


def decode_certificate_request(raw: bytes, limit: int) -> CertificateRequest:
    cursor = Cursor(raw, 4)
    context = cursor.vec8()
    extensions = decode_extensions(cursor.vec16(), ext.CR, limit)
    cursor.done()
    return CertificateRequest(context, extensions)


def encode_certificate_request(request: CertificateRequest) -> bytes:
    return message(CERTIFICATE_REQUEST, vec8(request.context) + encode_extensions(request.extensions.items()))


@frozen
class CertificateEntry:
    """One certificate (DER) and its extensions, undecoded (RFC 8446 section 4.4.2)."""

    data: bytes = field(repr=False)
    extensions: bytes = b""


@frozen
class Certificate:
    """RFC 8446 section 4.4.2: leaf first."""

    context: bytes
    entries: tuple[CertificateEntry, ...]


def decode_certificate_body(body: bytes) -> Certificate:
    """The message without its header, as certificate compression carries it too."""
    outer = Cursor(body)
    context = outer.vec8()
    cursor = Cursor(outer.vec24())
    outer.done()
    entries = []
    while cursor.more():
        data = cursor.vec24(1)
        entries.append(CertificateEntry(data, cursor.vec16()))
    return Certificate(context, tuple(entries))


def encode_certificate_body(certificate: Certificate) -> bytes:
    entries = b"".join([vec24(entry.data) + vec16(entry.extensions) for entry in certificate.entries])
    return vec8(certificate.context) + vec24(entries)


def encode_certificate(certificate: Certificate) -> bytes:
    return message(CERTIFICATE, encode_certificate_body(certificate))


@frozen
class CompressedCertificate:
    """RFC 8879 section 4: a Certificate message's body, compressed. ``size`` is what it grows to, in bytes."""

    algorithm: int
    size: int
    data: bytes = field(repr=False)


def decode_compressed_certificate(raw: bytes) -> CompressedCertificate:
    cursor = Cursor(raw, 4)
    compressed = CompressedCertificate(cursor.u16(), cursor.u24(), cursor.vec24(1))
    cursor.done()
    return compressed


def encode_compressed_certificate(compressed: CompressedCertificate) -> bytes:
    head = compressed.algorithm.to_bytes(2, "big") + compressed.size.to_bytes(3, "big")
    return message(COMPRESSED_CERTIFICATE, head + vec24(compressed.data))


def decode_certificate_verify(raw: bytes) -> tuple[int, bytes]:
    """RFC 8446 section 4.4.3: (scheme, signature)."""
    cursor = Cursor(raw, 4)
    scheme, signature = cursor.u16(), cursor.vec16()
    cursor.done()
    return scheme, signature


def encode_certificate_verify(scheme: int, signature: bytes) -> bytes:
    return message(CERTIFICATE_VERIFY, scheme.to_bytes(2, "big") + vec16(signature))


def encode_finished(verify_data: bytes) -> bytes:
    """RFC 8446 section 4.4.4."""
    return message(FINISHED, verify_data)


def decode_key_update(raw: bytes) -> bool:
    """RFC 8446 section 4.6.3: whether the peer asks for an update of our keys too."""
    if len(raw) != 5:
        raise ProtocolError(PeerMisbehaved.MALFORMED_MESSAGE, "KeyUpdate is one byte long")
    if raw[4] > 1:
        raise ProtocolError(PeerMisbehaved.BAD_KEY_UPDATE, str(raw[4]))
    return raw[4] == 1


def encode_key_update(request: bool) -> bytes:
    return message(KEY_UPDATE, b"\x01" if request else b"\x00")


@frozen
class NewSessionTicket:
    """RFC 8446 section 4.6.1. ``lifetime`` in seconds."""

    lifetime: int
    age_add: int = field(repr=False)
    nonce: bytes
    ticket: bytes = field(repr=False)
    extensions: Mapping[int, bytes]


def decode_new_session_ticket(raw: bytes, limit: int) -> NewSessionTicket:
    cursor = Cursor(raw, 4)
    ticket = NewSessionTicket(
        cursor.u32(),
        cursor.u32(),
        cursor.vec8(),
        cursor.vec16(1),
        decode_extensions(cursor.vec16(), ext.NST, limit),
    )
    cursor.done()
    return ticket


def encode_new_session_ticket(ticket: NewSessionTicket) -> bytes:
    head = ticket.lifetime.to_bytes(4, "big") + ticket.age_add.to_bytes(4, "big")
    return message(
        NEW_SESSION_TICKET,
        head + vec8(ticket.nonce) + vec16(ticket.ticket) + encode_extensions(ticket.extensions.items()),
    )
