"""The server's handshake in TLS 1.3 (RFC 8446 section 2, figures 1 and 2)."""

from __future__ import annotations

import os

from suitor import registry
from suitor.config import ClientAuth, ServerConfig
from suitor.decision import Agreement, Decision
from suitor.errors import PeerMisbehaved, ProtocolError
from suitor.events import ConnectionInfo, TraceKind
from suitor.flow.after13 import After13
from suitor.flow.handshake import Flow, Handshake, Receive, ask
from suitor.keys.schedule import KeySchedule
from suitor.names import protocol_name
from suitor.plug.interfaces import PeerCertificates, VerifiedPeer
from suitor.record.protection13 import Opener13, Sealer13
from suitor.steps.certificate import choose_compression, make_certificate, read_certificate
from suitor.steps.certificate_request import make_certificate_request
from suitor.steps.certificate_verify import check_certificate_verify, make_certificate_verify
from suitor.steps.client_hello import check_second_hello, read_client_hello
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


def server13(
    hs: Handshake, config: ServerConfig, hello: ClientHello, agreement: Agreement, decision: Decision
) -> Flow[After13]:
    """From the decision on."""
    have, transcript = hs.have, hs.transcript
    hs.compatible = bool(hello.session_id)
    if ext.EARLY_DATA in hello.extensions:
        hs.reader.early_data = config.policy.limits.early_data
    suite, group, scheme, credential = (
        agreement.suite,
        agreement.group,
        agreement.signature,
        agreement.credential,
    )
    assert group is not None and scheme is not None and credential is not None
    hash_, cipher = suite.hash, suite.aead
    padding = config.policy.record_padding
    transcript.use(hash_)
    transcript.add(hello.raw)

    # HelloRetryRequest ->, <- ClientHello
    if agreement.retry:
        cookie = os.urandom(32) if config.policy.retry_cookie else None
        transcript.replace_with_hash()
        hs.send(make_hello_retry_request(hello, agreement, group, cookie))
        hs.change_cipher_spec()
        hs.flush()
        first, hello = hello, read_client_hello(hs, (yield _CLIENT_HELLO))
        check_second_hello(first, hello, group.code, cookie)
        # Early data came before this hello or not at all (section 4.2.10).
        hs.reader.early_data = 0
        transcript.add(hello.raw)

    # ServerHello ->
    share, secret = answer(group, dict(hello.shares or ())[group.code])
    hs.send(make_server_hello(hello, agreement, group, share))
    schedule = KeySchedule(hash_, secret)
    client_secret, server_secret = schedule.handshake_traffic(transcript.digest())
    hs.keylog("CLIENT_HANDSHAKE_TRAFFIC_SECRET", client_secret)
    hs.keylog("SERVER_HANDSHAKE_TRAFFIC_SECRET", server_secret)
    hs.change_cipher_spec()
    hs.write_with(Sealer13.of(hash_, cipher, server_secret, padding), "server_handshake_traffic_secret")
    hs.read_with(Opener13.of(hash_, cipher, client_secret), "client_handshake_traffic_secret")

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
    hs.write_with(
        Sealer13.of(hash_, cipher, server_application, padding), "server_application_traffic_secret_0"
    )

    # <- Certificate, CertificateVerify
    peer = None
    if config.client_auth is not ClientAuth.NONE:
        peer = yield from _verify_client(hs, config)

    # <- Finished
    raw = yield _FINISHED
    check_finished(hash_, client_secret, transcript.digest(), raw)
    transcript.add(raw)
    hs.read_with(Opener13.of(hash_, cipher, client_application), "client_application_traffic_secret_0")

    info = ConnectionInfo(
        version=registry.version_name(registry.TLS13),
        suite=suite.name,
        group=group.name,
        signature=scheme.name,
        server_name=hello.server_name,
        alpn=None if agreement.alpn is None else protocol_name(agreement.alpn),
        retried=agreement.retry,
        peer=peer,
        credential=credential.label,
        decision=decision,
        extensions=facts,
    )
    secrets = (server_application, client_application, exporter)
    return After13(hs, info, hash_, cipher, secrets, is_client=False)


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
