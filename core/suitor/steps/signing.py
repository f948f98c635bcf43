"""Signing and checking signatures, in any handshake message: a scheme's two moves, held to their contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature

from suitor.answer import check_answer
from suitor.decision import Axis
from suitor.errors import PeerMisbehaved, ProtocolError, plugin_failed
from suitor.flow.handshake import Flow, ask
from suitor.plug.interfaces import Credential, SignatureScheme


def sign(credential: Credential, scheme: SignatureScheme, content: bytes) -> Flow[bytes]:
    """The signature, made here or wherever the credential's own signer does it."""
    signer = credential.sign
    if signer is not None:
        return (yield from ask(f"credential {credential.label}", lambda: signer(scheme, content), bytes))
    try:
        signature = scheme.sign(credential.private_key, content)
    except Exception as error:
        raise plugin_failed(f"signature {scheme.name}", "sign", error) from error
    if not isinstance(signature, bytes):
        raise plugin_failed(f"signature {scheme.name}", "sign", "the signature is not bytes")
    return signature


def check_signature(
    code: int,
    signature: bytes,
    public_key: Any,
    content: bytes,
    accepted: Mapping[int, SignatureScheme],
    accepts: Callable[[SignatureScheme, Any], bool],
) -> SignatureScheme:
    """A scheme that was offered, that ``accepts`` the certificate's key, and a signature that holds."""
    check_answer(Axis.SIGNATURE, code, tuple(accepted))
    scheme = accepted[code]
    try:
        fits = accepts(scheme, public_key)
        if fits:
            scheme.verify(public_key, signature, content)
    except InvalidSignature:
        raise ProtocolError(PeerMisbehaved.BAD_SIGNATURE, scheme.name) from None
    except Exception as error:
        raise plugin_failed(f"signature {scheme.name}", "verify", error) from error
    if not fits:
        raise ProtocolError(PeerMisbehaved.SCHEME_KEY_MISMATCH, scheme.name)
    return scheme
