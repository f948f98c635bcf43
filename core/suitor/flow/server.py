"""The server's handshake up to the decision: ClientHello, and the choice that decides which flow goes on."""

from __future__ import annotations

from suitor import registry
from suitor.config import ServerConfig
from suitor.decision import Agreement, Decision
from suitor.errors import NegotiationError
from suitor.events import TraceKind
from suitor.flow.handshake import Established, Flow, Handshake, Receive, ask
from suitor.flow.server12 import server12
from suitor.flow.server13 import server13
from suitor.negotiate import negotiate
from suitor.plug.interfaces import CredentialRequest, Selected
from suitor.steps.client_hello import check_for_tls13, read_client_hello
from suitor.steps.hello12 import check_for_tls12
from suitor.wire.codec import HandshakeType
from suitor.wire.hello import ClientHello

_CLIENT_HELLO = Receive.of(HandshakeType.CLIENT_HELLO)


def server(hs: Handshake, config: ServerConfig) -> Flow[Established]:
    # <- ClientHello
    hello = read_client_hello(hs, (yield _CLIENT_HELLO))
    hs.client_random = hello.random
    versions = hello.offer.versions
    if registry.TLS13 in hs.have.versions and registry.TLS13 in versions:
        check_for_tls13(hello)
    elif registry.TLS12 in hs.have.versions and registry.TLS12 in versions:
        check_for_tls12(hello, hs.have, config.policy)
    agreement, decision = yield from _decide(hs, config, hello)
    if agreement.version == registry.TLS12:
        return (yield from server12(hs, config, hello, agreement, decision))
    return (yield from server13(hs, config, hello, agreement, decision))


def _decide(hs: Handshake, config: ServerConfig, hello: ClientHello) -> Flow[tuple[Agreement, Decision]]:
    """Gather what the credentials stage finds, then negotiate."""
    stage = config.credentials
    asked = CredentialRequest(
        hello.server_name, hello.signatures or (), hello.certificate_signatures or (), hello.alpn
    )
    selected = yield from ask(f"credentials {stage.name}", lambda: stage.select(asked), Selected)
    hs.trace(TraceKind.STAGE, f"credentials {stage.name}", True, detail=selected)
    decision = negotiate(
        hello.offer,
        config.policy,
        config.catalogue,
        credentials=selected.credentials,
        alpn=config.alpn,
        explain=config.explain,
    )
    hs.trace(TraceKind.DECISION, "server", True, detail=decision)
    if decision.agreement is None:
        assert decision.refusal is not None
        raise NegotiationError(decision.refusal)
    return decision.agreement, decision
