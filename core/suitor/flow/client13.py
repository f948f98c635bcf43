"""The client's handshake in TLS 1.3 (RFC 8446 section 2, figures 1 and 2)."""

from __future__ import annotations

from suitor import registry
from suitor.answer import Answer, judge_answer
from suitor.choice import choose_signer
from suitor.config import ClientConfig
from suitor.errors import PeerMisbehaved, ProtocolError
from suitor.events import ConnectionInfo, TraceKind
from suitor.flow.after13 import After13
from suitor.flow.handshake import Flow, Handshake, Receive, ask
from suitor.keys.schedule import KeySchedule
from suitor.names import protocol_name
from suitor.plug.interfaces import Credential, CredentialRequest, PeerCertificates, Selected, VerifiedPeer
from suitor.record.protection13 import Opener13, Sealer13
from suitor.steps.certificate import choose_compression, make_certificate, read_certificate
from suitor.steps.certificate_request import read_certificate_request
from suitor.steps.certificate_verify import check_certificate_verify, make_certificate_verify
from suitor.steps.client_hello import SentHello, retry_client_hello
from suitor.steps.encrypted_extensions import read_encrypted_extensions
from suitor.steps.finished import check_finished, make_finished
from suitor.steps.hello_retry_request import read_hello_retry_request
from suitor.steps.key_exchange import finish
from suitor.steps.server_hello import check_server_hello, read_server_hello
from suitor.wire.codec import HandshakeType as H
from suitor.wire.hello import ServerHello
from suitor.wire.messages import CERTIFICATE_REQUEST

_SERVER_HELLO = Receive.of(H.SERVER_HELLO)
_ENCRYPTED_EXTENSIONS = Receive.of(H.ENCRYPTED_EXTENSIONS)
_CERTIFICATE_OR_REQUEST = Receive.of(H.CERTIFICATE_REQUEST, H.CERTIFICATE, H.COMPRESSED_CERTIFICATE)
_CERTIFICATE = Receive.of(H.CERTIFICATE, H.COMPRESSED_CERTIFICATE)
_CERTIFICATE_VERIFY = Receive.of(H.CERTIFICATE_VERIFY)
_FINISHED = Receive.of(H.FINISHED)


def client13(
    hs: Handshake, config: ClientConfig, sent: SentHello, hello: ServerHello, server_name: str | None
) -> Flow[After13]:
    """From the first answer on, a ServerHello or a HelloRetryRequest. ``server_name`` is whom to verify."""
    have, limits, transcript = hs.have, config.policy.limits, hs.transcript

    # <- HelloRetryRequest, ClientHello ->
    offer = sent.offer
    retried_suite = None
    if hello.retry:
        retry = read_hello_retry_request(hs, sent, hello)
        retried_suite = retry.suite
        transcript.use(have.suites[retry.suite].hash)
        transcript.replace_with_hash()
        transcript.add(hello.raw)
        hs.change_cipher_spec()
        sent = retry_client_hello(hs, sent, retry.group, retry.cookie)
        hs.send(sent.raw)
        hs.flush()
        hello = read_server_hello((yield _SERVER_HELLO), sent, limits.extensions, hello.version)

    # <- ServerHello
    group, private, server_share = check_server_hello(sent, hello, retried_suite)
    suite = have.suites[hello.suite]
    hash_, cipher = suite.hash, suite.aead
    padding = config.policy.record_padding
    transcript.use(hash_)
    transcript.add(hello.raw)
    schedule = KeySchedule(hash_, finish(group, private, server_share))
    client_secret, server_secret = schedule.handshake_traffic(transcript.digest())
    hs.keylog("CLIENT_HANDSHAKE_TRAFFIC_SECRET", client_secret)
    hs.keylog("SERVER_HANDSHAKE_TRAFFIC_SECRET", server_secret)
    hs.read_with(Opener13.of(hash_, cipher, server_secret), "server_handshake_traffic_secret")
    hs.change_cipher_spec()
    hs.write_with(Sealer13.of(hash_, cipher, client_secret, padding), "client_handshake_traffic_secret")

    # <- EncryptedExtensions
    raw = yield _ENCRYPTED_EXTENSIONS
    alpn, facts = read_encrypted_extensions(raw, sent, config.catalogue, limits.extensions)
    transcript.add(raw)

    # <- CertificateRequest
    raw = yield _CERTIFICATE_OR_REQUEST
    asked: CredentialRequest | None = None
    if raw[0] == CERTIFICATE_REQUEST:
        asked, their_compressions = read_certificate_request(raw, server_name, limits.extensions)
        transcript.add(raw)
        raw = yield _CERTIFICATE

    # <- Certificate, CertificateVerify
    chain = read_certificate(raw, have.compressions, sent.extensions, limits)
    if not chain:
        raise ProtocolError(PeerMisbehaved.NO_CERTIFICATE)
    transcript.add(raw)
    stage = config.verification
    presented = PeerCertificates(chain, server_name, server=True)
    peer = yield from ask(f"verification {stage.name}", lambda: stage.verify(presented), VerifiedPeer)
    hs.trace(TraceKind.STAGE, f"verification {stage.name}", False, detail=peer)
    raw = yield _CERTIFICATE_VERIFY
    scheme = check_certificate_verify(
        raw, peer.public_key, have.signatures, transcript.digest(), by_server=True
    )
    transcript.add(raw)

    # <- Finished
    raw = yield _FINISHED
    check_finished(hash_, server_secret, transcript.digest(), raw)
    transcript.add(raw)
    client_application, server_application, exporter = schedule.application_traffic(transcript.digest())
    hs.keylog("CLIENT_TRAFFIC_SECRET_0", client_application)
    hs.keylog("SERVER_TRAFFIC_SECRET_0", server_application)
    hs.keylog("EXPORTER_SECRET", exporter)
    hs.read_with(Opener13.of(hash_, cipher, server_application), "server_application_traffic_secret_0")

    # Certificate, CertificateVerify ->
    credential = None
    if asked is not None:
        credential = yield from _authenticate(hs, config, asked, their_compressions)

    # Finished ->
    hs.send(make_finished(hash_, client_secret, transcript.digest()))
    hs.write_with(
        Sealer13.of(hash_, cipher, client_application, padding), "client_application_traffic_secret_0"
    )

    answer = Answer(registry.TLS13, suite.code, group.code, scheme.code, alpn)
    decision = judge_answer(answer, offer, have, config.explain)
    hs.trace(TraceKind.DECISION, "client", False, detail=decision)
    info = ConnectionInfo(
        version=registry.version_name(registry.TLS13),
        suite=suite.name,
        group=group.name,
        signature=scheme.name,
        server_name=server_name,
        alpn=None if alpn is None else protocol_name(alpn),
        retried=retried_suite is not None,
        peer=peer,
        credential=None if credential is None else credential.label,
        decision=decision,
        extensions=facts,
    )
    secrets = (client_application, server_application, exporter)
    return After13(hs, info, hash_, cipher, secrets, is_client=True)


def _authenticate(
    hs: Handshake, config: ClientConfig, asked: CredentialRequest, compressions: tuple[int, ...]
) -> Flow[Credential | None]:
    """Answer a CertificateRequest, with an empty Certificate where there is nothing fitting (section 4.4.2)."""
    found: tuple[Credential, ...] = ()
    stage = config.credentials
    if stage is not None:
        selected = yield from ask(f"credentials {stage.name}", lambda: stage.select(asked), Selected)
        found = selected.credentials
    signer = choose_signer(
        asked.signatures, asked.certificate_signatures, hs.have.signatures, found, mine_first=False
    )
    if signer is None or signer[0] is None or signer[1] is None:
        hs.send(make_certificate((), None))
        return None
    scheme, credential = signer[0], signer[1]
    hs.send(make_certificate(credential.chain, choose_compression(hs.have.compressions, compressions)))
    hs.send((yield from make_certificate_verify(credential, scheme, hs.transcript.digest(), by_server=False)))
    return credential
