"""Stage two: is this chain trusted for this name (RFC 5280 section 6, RFC 9525).

Three stages: ``web`` holds a chain to the rules of the public web, ``private`` accepts what a sane private
authority issues, ``insecure`` looks at nothing. Path building, signatures, validity, names and constraints
are the work of ``cryptography.x509.verification``; the stages differ in rules about extensions and keys.

What is kept between calls: parsed certificates, the store of roots, and for one second the verifier of a
name. The library pins the time when a verifier is built, and certificates count time in whole seconds, so a
verifier used within its own second judges like one built anew. A verdict is never kept.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from suitor.errors import Untrusted
from suitor.plug import PeerCertificates, VerificationFailed, VerifiedPeer
from suitor_plugins import profiles
from suitor_plugins.certificates import parse, parse_leaf
from suitor_plugins.paths import Climb, needs_climbing
from suitor_plugins.refusal import Refused, explain
from suitor_plugins.rules import Finding, weak_key, web_key
from suitor_plugins.trust import Roots, load_roots, platform_roots

if TYPE_CHECKING:
    from cryptography.x509.verification import ClientVerifier, ServerVerifier

Clock = Callable[[], float]
"""Seconds since 1970, as ``time.time`` gives them."""

_VERIFIERS_KEPT = 128


class _ChainVerification:
    """What the stages that check have in common: the store, the verifiers, the explanation of a refusal."""

    def __init__(
        self,
        name: str,
        roots: tuple[x509.Certificate, ...],
        *,
        server: profiles.Profile,
        client: profiles.Profile,
        leaf_key: Callable[[x509.Certificate], Finding | None],
        max_depth: int,
        clock: Clock,
    ) -> None:
        self.name = name
        self.roots = roots
        self.max_depth = max_depth
        self._clock = clock
        self._leaf_key = leaf_key
        self._root_ders = {root: root.public_bytes(Encoding.DER) for root in roots}
        self._builder = PolicyBuilder().max_chain_depth(max_depth)
        self._profiles = (client, server)
        self._store = Store(list(roots))
        self._server_verifier = lru_cache(_VERIFIERS_KEPT)(self._build_server_verifier)
        self._client_verifier = lru_cache(1)(self._build_client_verifier)

    def verify(self, peer: PeerCertificates) -> VerifiedPeer:
        """The peer, when its chain leads to a root and fits the name and role; else VerificationFailed."""
        if not peer.chain:
            raise VerificationFailed(Untrusted.MALFORMED, "no certificate")
        leaf = parse_leaf(peer.chain[0])
        others = [parse(der) for der in peer.chain[1:]]
        now = int(self._clock())
        try:
            path = self._path(peer, leaf.certificate, others, now)
        except VerificationError as error:
            chain = (leaf.certificate, *others)
            refused = Refused(chain, self.roots, _utc(now), _usage(peer), peer.name, leaf.names, str(error))
            raise explain(refused) from None
        found = self._leaf_key(leaf.certificate)
        if found is not None:
            raise VerificationFailed(*found)
        ders = dict(zip(others, peer.chain[1:], strict=True))
        chain_ders = (peer.chain[0], *(self._root_ders.get(c) or ders[c] for c in path[1:]))
        return VerifiedPeer(leaf.public_key, leaf.subject, leaf.names, chain_ders, stage=self.name)

    def _path(
        self, peer: PeerCertificates, leaf: x509.Certificate, others: list[x509.Certificate], now: int
    ) -> list[x509.Certificate]:
        """The certificates from the leaf to a root. Raises the library's VerificationError."""
        if peer.server:
            return self._server_verifier(peer.name, now).verify(leaf, others)
        return self._client_verifier(now).verify(leaf, others).chain

    def _build_server_verifier(
        self, name: str | None, now: int, store: Store | None = None
    ) -> ServerVerifier:
        if name is None:
            raise VerificationFailed(
                Untrusted.NAME_MISMATCH, "there is no name to check the certificate against"
            )
        builder = self._profiles[True].applied(self._builder.store(store or self._store).time(_utc(now)))
        try:
            return builder.build_server_verifier(_subject(name))
        except ValueError:
            text = f"{name!r} is not a DNS name or IP address"
            raise VerificationFailed(Untrusted.NAME_MISMATCH, text) from None

    def _build_client_verifier(self, now: int, store: Store | None = None) -> ClientVerifier:
        builder = self._profiles[False].applied(self._builder.store(store or self._store).time(_utc(now)))
        return builder.build_client_verifier()


class WebVerification(_ChainVerification):
    """The rules of the public web (CA/Browser Forum's as the library has them): a subjectAltName that is not
    critical beside a subject, key identifiers, no certificate authority as leaf, keys of RSA with 2048 bits
    or more, or on the NIST curves.

    ``roots`` is a PEM file or a list of certificates; without it, the platform's roots or certifi's are used.
    ``max_depth`` bounds the intermediates between leaf and root. Raises LocalError (NO_TRUST_STORE, BAD_PEM).
    """

    def __init__(self, roots: Roots | None = None, *, max_depth: int = 8, clock: Clock = time.time) -> None:
        super().__init__(
            "web",
            platform_roots() if roots is None else load_roots(roots),
            server=profiles.WEB,
            client=profiles.WEB,
            leaf_key=web_key,
            max_depth=max_depth,
            clock=clock,
        )


class PrivateVerification(_ChainVerification):
    """What a sane private authority issues, checked against its ``roots`` alone (a PEM file or a list).

    Names, validity, signatures, basicConstraints, key usage and name constraints hold as on the web. Allowed
    beyond it: a critical subjectAltName beside a subject, missing key identifiers and uses, a client without
    subjectAltName, Ed25519, Ed448 and ML-DSA keys; an intermediate as root; and a leaf that is itself among
    the roots, even a self-signed authority's. A commonName is never a name (RFC 9525 section 2).
    Raises LocalError (NO_TRUST_STORE, BAD_PEM).
    """

    def __init__(self, roots: Roots, *, max_depth: int = 8, clock: Clock = time.time) -> None:
        loaded = load_roots(roots)
        super().__init__(
            "private",
            loaded,
            server=profiles.private(loaded, name_required=True),
            client=profiles.private(loaded, name_required=False),
            leaf_key=weak_key,
            max_depth=max_depth,
            clock=clock,
        )
        self._climbing_roots = any(map(needs_climbing, loaded))

    def _path(
        self, peer: PeerCertificates, leaf: x509.Certificate, others: list[x509.Certificate], now: int
    ) -> list[x509.Certificate]:
        try:
            return super()._path(peer, leaf, others, now)
        except VerificationError:
            if not self._climbing_roots and not any(map(needs_climbing, others)):
                raise
            path = Climb(others, self._root_ders, _utc(now), _usage(peer), self.max_depth).path(leaf)
            if path is None:
                raise VerificationError(
                    "no path through issuers with such keys (restrictions on names are not evaluated there)"
                ) from None
            # The issuers are good; with the leaf as its own anchor the library checks the rest of it.
            store = Store([leaf])
            if peer.server:
                self._build_server_verifier(peer.name, now, store).verify(leaf, [])
            else:
                self._build_client_verifier(now, store).verify(leaf, [])
            return path


class NoVerification:
    """No check at all, for experiments: whoever answers is believed. The answer says ``verified=False``."""

    name = "insecure"

    def verify(self, peer: PeerCertificates) -> VerifiedPeer:
        """The leaf's key and names, unchecked. Raises VerificationFailed for a leaf that does not parse."""
        if not peer.chain:
            raise VerificationFailed(Untrusted.MALFORMED, "no certificate")
        leaf = parse_leaf(peer.chain[0])
        return VerifiedPeer(
            leaf.public_key, leaf.subject, leaf.names, peer.chain, verified=False, stage=self.name
        )


def _usage(peer: PeerCertificates) -> x509.ObjectIdentifier:
    return ExtendedKeyUsageOID.SERVER_AUTH if peer.server else ExtendedKeyUsageOID.CLIENT_AUTH


def _utc(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _subject(name: str) -> x509.DNSName | x509.IPAddress:
    """Raises ValueError for what is neither."""
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name.removesuffix("."))
