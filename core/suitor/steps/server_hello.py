"""ServerHello (RFC 8446 section 4.1.3): made by the server, judged by the client."""

from __future__ import annotations

import os
from typing import Any

from suitor import registry
from suitor.answer import check_answer
from suitor.decision import Agreement, Axis
from suitor.errors import PeerMisbehaved, ProtocolError
from suitor.plug.interfaces import Group
from suitor.steps.client_hello import SentHello
from suitor.wire import extensions as ext
from suitor.wire.codec import vec16
from suitor.wire.hello import (
    DOWNGRADE_TO_TLS11,
    DOWNGRADE_TO_TLS12,
    LEGACY_VERSION,
    ClientHello,
    ServerHello,
    decode_server_hello,
    encode_server_hello,
)


def make_server_hello(hello: ClientHello, agreement: Agreement, group: Group, share: bytes) -> bytes:
    """Server: version, suite and share; the session ID goes back as it came."""
    extensions = {
        ext.SUPPORTED_VERSIONS: agreement.version.to_bytes(2, "big"),
        ext.KEY_SHARE: group.code.to_bytes(2, "big") + vec16(share),
    }
    return encode_server_hello(
        ServerHello(os.urandom(32), hello.session_id, agreement.suite.code, extensions)
    )


def read_server_hello(raw: bytes, sent: SentHello, limit: int, retried: int | None = None) -> ServerHello:
    """Client: a ServerHello or HelloRetryRequest of a version that was offered, which stays what it was in a
    HelloRetryRequest before (``retried``, section 4.1.4). A server that was talked down to an older version
    says so in its random (section 4.1.3). ``version`` None means TLS 1.2."""
    hello = decode_server_hello(raw, limit)
    version = hello.version
    if retried is not None and version != retried:
        raise ProtocolError(PeerMisbehaved.RETRY_VERSION_CHANGED)
    if version is None:
        _check_older(hello, sent.offer.versions)
        return hello
    if version < registry.TLS13:
        # Section 4.2.1: the extension never selects a version before 1.3.
        raise ProtocolError(PeerMisbehaved.SELECTED_VERSION_NOT_OFFERED, registry.version_name(version))
    check_answer(Axis.VERSION, version, sent.offer.versions)
    return hello


def _check_older(hello: ServerHello, offered: tuple[int, ...]) -> None:
    """A hello of TLS 1.2 or below, as a client sees it that may have offered more."""
    if registry.TLS13 in offered and hello.random[-8:] in (DOWNGRADE_TO_TLS12, DOWNGRADE_TO_TLS11):
        raise ProtocolError(PeerMisbehaved.DOWNGRADE_SENTINEL)
    if hello.legacy_version not in offered or hello.retry:
        raise ProtocolError(PeerMisbehaved.SERVER_TOO_OLD, registry.version_name(hello.legacy_version))


def check_echo(sent: SentHello, hello: ServerHello) -> None:
    """Client: the fields that TLS 1.3 keeps for old middleboxes."""
    if hello.legacy_version != LEGACY_VERSION:
        raise ProtocolError(PeerMisbehaved.HELLO_VERSION, f"0x{hello.legacy_version:04x}")
    if hello.session_id != sent.session_id:
        raise ProtocolError(PeerMisbehaved.SESSION_ID_NOT_ECHOED)
    if hello.compression_method:
        raise ProtocolError(PeerMisbehaved.BAD_COMPRESSION_METHODS, str(hello.compression_method))


def check_server_hello(
    sent: SentHello, hello: ServerHello, retried_suite: int | None
) -> tuple[Group, Any, bytes]:
    """Client: suite and group are ones that were offered, and stay what a retry said. Returns the group, our
    private value for it, and the server's share."""
    if hello.retry:
        raise ProtocolError(PeerMisbehaved.SECOND_HELLO_RETRY_REQUEST)
    ext.check_solicited(hello.extensions, sent.extensions, "ServerHello")
    check_echo(sent, hello)
    check_answer(Axis.SUITE, hello.suite, sent.offer.suites)
    if retried_suite is not None and hello.suite != retried_suite:
        raise ProtocolError(PeerMisbehaved.RETRY_SUITE_CHANGED)
    share = hello.share
    if share is None:
        raise ProtocolError(PeerMisbehaved.MISSING_EXTENSION, "key_share")
    check_answer(Axis.GROUP, share[0], sent.offer.shares)
    return *sent.private[share[0]], share[1]
