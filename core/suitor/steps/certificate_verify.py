"""CertificateVerify (RFC 8446 section 4.4.3): the proof that a side has its certificate's key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from suitor.flow.handshake import Flow
from suitor.plug.interfaces import Credential, SignatureScheme
from suitor.steps.signing import check_signature, sign
from suitor.wire.messages import decode_certificate_verify, encode_certificate_verify

_SERVER = b" " * 64 + b"TLS 1.3, server CertificateVerify\0"
_CLIENT = b" " * 64 + b"TLS 1.3, client CertificateVerify\0"


def signed_content(transcript: bytes, by_server: bool) -> bytes:
    """What is signed: 64 spaces, a context string, a zero byte, and the transcript's hash."""
    return (_SERVER if by_server else _CLIENT) + transcript


def make_certificate_verify(
    credential: Credential, scheme: SignatureScheme, transcript: bytes, by_server: bool
) -> Flow[bytes]:
    """The message, signed by either side."""
    signature = yield from sign(credential, scheme, signed_content(transcript, by_server))
    return encode_certificate_verify(scheme.code, signature)


def check_certificate_verify(
    raw: bytes,
    public_key: Any,
    accepted: Mapping[int, SignatureScheme],
    transcript: bytes,
    by_server: bool,
) -> SignatureScheme:
    """The peer's scheme, when it was offered, fits the certificate's key, and the signature holds."""
    code, signature = decode_certificate_verify(raw)
    content = signed_content(transcript, by_server)
    return check_signature(
        code, signature, public_key, content, accepted, lambda scheme, key: scheme.accepts(key)
    )
