"""The handshake messages of TLS 1.2 that differ from TLS 1.3's (RFC 5246 section 7.4)."""

from __future__ import annotations

from attrs import frozen

from suitor.errors import PeerMisbehaved, ProtocolError
from suitor.wire.codec import Cursor, HandshakeType, message, pack_u16s, u16s, vec8, vec16, vec24

SERVER_HELLO_DONE = message(HandshakeType.SERVER_HELLO_DONE, b"")
HELLO_REQUEST = message(HandshakeType.HELLO_REQUEST, b"")


def decode_certificate12(raw: bytes) -> tuple[bytes, ...]:
    """Section 7.4.2: the chain, DER, leaf first; empty if a client has none."""
    outer = Cursor(raw, 4)
    cursor = Cursor(outer.vec24())
    outer.done()
    chain = []
    while cursor.more():
        chain.append(cursor.vec24(1))
    return tuple(chain)


def encode_certificate12(chain: tuple[bytes, ...]) -> bytes:
    return message(HandshakeType.CERTIFICATE, vec24(b"".join(map(vec24, chain))))


@frozen
class CertificateRequest12:
    """Section 7.4.4. ``types`` are ClientCertificateType values, ``authorities`` DER names."""

    types: tuple[int, ...]
    signatures: tuple[int, ...]
    authorities: tuple[bytes, ...] = ()


def decode_certificate_request12(raw: bytes) -> CertificateRequest12:
    cursor = Cursor(raw, 4)
    types = tuple(cursor.vec8(1))
    signatures = u16s(cursor.vec16())
    names = Cursor(cursor.vec16())
    cursor.done()
    authorities = []
    while names.more():
        authorities.append(names.vec16(1))
    return CertificateRequest12(types, signatures, tuple(authorities))


def encode_certificate_request12(request: CertificateRequest12) -> bytes:
    authorities = b"".join(map(vec16, request.authorities))
    body = vec8(bytes(request.types)) + vec16(pack_u16s(request.signatures)) + vec16(authorities)
    return message(HandshakeType.CERTIFICATE_REQUEST, body)


def encode_server_key_exchange(body: bytes) -> bytes:
    """Section 7.4.3: the key exchange's parameters, and a signature over them where there is one."""
    return message(HandshakeType.SERVER_KEY_EXCHANGE, body)


def encode_client_key_exchange(body: bytes) -> bytes:
    """Section 7.4.7."""
    return message(HandshakeType.CLIENT_KEY_EXCHANGE, body)


def check_empty(raw: bytes) -> None:
    """ServerHelloDone and HelloRequest have no body (sections 7.4.1.1 and 7.4.5)."""
    if len(raw) != 4:
        raise ProtocolError(PeerMisbehaved.TRAILING_DATA, f"{len(raw) - 4} bytes")
