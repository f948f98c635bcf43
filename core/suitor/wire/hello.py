"""ClientHello, ServerHello and HelloRetryRequest (RFC 8446 sections 4.1.2 to 4.1.4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import field, frozen

from suitor.decision import Offer
from suitor.errors import PeerMisbehaved, ProtocolError
from suitor.wire import extensions as ext
from suitor.wire.codec import Cursor, HandshakeType, codes8, codes16, message, pack_u16s, vec8, vec16
from suitor.wire.extensions import decode_extensions, encode_extensions, extension_name

CLIENT_HELLO = int(HandshakeType.CLIENT_HELLO)
SERVER_HELLO = int(HandshakeType.SERVER_HELLO)

LEGACY_VERSION = 0x0303

RETRY_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""ServerHello.random of a HelloRetryRequest: SHA-256 of "HelloRetryRequest" (RFC 8446 section 4.1.3)."""

DOWNGRADE_TO_TLS12 = b"DOWNGRD\x01"
DOWNGRADE_TO_TLS11 = b"DOWNGRD\x00"
"""The last eight bytes of a server's random that was made to negotiate lower (RFC 8446 section 4.1.3)."""


@frozen(eq=False)
class ClientHello:
    """A ClientHello as received or sent. Codes are in the client's order; an extension that is missing leaves
    its field None (or empty, where an empty one would be malformed). ``raw`` is the whole message, header
    included, as it went over the wire."""

    random: bytes
    session_id: bytes
    suites: tuple[int, ...]
    compression_methods: bytes
    extensions: Mapping[int, bytes]
    legacy_version: int = LEGACY_VERSION
    raw: bytes = field(default=b"", repr=False)
    versions: tuple[int, ...] | None = None
    groups: tuple[int, ...] | None = None
    shares: tuple[tuple[int, bytes], ...] | None = field(default=None, repr=False)
    signatures: tuple[int, ...] | None = None
    certificate_signatures: tuple[int, ...] | None = None
    server_name: str | None = None
    alpn: tuple[bytes, ...] = ()
    certificate_compressions: tuple[int, ...] = ()
    cookie: bytes | None = None

    @property
    def offer(self) -> Offer:
        """What it offers, for ``negotiate``."""
        versions = self.versions
        if versions is None:
            # RFC 8446 section 4.2.1: without the extension, the legacy version speaks for 1.2 and below.
            versions = (min(self.legacy_version, LEGACY_VERSION),)
        return Offer(
            versions=versions,
            suites=self.suites,
            groups=self.groups or (),
            shares=tuple([group for group, _ in self.shares]) if self.shares else (),
            signatures=self.signatures,
            certificate_signatures=self.certificate_signatures,
            server_name=self.server_name,
            alpn=self.alpn,
        )


def _key_shares(data: bytes) -> tuple[tuple[int, bytes], ...]:
    """RFC 8446 section 4.2.8: KeyShareEntry client_shares<0..2^16-1>; key_exchange is never empty."""
    outer = Cursor(data)
    cursor = Cursor(outer.vec16())
    outer.done()
    shares = []
    while cursor.more():
        shares.append((cursor.u16(), cursor.vec16(1)))
    return tuple(shares)


def _server_name(data: bytes) -> str | None:
    """RFC 6066 section 3: one host_name, an ASCII DNS name without a trailing dot, never an address."""
    outer = Cursor(data)
    cursor = Cursor(outer.vec16(1))
    outer.done()
    name: str | None = None
    while cursor.more():
        kind = cursor.u8()
        value = cursor.vec16(1)
        if kind != 0:
            continue
        if name is not None:
            raise ProtocolError(PeerMisbehaved.BAD_SERVER_NAME, "two host names")
        if not value.isascii() or b"\0" in value or len(value) > 255:
            raise ProtocolError(PeerMisbehaved.BAD_SERVER_NAME)
        name = value.decode("ascii").lower().rstrip(".")
        if not name:
            raise ProtocolError(PeerMisbehaved.BAD_SERVER_NAME)
    return name


def protocol_names(data: bytes) -> tuple[bytes, ...]:
    """RFC 7301 section 3.1: ProtocolName protocol_name_list<2..2^16-1>, each 1 to 255 bytes."""
    outer = Cursor(data)
    cursor = Cursor(outer.vec16(2))
    outer.done()
    names = []
    while cursor.more():
        names.append(cursor.vec8(1))
    return tuple(names)


def _cookie(data: bytes) -> bytes:
    """RFC 8446 section 4.2.2: opaque cookie<1..2^16-1>."""
    cursor = Cursor(data)
    cookie = cursor.vec16(1)
    cursor.done()
    return cookie


_PARSERS: dict[int, tuple[str, Callable[[bytes], Any]]] = {
    ext.SUPPORTED_VERSIONS: ("versions", codes8),
    ext.SUPPORTED_GROUPS: ("groups", codes16),
    ext.KEY_SHARE: ("shares", _key_shares),
    ext.SIGNATURE_ALGORITHMS: ("signatures", codes16),
    ext.SIGNATURE_ALGORITHMS_CERT: ("certificate_signatures", codes16),
    ext.SERVER_NAME: ("server_name", _server_name),
    ext.ALPN: ("alpn", protocol_names),
    ext.COMPRESS_CERTIFICATE: ("certificate_compressions", codes8),
    ext.COOKIE: ("cookie", _cookie),
}


def parse_extension(code: int, parser: Callable[[bytes], Any], data: bytes) -> Any:
    """Run one extension's parser; what it cannot read is told with the extension's name."""
    try:
        return parser(data)
    except ProtocolError as error:
        if error.reason in (PeerMisbehaved.MALFORMED_MESSAGE, PeerMisbehaved.TRAILING_DATA):
            raise ProtocolError(PeerMisbehaved.MALFORMED_EXTENSION, extension_name(code)) from None
        raise


def decode_client_hello(raw: bytes, limit: int = 100) -> ClientHello:
    """Read a ClientHello message, four-byte header included, with at most ``limit`` extensions."""
    cursor = Cursor(raw, 4)
    legacy_version = cursor.u16()
    random = cursor.take(32)
    session_id = cursor.vec8()
    if len(session_id) > 32:
        raise ProtocolError(PeerMisbehaved.MALFORMED_MESSAGE, "legacy_session_id is longer than 32 bytes")
    suites = cursor.u16s()
    compression_methods = cursor.vec8(1)
    # A hello of TLS 1.2 or below may leave out the whole block (RFC 5246 section 7.4.1.2).
    extensions = decode_extensions(cursor.vec16(), ext.CH, limit) if cursor.more() else {}
    cursor.done()
    fields: dict[str, Any] = {}
    for code, data in extensions.items():
        known = _PARSERS.get(code)
        if known is not None:
            fields[known[0]] = parse_extension(code, known[1], data)
    if ext.PRE_SHARED_KEY in extensions and next(reversed(extensions)) != ext.PRE_SHARED_KEY:
        raise ProtocolError(PeerMisbehaved.PSK_NOT_LAST)
    return ClientHello(
        random, session_id, suites, compression_methods, extensions, legacy_version, raw, **fields
    )


def encode_client_hello(
    random: bytes,
    session_id: bytes,
    suites: bytes,
    extensions: bytes,
    compression_methods: bytes = b"\0",
    legacy_version: int = LEGACY_VERSION,
) -> bytes:
    """A ClientHello message. ``suites`` are packed codes, ``extensions`` the whole block with its length."""
    return message(
        CLIENT_HELLO,
        b"".join(
            (
                legacy_version.to_bytes(2, "big"),
                random,
                vec8(session_id),
                vec16(suites),
                vec8(compression_methods),
                extensions,
            )
        ),
    )


def reencode_client_hello(hello: ClientHello) -> bytes:
    """The bytes of a decoded ClientHello, made anew from its fields."""
    return encode_client_hello(
        hello.random,
        hello.session_id,
        pack_u16s(hello.suites),
        encode_extensions(hello.extensions.items()),
        hello.compression_methods,
        hello.legacy_version,
    )


@frozen(eq=False)
class ServerHello:
    """A ServerHello or HelloRetryRequest (``retry``). ``version`` is supported_versions' value, else None."""

    random: bytes
    session_id: bytes
    suite: int
    extensions: Mapping[int, bytes]
    legacy_version: int = LEGACY_VERSION
    compression_method: int = 0
    raw: bytes = field(default=b"", repr=False)

    @property
    def retry(self) -> bool:
        return self.random == RETRY_RANDOM

    @property
    def version(self) -> int | None:
        """RFC 8446 section 4.2.1: selected_version."""
        data = self.extensions.get(ext.SUPPORTED_VERSIONS)
        if data is None:
            return None
        if len(data) != 2:
            raise ProtocolError(PeerMisbehaved.MALFORMED_EXTENSION, "supported_versions")
        return int.from_bytes(data, "big")

    @property
    def share(self) -> tuple[int, bytes] | None:
        """RFC 8446 section 4.2.8: server_share."""
        data = self.extensions.get(ext.KEY_SHARE)
        return None if data is None else parse_extension(ext.KEY_SHARE, _server_share, data)

    @property
    def selected_group(self) -> int | None:
        """RFC 8446 section 4.2.8: the group that a HelloRetryRequest asks a share for."""
        data = self.extensions.get(ext.KEY_SHARE)
        if data is None:
            return None
        if len(data) != 2:
            raise ProtocolError(PeerMisbehaved.MALFORMED_EXTENSION, "key_share")
        return int.from_bytes(data, "big")

    @property
    def cookie(self) -> bytes | None:
        data = self.extensions.get(ext.COOKIE)
        return None if data is None else parse_extension(ext.COOKIE, _cookie, data)


def _server_share(data: bytes) -> tuple[int, bytes]:
    cursor = Cursor(data)
    share = cursor.u16(), cursor.vec16(1)
    cursor.done()
    return share


def decode_server_hello(raw: bytes, limit: int = 100) -> ServerHello:
    """Read a ServerHello or HelloRetryRequest message, four-byte header included."""
    cursor = Cursor(raw, 4)
    legacy_version = cursor.u16()
    random = cursor.take(32)
    session_id = cursor.vec8()
    if len(session_id) > 32:
        raise ProtocolError(
            PeerMisbehaved.MALFORMED_MESSAGE, "legacy_session_id_echo is longer than 32 bytes"
        )
    suite = cursor.u16()
    compression_method = cursor.u8()
    block = cursor.vec16() if cursor.more() else b""
    cursor.done()
    extensions = decode_extensions(block, None, limit)
    if random == RETRY_RANDOM:
        ext.check_placed(extensions, ext.HRR)
    elif ext.SUPPORTED_VERSIONS in extensions:
        ext.check_placed(extensions, ext.SH)
    return ServerHello(random, session_id, suite, extensions, legacy_version, compression_method, raw)


def encode_server_hello(hello: ServerHello) -> bytes:
    """A ServerHello or HelloRetryRequest message from its fields."""
    return message(
        SERVER_HELLO,
        b"".join(
            (
                hello.legacy_version.to_bytes(2, "big"),
                hello.random,
                vec8(hello.session_id),
                hello.suite.to_bytes(2, "big"),
                hello.compression_method.to_bytes(1, "big"),
                encode_extensions(hello.extensions.items()),
            )
        ),
    )
