"""The server's handshake in TLS 1.2 (RFC 5246 section 7.3, figure 1)."""

from __future__ import annotations

from suitor import registry
from suitor.choose12 import groups_for
from suitor.config import ClientAuth, ServerConfig
from suitor.decision import Agreement, Decision
from suitor.errors import PeerMisbehaved, ProtocolError
from suitor.events import ConnectionInfo, TraceKind
from suitor.flow.after12 import After12
from suitor.flow.handshake import Flow, Handshake, Receive, ReceiveChangeCipherSpec, ask
from suitor.names import protocol_name
from suitor.plug.interfaces import PeerCertificates, VerifiedPeer
from suitor.plug.tls12 import Exchange12
from suitor.record.protection import CHANGE_CIPHER_SPEC, plaintext_record
from suitor.steps.certificate12 import (
    check_certificate_verify12,
    make_certificate_request12,
    read_certificate12,
)
from suitor.steps.exchange12 import finish, sign_parameters, start
from suitor.steps.hello12 import make_server_hello12
from suitor.steps.keys12 import check_finished12, derive_keys, make_finished12
from suitor.wire.codec import HandshakeType as H
from suitor.wire.hello import ClientHello
from suitor.wire.messages12 import SERVER_HELLO_DONE, encode_certificate12

_CERTIFICATE = Receive.of(H.CERTIFICATE)
_CLIENT_KEY_EXCHANGE = Receive.of(H.CLIENT_KEY_EXCHANGE)
_CERTIFICATE_VERIFY = Receive.of(H.CERTIFICATE_VERIFY)
_FINISHED = Receive.of(H.FINISHED)
_CHANGE_CIPHER_SPEC = ReceiveChangeCipherSpec()


def server12(
    hs: Handshake, config: ServerConfig, hello: ClientHello, agreement: Agreement, decision: Decision
) -> Flow[After12]:
    """From the decision on."""
    have, transcript = hs.have, hs.transcript
    suite, group, scheme, credential = (
        agreement.suite,
        agreement.group,
        agreement.signature,
        agreement.credential,
    )
    exchange = suite.exchange
    assert exchange is not None and credential is not None
    hs.tls12 = True
    transcript.use(suite.hash)
    transcript.add(hello.raw)
    transcript.keep()

    # ServerHello, Certificate ->
    raw, server_random, terms = make_server_hello12(hello, agreement, have)
    hs.send(raw)
    hs.send(encode_certificate12(credential.chain))

    # ServerKeyExchange ->
    groups = groups_for(exchange.group_kind, have) if exchange.group_kind else {}
    if group is not None:
        groups = {group.code: group}
    context = Exchange12(
        groups, hello.legacy_version.to_bytes(2, "big"), credential.public_key, credential.private_key
    )
    private, parameters = start(exchange, context)
    if exchange.has_parameters:
        assert scheme is not None
        randoms = hello.random + server_random
        hs.send((yield from sign_parameters(credential, scheme, randoms, parameters)))

    # CertificateRequest, ServerHelloDone ->
    if config.client_auth is not ClientAuth.NONE:
        hs.send(make_certificate_request12(have))
    hs.send(SERVER_HELLO_DONE)

    # <- Certificate, ClientKeyExchange, CertificateVerify
    peer: VerifiedPeer | None = None
    if config.client_auth is not ClientAuth.NONE:
        peer = yield from _read_client_certificate(hs, config)
    raw = yield _CLIENT_KEY_EXCHANGE
    transcript.add(raw)
    premaster = finish(exchange, private, raw, context)
    keys = derive_keys(suite, terms, premaster, hello.random, server_random, transcript.digest())
    hs.keylog("CLIENT_RANDOM", keys.master)
    if peer is not None:
        signed = transcript.messages()
        raw = yield _CERTIFICATE_VERIFY
        check_certificate_verify12(raw, peer.public_key, have.signatures12, signed)
        transcript.add(raw)

    # <- change_cipher_spec, Finished
    yield _CHANGE_CIPHER_SPEC
    hs.read_with(keys.opener(by_server=False), "client_write_key")
    raw = yield _FINISHED
    check_finished12(keys, transcript.digest(), raw, by_server=False)
    transcript.add(raw)

    # change_cipher_spec, Finished ->
    hs.flush()
    hs.writer.raw(plaintext_record(CHANGE_CIPHER_SPEC, b"\x01"))
    hs.write_with(keys.sealer(by_server=True), "server_write_key")
    hs.send(make_finished12(keys, transcript.digest(), by_server=True))

    info = ConnectionInfo(
        version=registry.version_name(registry.TLS12),
        suite=suite.name,
        group=None if group is None else group.name,
        signature=None if scheme is None else scheme.name,
        server_name=hello.server_name,
        alpn=None if terms.alpn is None else protocol_name(terms.alpn),
        retried=False,
        peer=peer,
        credential=credential.label,
        decision=decision,
    )
    return After12(hs, info, keys, is_client=False)


def _read_client_certificate(hs: Handshake, config: ServerConfig) -> Flow[VerifiedPeer | None]:
    """The client's Certificate, trusted by the verification stage (section 7.4.6)."""
    stage = config.verification
    assert stage is not None
    raw = yield _CERTIFICATE
    chain = read_certificate12(raw, config.policy.limits)
    hs.transcript.add(raw)
    if not chain:
        if config.client_auth is ClientAuth.REQUIRED:
            raise ProtocolError(PeerMisbehaved.CERTIFICATE_REQUIRED)
        return None
    presented = PeerCertificates(chain, None, server=False)
    peer = yield from ask(f"verification {stage.name}", lambda: stage.verify(presented), VerifiedPeer)
    hs.trace(TraceKind.STAGE, f"verification {stage.name}", True, detail=peer)
    return peer
