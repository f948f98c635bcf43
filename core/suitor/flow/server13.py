"""The server's handshake in TLS 1.3 (RFC 8446 section 2, figures 1 and 2)."""

from __future__ import annotations

import os

from suitor import registry
from suitor.config import ClientAuth, ServerConfig
from suitor.decision import Agreement, Decision
from suitor.errors import NegotiationError, PeerMisbehaved, ProtocolError
from suitor.events import ConnectionInfo, TraceKind
from suitor.flow.handshake import Established, Flow, Handshake, Receive, ask
from suitor.keys.schedule import KeySchedule
from suitor.negotiate import negotiate
from suitor.plug.interfaces import CredentialRequest, PeerCertificates, Selected, VerifiedPeer
from suitor.steps.certificate import choose_compression, make_certificate, read_certificate
from suitor.steps.certificate_request import make_certificate_request
from suitor.steps.certificate_verify import check_certificate_verify, make_certificate_verify
from suitor.steps.client_hello import check_for_tls13, check_second_hello, read_client_hello
from suitor.steps.encrypted_extensions import make_encrypted_extensions
from suitor.steps.finished import check_finished, make_finished
from suitor.steps.hello_retry_request import make_hello_retry_request
from suitor.steps.key_exchange import answer
from suitor.steps.server_hello import make_server_hello
from suitor.wire import extensions as ext
from suitor.wire.codec import HandshakeType as H
from suitor.wire.hello import ClientHello

_CLIENT_HELLO = Receive.of(H.CLIENT_HELLO)
_CERTIFICATE = Receive.of(H.CERTIFICATE, H.COMPRESSED_CERTIFICATE)
_CERTIFICATE_VERIFY = Receive.of(H.CERTIFICATE_VERIFY)
_FINISHED = Receive.of(H.FINISHED)


def server13(hs: Handshake, config: ServerConfig) -> Flow[Established]:
    have, transcript = hs.have, hs.transcript

    # <- ClientHello
    hello = read_client_hello(hs, (yield _CLIENT_HELLO))
    hs.client_random = hello.random
    hs.compatible = bool(hello.session_id)
    if ext.EARLY_DATA in hello.extensions:
        hs.reader.early_data = config.policy.limits.early_data
    if registry.TLS13 in have.versions and registry.TLS13 in (hello.versions or ()):
        check_for_tls13(hello)
    agreement, decision = yield from _decide(hs, config, hello)
    suite, group, scheme, credential = (
        agreement.suite,
        agreement.group,
        agreement.signature,
        agreement.credential,
    )
    assert scheme is not None and credential is not None
    hash_, cipher = suite.hash, suite.cipher
    transcript.use(hash_)
    transcript.add(hello.raw)

    # HelloRetryRequest ->, <- ClientHello
    if agreement.retry:
        cookie = os.urandom(32) if config.policy.retry_cookie else None
        transcript.replace_with_hash()
        hs.send(make_hello_retry_request(hello, agreement, cookie))
        hs.change_cipher_spec()
        hs.flush()
        first, hello = hello, read_client_hello(hs, (yield _CLIENT_HELLO))
        check_second_hello(first, hello, group.code, cookie)
        # Early data came before this hello or not at all (section 4.2.10).
        hs.reader.early_data = 0
        transcript.add(hello.raw)

    # ServerHello ->
    share, secret = answer(group, dict(hello.shares or ())[group.code])
    hs.send(make_server_hello(hello, agreement, share))
    schedule = KeySchedule(hash_, secret)
    client_secret, server_secret = schedule.handshake_traffic(transcript.digest())
    hs.keylog("CLIENT_HANDSHAKE_TRAFFIC_SECRET", client_secret)
    hs.keylog("SERVER_HANDSHAKE_TRAFFIC_SECRET", server_secret)
    hs.change_cipher_spec()
    hs.write_with(hash_, cipher, server_secret, "server_handshake_traffic_secret")
    hs.read_with(hash_, cipher, client_secret, "client_handshake_traffic_secret")

    # EncryptedExtensions, CertificateRequest ->
    raw, facts = make_encrypted_extensions(
        hello, agreement.alpn, hello.server_name is not None, config.catalogue
    )
    hs.send(raw)
    if config.client_auth is not ClientAuth.NONE:
        hs.send(make_certificate_request(have))

    # Certificate, CertificateVerify, Finished ->
    hs.send(
        make_certificate(
            credential.chain, choose_compression(have.compressions, hello.certificate_compressions)
        )
    )
    hs.send((yield from make_certificate_verify(credential, scheme, transcript.digest(), by_server=True)))
    hs.send(make_finished(hash_, server_secret, transcript.digest()))
    client_application, server_application, exporter = schedule.application_traffic(transcript.digest())
    hs.keylog("CLIENT_TRAFFIC_SECRET_0", client_application)
    hs.keylog("SERVER_TRAFFIC_SECRET_0", server_application)
    hs.keylog("EXPORTER_SECRET", exporter)
    hs.write_with(hash_, cipher, server_application, "server_application_traffic_secret_0")

    # <- Certificate, CertificateVerify
    peer = None
    if config.client_auth is not ClientAuth.NONE:
        peer = yield from _verify_client(hs, config)

    # <- Finished
    raw = yield _FINISHED
    check_finished(hash_, client_secret, transcript.digest(), raw)
    transcript.add(raw)
    hs.read_with(hash_, cipher, client_application, "client_application_traffic_secret_0")

    info = ConnectionInfo(
        version=registry.version_name(registry.TLS13),
        suite=suite.name,
        group=group.name,
        signature=scheme.name,
        server_name=hello.server_name,
        alpn=None if agreement.alpn is None else agreement.alpn.decode("ascii", "backslashreplace"),
        retried=agreement.retry,
        peer=peer,
        credential=credential.label,
        decision=decision,
        extensions=facts,
    )
    return Established(hash_, cipher, server_application, client_application, exporter, info)


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


def _verify_client(hs: Handshake, config: ServerConfig) -> Flow[VerifiedPeer | None]:
    """The client's Certificate, trusted by the verification stage, and its proof of the key."""
    have, transcript, stage = hs.have, hs.transcript, config.verification
    assert stage is not None
    raw = yield _CERTIFICATE
    chain = read_certificate(raw, have.compressions, (), config.policy.limits)
    transcript.add(raw)
    if not chain:
        if config.client_auth is ClientAuth.REQUIRED:
            raise ProtocolError(PeerMisbehaved.CERTIFICATE_REQUIRED)
        return None
    presented = PeerCertificates(chain, None, server=False)
    peer = yield from ask(f"verification {stage.name}", lambda: stage.verify(presented), VerifiedPeer)
    hs.trace(TraceKind.STAGE, f"verification {stage.name}", True, detail=peer)
    raw = yield _CERTIFICATE_VERIFY
    check_certificate_verify(raw, peer.public_key, have.signatures, transcript.digest(), by_server=False)
    transcript.add(raw)
    return peer
