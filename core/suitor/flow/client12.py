"""The client's handshake in TLS 1.2 (RFC 5246 section 7.3, figure 1)."""

from __future__ import annotations

from suitor import registry
from suitor.answer import Answer, judge_answer
from suitor.choice import choose_signer
from suitor.choose12 import groups_for, schemes_for
from suitor.config import ClientConfig
from suitor.errors import PeerMisbehaved, ProtocolError
from suitor.events import ConnectionInfo, TraceKind
from suitor.flow.after12 import After12
from suitor.flow.handshake import Flow, Handshake, Receive, ReceiveChangeCipherSpec, ask
from suitor.names import protocol_name
from suitor.plug.interfaces import (
    Credential,
    CredentialRequest,
    PeerCertificates,
    Selected,
    SignatureScheme,
    VerifiedPeer,
)
from suitor.plug.tls12 import Exchange12, accepts12
from suitor.record.protection import CHANGE_CIPHER_SPEC, plaintext_record
from suitor.steps.certificate12 import (
    make_certificate_verify12,
    read_certificate12,
    read_certificate_request12,
)
from suitor.steps.client_hello import SentHello
from suitor.steps.exchange12 import answer, read_server_key_exchange
from suitor.steps.hello12 import read_server_hello12
from suitor.steps.keys12 import check_finished12, derive_keys, make_finished12
from suitor.wire.codec import HandshakeType as H
from suitor.wire.hello import ServerHello
from suitor.wire.messages12 import check_empty, encode_certificate12

_CERTIFICATE = Receive.of(H.CERTIFICATE)
_SERVER_KEY_EXCHANGE = Receive.of(H.SERVER_KEY_EXCHANGE)
_REQUEST_OR_DONE = Receive.of(H.CERTIFICATE_REQUEST, H.SERVER_HELLO_DONE)
_SERVER_HELLO_DONE = Receive.of(H.SERVER_HELLO_DONE)
_FINISHED = Receive.of(H.FINISHED)
_CHANGE_CIPHER_SPEC = ReceiveChangeCipherSpec()


def client12(
    hs: Handshake, config: ClientConfig, sent: SentHello, hello: ServerHello, server_name: str | None
) -> Flow[After12]:
    """From ServerHello on. ``server_name`` is whom to verify."""
    have, transcript = hs.have, hs.transcript
    if hs.change_cipher_specs:
        # RFC 5246 section 7.1: it has one place, and this was not it.
        raise ProtocolError(PeerMisbehaved.BAD_CHANGE_CIPHER_SPEC)
    hs.tls12 = True

    # <- ServerHello
    terms = read_server_hello12(sent, hello, have, config.policy)
    suite = have.suites[hello.suite]
    exchange = suite.exchange
    assert exchange is not None
    transcript.use(suite.hash)
    transcript.add(hello.raw)
    transcript.keep()

    # <- Certificate
    raw = yield _CERTIFICATE
    chain = read_certificate12(raw, config.policy.limits)
    if not chain:
        raise ProtocolError(PeerMisbehaved.NO_CERTIFICATE)
    transcript.add(raw)
    stage = config.verification
    presented = PeerCertificates(chain, server_name, server=True)
    peer = yield from ask(f"verification {stage.name}", lambda: stage.verify(presented), VerifiedPeer)
    hs.trace(TraceKind.STAGE, f"verification {stage.name}", False, detail=peer)
    schemes = schemes_for(suite.suite.auth, have)
    if not any(accepts12(scheme, peer.public_key) for scheme in schemes.values()):
        raise ProtocolError(PeerMisbehaved.CERTIFICATE_UNFIT, suite.name)

    # <- ServerKeyExchange
    parameters = b""
    scheme: SignatureScheme | None = None
    if exchange.has_parameters:
        raw = yield _SERVER_KEY_EXCHANGE
        randoms = sent.random + hello.random
        parameters, scheme = read_server_key_exchange(raw, exchange, schemes, peer.public_key, randoms)
        transcript.add(raw)

    # <- CertificateRequest, ServerHelloDone
    asked: CredentialRequest | None = None
    raw = yield _REQUEST_OR_DONE
    if raw[0] == H.CERTIFICATE_REQUEST:
        asked = read_certificate_request12(raw, server_name)
        transcript.add(raw)
        raw = yield _SERVER_HELLO_DONE
    check_empty(raw)
    transcript.add(raw)

    # Certificate, ClientKeyExchange, CertificateVerify ->
    signer = None
    if asked is not None:
        signer = yield from _choose_certificate(hs, config, asked)
        hs.send(encode_certificate12(signer[1].chain if signer else ()))
    groups = groups_for(exchange.group_kind, have) if exchange.group_kind else {}
    raw, premaster = answer(exchange, parameters, Exchange12(groups, public_key=peer.public_key))
    hs.send(raw)
    keys = derive_keys(suite, terms, premaster, sent.random, hello.random, transcript.digest())
    hs.keylog("CLIENT_RANDOM", keys.master)
    if signer is not None:
        hs.send((yield from make_certificate_verify12(signer[1], signer[0], transcript.messages())))

    # change_cipher_spec, Finished ->
    hs.flush()
    hs.writer.raw(plaintext_record(CHANGE_CIPHER_SPEC, b"\x01"))
    hs.write_with(keys.sealer(by_server=False), "client_write_key")
    hs.send(make_finished12(keys, transcript.digest(), by_server=False))

    # <- change_cipher_spec, Finished
    yield _CHANGE_CIPHER_SPEC
    hs.read_with(keys.opener(by_server=True), "server_write_key")
    raw = yield _FINISHED
    check_finished12(keys, transcript.digest(), raw, by_server=True)

    group = exchange.group_of(parameters)
    code = None if scheme is None else scheme.code
    verdict = judge_answer(
        Answer(registry.TLS12, suite.code, group, code, terms.alpn), sent.offer, have, config.explain
    )
    hs.trace(TraceKind.DECISION, "client", False, detail=verdict)
    info = ConnectionInfo(
        version=registry.version_name(registry.TLS12),
        suite=suite.name,
        group=None if group is None else have.groups[group].name,
        signature=None if scheme is None else scheme.name,
        server_name=server_name,
        alpn=None if terms.alpn is None else protocol_name(terms.alpn),
        retried=False,
        peer=peer,
        credential=None if signer is None else signer[1].label,
        decision=verdict,
    )
    return After12(hs, info, keys, is_client=True)


def _choose_certificate(
    hs: Handshake, config: ClientConfig, asked: CredentialRequest
) -> Flow[tuple[SignatureScheme, Credential] | None]:
    """What to answer a CertificateRequest with; None sends an empty Certificate (section 7.4.6)."""
    stage = config.credentials
    if stage is None:
        return None
    selected = yield from ask(f"credentials {stage.name}", lambda: stage.select(asked), Selected)
    signer = choose_signer(
        asked.signatures,
        asked.certificate_signatures,
        hs.have.signatures12,
        selected.credentials,
        mine_first=False,
        tls12=True,
    )
    if signer is None or signer[0] is None or signer[1] is None:
        return None
    return signer[0], signer[1]
