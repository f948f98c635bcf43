"""The client's handshake up to the version: ClientHello, and the answer that decides which flow goes on."""

from __future__ import annotations

from suitor.config import ClientConfig
from suitor.flow.client12 import client12
from suitor.flow.client13 import client13
from suitor.flow.handshake import Established, Flow, Handshake, Receive
from suitor.steps.client_hello import make_client_hello
from suitor.steps.server_hello import read_server_hello
from suitor.wire.codec import HandshakeType

_SERVER_HELLO = Receive.of(HandshakeType.SERVER_HELLO)


def client(
    hs: Handshake, config: ClientConfig, server_name: str | None, sni: str | None
) -> Flow[Established]:
    """``server_name`` is whom to verify, ``sni`` what to send (never an address)."""
    # ClientHello ->
    sent = make_client_hello(hs, config, sni)
    hs.compatible = bool(sent.session_id)
    hs.client_random = sent.random
    hs.send(sent.raw)
    hs.flush(version=0x0301)

    # <- ServerHello or HelloRetryRequest
    hello = read_server_hello((yield _SERVER_HELLO), sent, config.policy.limits.extensions)
    if hello.version is None:
        return (yield from client12(hs, config, sent, hello, server_name))
    return (yield from client13(hs, config, sent, hello, server_name))
