"""ServerKeyExchange and ClientKeyExchange of TLS 1.2 (RFC 5246 sections 7.4.3 and 7.4.7), over the plugins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from suitor.errors import PeerMisbehaved, ProtocolError, plugin_failed
from suitor.flow.handshake import Flow
from suitor.plug.interfaces import BadShare, Credential, SignatureScheme
from suitor.plug.tls12 import Exchange12, KeyExchange12, accepts12
from suitor.steps.signing import check_signature, sign
from suitor.wire.codec import Cursor, vec16
from suitor.wire.messages12 import encode_client_key_exchange, encode_server_key_exchange

T = TypeVar("T")


def _contained(exchange: KeyExchange12, method: str, call: Callable[[], T]) -> T:
    """A plugin's move: what it says of the peer's value is the peer's fault, anything else its own."""
    try:
        return call()
    except BadShare as error:
        raise ProtocolError(PeerMisbehaved.BAD_SHARE, f"{exchange.name}: {error}") from error
    except Exception as error:
        raise plugin_failed(f"key exchange {exchange.name}", method, error) from error


def start(exchange: KeyExchange12, context: Exchange12) -> tuple[Any, bytes]:
    """Server: the private value, and the parameters to sign and send."""
    return _contained(exchange, "parameters", lambda: exchange.parameters(context))


def sign_parameters(
    credential: Credential, scheme: SignatureScheme, randoms: bytes, parameters: bytes
) -> Flow[bytes]:
    """Server: ServerKeyExchange, the signature covering both randoms and the parameters."""
    signature = yield from sign(credential, scheme, randoms + parameters)
    return encode_server_key_exchange(parameters + scheme.code.to_bytes(2, "big") + vec16(signature))


def read_server_key_exchange(
    raw: bytes,
    exchange: KeyExchange12,
    schemes: Mapping[int, SignatureScheme],
    public_key: Any,
    randoms: bytes,
) -> tuple[bytes, SignatureScheme]:
    """Client: the parameters, when their signature holds, and the scheme that it uses."""
    body = raw[4:]
    size = _contained(exchange, "parameters_size", lambda: exchange.parameters_size(body))
    parameters = body[:size]
    cursor = Cursor(body, size)
    code, signature = cursor.u16(), cursor.vec16()
    cursor.done()
    content = randoms + parameters
    return parameters, check_signature(code, signature, public_key, content, schemes, accepts12)


def answer(exchange: KeyExchange12, parameters: bytes, context: Exchange12) -> tuple[bytes, bytes]:
    """Client: ClientKeyExchange and the premaster secret."""
    body, premaster = _contained(exchange, "answer", lambda: exchange.answer(parameters, context))
    return encode_client_key_exchange(body), premaster


def finish(exchange: KeyExchange12, private: Any, raw: bytes, context: Exchange12) -> bytes:
    """Server: the premaster secret out of ClientKeyExchange."""
    return _contained(exchange, "finish", lambda: exchange.finish(private, raw[4:], context))
