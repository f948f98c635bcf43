"""CertificateVerify (RFC 8446 section 4.4.3): the proof that a side has its certificate's key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature

from suitor.answer import check_answer
from suitor.decision import Axis
from suitor.errors import PeerMisbehaved, ProtocolError
from suitor.flow.handshake import Flow, ask, plugin_failed
from suitor.plug.interfaces import Credential, SignatureScheme
from suitor.wire.messages import decode_certificate_verify, encode_certificate_verify

_SERVER = b" " * 64 + b"TLS 1.3, server CertificateVerify\0"
_CLIENT = b" " * 64 + b"TLS 1.3, client CertificateVerify\0"


def signed_content(transcript: bytes, by_server: bool) -> bytes:
    """What is signed: 64 spaces, a context string, a zero byte, and the transcript's hash."""
    return (_SERVER if by_server else _CLIENT) + transcript


def make_certificate_verify(
    credential: Credential, scheme: SignatureScheme, transcript: bytes, by_server: bool
) -> Flow[bytes]:
    """Sign, here or wherever the credential's own signer does it."""
    content = signed_content(transcript, by_server)
    signer = credential.sign
    if signer is None:
        try:
            signature = scheme.sign(credential.private_key, content)
        except Exception as error:
            raise plugin_failed(f"signature {scheme.name}", "sign", error) from error
        if not isinstance(signature, bytes):
            raise plugin_failed(f"signature {scheme.name}", "sign", "the signature is not bytes")
    else:
        signature = yield from ask(f"credential {credential.label}", lambda: signer(scheme, content), bytes)
    return encode_certificate_verify(scheme.code, signature)


def check_certificate_verify(
    raw: bytes,
    public_key: Any,
    accepted: Mapping[int, SignatureScheme],
    transcript: bytes,
    by_server: bool,
) -> SignatureScheme:
    """A scheme that was offered, that fits the certificate's key, and a signature that holds."""
    code, signature = decode_certificate_verify(raw)
    check_answer(Axis.SIGNATURE, code, tuple(accepted))
    scheme = accepted[code]
    try:
        fits = scheme.accepts(public_key)
        if fits:
            scheme.verify(public_key, signature, signed_content(transcript, by_server))
    except InvalidSignature:
        raise ProtocolError(PeerMisbehaved.BAD_SIGNATURE, scheme.name) from None
    except Exception as error:
        raise plugin_failed(f"signature {scheme.name}", "verify", error) from error
    if not fits:
        raise ProtocolError(PeerMisbehaved.SCHEME_KEY_MISMATCH, scheme.name)
    return scheme
