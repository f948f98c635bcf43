"""The hellos of TLS 1.2: what the extensions of ClientHello and ServerHello settle (RFC 5246 section 7.4.1)."""

from __future__ import annotations

import os
from collections.abc import Mapping

from attrs import frozen

from suitor import registry
from suitor.answer import check_answer
from suitor.catalogue import LitSuite
from suitor.decision import Agreement, Axis
from suitor.errors import NegotiationError, NoAgreement, PeerMisbehaved, ProtocolError
from suitor.policy import Policy
from suitor.steps.client_hello import SentHello
from suitor.steps.encrypted_extensions import read_alpn
from suitor.usable import Usable
from suitor.wire import extensions as ext
from suitor.wire.codec import Cursor, vec8, vec16
from suitor.wire.hello import (
    DOWNGRADE_TO_TLS12,
    ClientHello,
    ServerHello,
    encode_server_hello,
)

RENEGOTIATION_SCSV = 0x00FF
FALLBACK_SCSV = 0x5600
_EMPTY_RENEGOTIATION_INFO = b"\0"
_UNCOMPRESSED = b"\x01\x00"

_ANSWERS = frozenset(
    {
        ext.SERVER_NAME,
        ext.SUPPORTED_GROUPS,
        ext.EC_POINT_FORMATS,
        ext.ALPN,
        ext.ENCRYPT_THEN_MAC,
        ext.EXTENDED_MASTER_SECRET,
        ext.RENEGOTIATION_INFO,
    }
)
"""What a ServerHello of TLS 1.2 may answer; of the rest this client offers, all belongs to TLS 1.3."""


@frozen
class Terms12:
    """What both hellos together settled besides the suite: the extended master secret (RFC 7627), encrypt then
    MAC (RFC 7366), and the application protocol (RFC 7301)."""

    extended_master_secret: bool
    encrypt_then_mac: bool
    alpn: bytes | None


def check_for_tls12(hello: ClientHello, have: Usable, policy: Policy) -> None:
    """Server: what a ClientHello that is answered with TLS 1.2 must hold."""
    if FALLBACK_SCSV in hello.suites and registry.TLS13 in have.versions:
        # RFC 7507 section 3: the client tried something newer before, which this side would have spoken.
        raise ProtocolError(PeerMisbehaved.INAPPROPRIATE_FALLBACK)
    _check_renegotiation_info(hello.extensions)
    if policy.extended_master_secret and ext.EXTENDED_MASTER_SECRET not in hello.extensions:
        raise NegotiationError(NoAgreement.NO_EXTENDED_MASTER_SECRET)
    formats = hello.extensions.get(ext.EC_POINT_FORMATS)
    if formats is not None:
        cursor = Cursor(formats)
        named = cursor.vec8(1)
        cursor.done()
        if 0 not in named:
            raise ProtocolError(PeerMisbehaved.NO_UNCOMPRESSED_POINTS)


def _check_renegotiation_info(extensions: Mapping[int, bytes]) -> None:
    """RFC 5746 sections 3.4 and 3.6: empty in a first handshake."""
    info = extensions.get(ext.RENEGOTIATION_INFO)
    if info is not None and info != _EMPTY_RENEGOTIATION_INFO:
        raise ProtocolError(PeerMisbehaved.BAD_RENEGOTIATION_INFO)


def make_server_hello12(
    hello: ClientHello, agreement: Agreement, have: Usable
) -> tuple[bytes, bytes, Terms12]:
    """Server: the message, its random, and the terms. A server that would have spoken TLS 1.3 says so in its
    random (RFC 8446 section 4.1.3)."""
    offered = hello.extensions
    answers: dict[int, bytes] = {}
    if ext.RENEGOTIATION_INFO in offered or RENEGOTIATION_SCSV in hello.suites:
        answers[ext.RENEGOTIATION_INFO] = _EMPTY_RENEGOTIATION_INFO
    if ext.EXTENDED_MASTER_SECRET in offered:
        answers[ext.EXTENDED_MASTER_SECRET] = b""
    if ext.ENCRYPT_THEN_MAC in offered and has_blocks(agreement.suite):
        answers[ext.ENCRYPT_THEN_MAC] = b""
    if ext.EC_POINT_FORMATS in offered and agreement.group is not None:
        answers[ext.EC_POINT_FORMATS] = _UNCOMPRESSED
    if hello.server_name is not None:
        answers[ext.SERVER_NAME] = b""
    if agreement.alpn is not None:
        answers[ext.ALPN] = vec16(vec8(agreement.alpn))
    random = os.urandom(32)
    if registry.TLS13 in have.versions:
        random = random[:24] + DOWNGRADE_TO_TLS12
    raw = encode_server_hello(ServerHello(random, b"", agreement.suite.code, answers))
    terms = Terms12(ext.EXTENDED_MASTER_SECRET in answers, ext.ENCRYPT_THEN_MAC in answers, agreement.alpn)
    return raw, random, terms


def read_server_hello12(sent: SentHello, hello: ServerHello, have: Usable, policy: Policy) -> Terms12:
    """Client: a suite of TLS 1.2 that was offered, and answers to what was offered."""
    ext.check_solicited(hello.extensions, sent.extensions, "ServerHello")
    if hello.compression_method:
        raise ProtocolError(PeerMisbehaved.BAD_COMPRESSION_METHODS, str(hello.compression_method))
    check_answer(Axis.SUITE, hello.suite, tuple(have.suites_of(registry.TLS12)))
    answers = hello.extensions
    for code in answers:
        if code not in _ANSWERS:
            raise ProtocolError(PeerMisbehaved.MISPLACED_EXTENSION, f"{ext.extension_name(code)} in TLS 1.2")
    if answers.get(ext.RENEGOTIATION_INFO) != _EMPTY_RENEGOTIATION_INFO:
        # RFC 5746 section 3.4: a server that says nothing may be one that an attacker can splice.
        raise ProtocolError(PeerMisbehaved.BAD_RENEGOTIATION_INFO, "in ServerHello")
    if policy.extended_master_secret and ext.EXTENDED_MASTER_SECRET not in answers:
        raise NegotiationError(NoAgreement.NO_EXTENDED_MASTER_SECRET)
    for code in (ext.EXTENDED_MASTER_SECRET, ext.ENCRYPT_THEN_MAC, ext.SERVER_NAME):
        if answers.get(code):
            raise ProtocolError(PeerMisbehaved.MALFORMED_EXTENSION, ext.extension_name(code))
    suite = have.suites[hello.suite]
    encrypt_then_mac = ext.ENCRYPT_THEN_MAC in answers
    if encrypt_then_mac and not has_blocks(suite):
        raise ProtocolError(PeerMisbehaved.UNSOLICITED_EXTENSION, "encrypt_then_mac without a block cipher")
    return Terms12(ext.EXTENDED_MASTER_SECRET in answers, encrypt_then_mac, read_alpn(answers, sent))


def has_blocks(suite: LitSuite) -> bool:
    """Whether a suite's cipher works in blocks, with padding to protect (RFC 7366 section 3)."""
    return suite.block_cipher is not None and suite.block_cipher.block_size > 1
