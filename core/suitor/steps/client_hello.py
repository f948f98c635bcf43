"""ClientHello (RFC 8446 section 4.1.2): made by the client, made again after a retry, read by the server."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from attrs import field, frozen

from suitor import registry
from suitor.config import ClientConfig
from suitor.decision import Offer
from suitor.errors import LocalError, LocalMistake, PeerMisbehaved, ProtocolError, plugin_failed
from suitor.flow.handshake import Handshake
from suitor.plug.interfaces import Group
from suitor.steps import key_exchange
from suitor.usable import Usable
from suitor.wire import extensions as ext
from suitor.wire.codec import pack_u16s, vec8, vec16
from suitor.wire.extensions import encode_extensions
from suitor.wire.hello import ClientHello, decode_client_hello, encode_client_hello


@frozen(eq=False)
class SentHello:
    """What the client must remember of its ClientHello to judge the answers."""

    raw: bytes = field(repr=False)
    random: bytes
    session_id: bytes
    extensions: Mapping[int, bytes] = field(repr=False)
    private: Mapping[int, tuple[Group, Any]] = field(repr=False)
    """Private values of the shares that were sent, by group."""
    offer: Offer


@lru_cache(maxsize=64)
def _constant_part(have: Usable, alpn: tuple[bytes, ...]) -> tuple[dict[int, bytes], Offer]:
    """What every ClientHello of one configuration has in common."""
    versions = have.versions
    schemes = have.offered_signatures
    certificate_schemes = have.certificate_signatures or schemes
    suites = tuple(have.suites)
    extensions = {
        ext.SUPPORTED_GROUPS: vec16(pack_u16s(have.groups)),
        ext.SIGNATURE_ALGORITHMS: vec16(pack_u16s(schemes)),
    }
    if certificate_schemes != schemes:
        extensions[ext.SIGNATURE_ALGORITHMS_CERT] = vec16(pack_u16s(certificate_schemes))
    if alpn:
        extensions[ext.ALPN] = vec16(b"".join(map(vec8, alpn)))
    if registry.TLS13 in versions:
        extensions[ext.SUPPORTED_VERSIONS] = vec8(pack_u16s(versions))
        if have.compressions:
            extensions[ext.COMPRESS_CERTIFICATE] = vec8(pack_u16s(have.compressions))
    if registry.TLS12 in versions:
        extensions[ext.EXTENDED_MASTER_SECRET] = b""
        extensions[ext.RENEGOTIATION_INFO] = b"\0"
        extensions[ext.EC_POINT_FORMATS] = b"\x01\0"
        if any(lit.block_cipher is not None for lit in have.suites.values()):
            extensions[ext.ENCRYPT_THEN_MAC] = b""
    offer = Offer(
        versions=versions,
        suites=suites,
        groups=tuple(have.groups),
        signatures=schemes,
        certificate_signatures=certificate_schemes,
        alpn=alpn,
    )
    return extensions, offer


def check_something_to_offer(have: Usable) -> None:
    """A side whose policy and plugins leave an axis empty is told so before a byte is sent."""
    for what, names in (
        ("version", have.versions),
        ("cipher suite", have.suites),
        ("group", have.groups),
        ("signature scheme", have.offered_signatures),
    ):
        if not names:
            raise LocalError(
                LocalMistake.NOTHING_USABLE,
                f"no {what} is left; see what is installed with 'suitor plugins'",
            )


def make_client_hello(hs: Handshake, config: ClientConfig, sni: str | None) -> SentHello:
    """The first ClientHello: shares for the policy's first groups, a session ID only for middleboxes
    (RFC 8446 appendix D.4)."""
    have = hs.have
    check_something_to_offer(have)
    constant, offer = _constant_part(have, config.alpn)
    extensions: dict[int, bytes] = {}
    if sni is not None:
        # RFC 6066 section 3: a list of one host_name.
        extensions[ext.SERVER_NAME] = vec16(b"\0" + vec16(sni.encode("ascii")))
    extensions.update(constant)
    for code, extension in config.catalogue.extensions.items():
        try:
            body = extension.offer()
        except Exception as error:
            raise plugin_failed(f"extension {extension.name}", "offer", error) from error
        if body is not None:
            extensions[code] = body
    private = {}
    tls13 = registry.TLS13 in have.versions
    if tls13:
        shares = []
        for code, group in list(have.groups.items())[: max(0, config.policy.key_shares)]:
            secret, share = key_exchange.start(group)
            private[code] = group, secret
            shares.append(code.to_bytes(2, "big") + vec16(share))
        extensions[ext.KEY_SHARE] = vec16(b"".join(shares))
    random = os.urandom(64)
    session_id = random[32:] if tls13 and config.policy.middlebox_compat else b""
    return _finish(hs, random[:32], session_id, extensions, private, offer, sni)


def retry_client_hello(
    hs: Handshake, first: SentHello, group: Group | None, cookie: bytes | None
) -> SentHello:
    """The second ClientHello: the first one with only what the HelloRetryRequest asked for changed
    (RFC 8446 section 4.1.2)."""
    extensions = dict(first.extensions)
    private = first.private
    if group is not None:
        secret, share = key_exchange.start(group)
        private = {group.code: (group, secret)}
        extensions[ext.KEY_SHARE] = vec16(group.code.to_bytes(2, "big") + vec16(share))
    if cookie is not None:
        extensions[ext.COOKIE] = vec16(cookie)
    offer = first.offer
    return _finish(hs, first.random, first.session_id, extensions, private, offer, offer.server_name)


def _finish(
    hs: Handshake,
    random: bytes,
    session_id: bytes,
    extensions: Mapping[int, bytes],
    private: Mapping[int, tuple[Group, Any]],
    offer: Offer,
    sni: str | None,
) -> SentHello:
    suites = pack_u16s(offer.suites)
    raw = encode_client_hello(random, session_id, suites, encode_extensions(extensions.items()))
    sent = Offer(
        offer.versions,
        offer.suites,
        offer.groups,
        tuple(private),
        offer.signatures,
        offer.certificate_signatures,
        sni,
        offer.alpn,
    )
    return SentHello(raw, random, session_id, extensions, private, sent)


# --- server -----------------------------------------------------------------------------------------------


def read_client_hello(hs: Handshake, raw: bytes) -> ClientHello:
    """A ClientHello, with everything checked that does not depend on a choice."""
    hello = decode_client_hello(raw, hs.config.policy.limits.extensions)
    if hello.legacy_version <= 0x0300:
        # RFC 8446 appendix D.5: SSL 3.0 and below end here.
        raise ProtocolError(PeerMisbehaved.HELLO_VERSION, f"0x{hello.legacy_version:04x}")
    if 0 not in hello.compression_methods:
        raise ProtocolError(PeerMisbehaved.NO_NULL_COMPRESSION)
    return hello


def check_for_tls13(hello: ClientHello) -> None:
    """What a ClientHello that is answered with TLS 1.3 must and must not hold (RFC 8446 sections 4.1.2, 4.2.8,
    4.2.9 and 9.2)."""
    if hello.compression_methods != b"\0":
        raise ProtocolError(PeerMisbehaved.BAD_COMPRESSION_METHODS)
    if hello.signatures is None:
        # Even with a PSK, for the server proves itself by a certificate all the same (section 4.2.3).
        raise ProtocolError(PeerMisbehaved.MISSING_EXTENSION, "signature_algorithms")
    if ext.PRE_SHARED_KEY not in hello.extensions:
        if hello.groups is None:
            raise ProtocolError(PeerMisbehaved.MISSING_EXTENSION, "supported_groups")
    elif ext.PSK_KEY_EXCHANGE_MODES not in hello.extensions:
        raise ProtocolError(PeerMisbehaved.MISSING_EXTENSION, "psk_key_exchange_modes")
    if (hello.groups is None) != (hello.shares is None):
        missing = "key_share" if hello.shares is None else "supported_groups"
        raise ProtocolError(PeerMisbehaved.MISSING_EXTENSION, missing)
    _check_shares(hello)


def _check_shares(hello: ClientHello) -> None:
    """Section 4.2.8: one share a group at most, only for groups offered, in their order."""
    groups = iter(hello.groups or ())
    seen = set()
    for code, _ in hello.shares or ():
        if code in seen:
            raise ProtocolError(PeerMisbehaved.DUPLICATE_SHARE, group_name(code))
        seen.add(code)
        if code not in groups:
            raise ProtocolError(PeerMisbehaved.SHARE_NOT_IN_GROUPS, group_name(code))


def group_name(code: int) -> str:
    row = registry.groups().get(code)
    return row.name if row else f"group 0x{code:04x}"


_MAY_CHANGE = frozenset({ext.KEY_SHARE, ext.COOKIE, ext.EARLY_DATA, ext.PRE_SHARED_KEY, ext.PADDING})


def check_second_hello(first: ClientHello, second: ClientHello, group: int, cookie: bytes | None) -> None:
    """After a HelloRetryRequest only what it asked for may differ (section 4.1.2), and exactly one share for
    the group asked for must be there (section 4.2.8)."""

    def constant(hello: ClientHello) -> list[tuple[int, bytes]]:
        return [item for item in hello.extensions.items() if item[0] not in _MAY_CHANGE]

    if (
        (first.legacy_version, first.random, first.session_id, first.suites, first.compression_methods)
        != (
            second.legacy_version,
            second.random,
            second.session_id,
            second.suites,
            second.compression_methods,
        )
        or constant(first) != constant(second)
        or ext.EARLY_DATA in second.extensions
    ):
        raise ProtocolError(PeerMisbehaved.SECOND_HELLO_CHANGED)
    if [code for code, _ in second.shares or ()] != [group]:
        raise ProtocolError(PeerMisbehaved.SECOND_HELLO_WRONG_SHARE, group_name(group))
    if second.cookie != cookie:
        raise ProtocolError(PeerMisbehaved.BAD_COOKIE)
