"""Certificate, CertificateRequest and CertificateVerify of TLS 1.2 (RFC 5246 sections 7.4.2, 7.4.4, 7.4.8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from suitor.errors import PeerMisbehaved, ProtocolError
from suitor.flow.handshake import Flow
from suitor.plug.interfaces import Credential, CredentialRequest, SignatureScheme
from suitor.plug.tls12 import accepts12
from suitor.policy import Limits
from suitor.steps.signing import check_signature, sign
from suitor.usable import Usable
from suitor.wire.messages import decode_certificate_verify, encode_certificate_verify
from suitor.wire.messages12 import (
    CertificateRequest12,
    decode_certificate12,
    decode_certificate_request12,
    encode_certificate_request12,
)

_RSA_SIGN = 1
_ECDSA_SIGN = 64
"""ClientCertificateType (RFC 5246 section 7.4.4, RFC 8422 section 5.5)."""


def read_certificate12(raw: bytes, limits: Limits) -> tuple[bytes, ...]:
    """The peer's chain, DER, leaf first."""
    chain = decode_certificate12(raw)
    if len(chain) > limits.certificates:
        raise ProtocolError(PeerMisbehaved.CHAIN_TOO_LARGE, str(len(chain)))
    return chain


def make_certificate_request12(have: Usable) -> bytes:
    """Server: the kinds of keys and the schemes that it accepts."""
    return encode_certificate_request12(
        CertificateRequest12((_ECDSA_SIGN, _RSA_SIGN), tuple(have.signatures12))
    )


def read_certificate_request12(raw: bytes, server_name: str | None) -> CredentialRequest:
    """Client: what the server accepts, for the credentials stage."""
    request = decode_certificate_request12(raw)
    return CredentialRequest(
        server_name, request.signatures, request.signatures, (), request.authorities, server=False
    )


def make_certificate_verify12(
    credential: Credential, scheme: SignatureScheme, messages: bytes
) -> Flow[bytes]:
    """Client: sign every message so far (section 7.4.8)."""
    return encode_certificate_verify(scheme.code, (yield from sign(credential, scheme, messages)))


def check_certificate_verify12(
    raw: bytes, public_key: Any, accepted: Mapping[int, SignatureScheme], messages: bytes
) -> SignatureScheme:
    """Server: the client's scheme, when it was offered, fits the key, and the signature holds."""
    code, signature = decode_certificate_verify(raw)
    return check_signature(code, signature, public_key, messages, accepted, accepts12)
