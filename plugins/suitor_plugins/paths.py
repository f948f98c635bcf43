"""Paths through issuers whose keys the library's verifier does not take: Ed25519, Ed448, ML-DSA.

The verifier's list of issuer keys is the public web's and cannot be widened. So a private authority with such
a key gets its path climbed here, issuer by issuer, by the rules of RFC 5280 section 6.1 that single
certificates can be held to. Name constraints are not evaluated here, so an issuer that has them is refused;
the leaf's own checks (name, use, validity) stay with the library.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from attrs import define, field
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ObjectIdentifier

from suitor_plugins.rules import authority, extension, own_rules, signature_algorithm, validity, weak_key

_SIGNATURE_CHECKS = 32
"""For one chain; a peer may send look-alike issuers to make the climb expensive."""


def needs_climbing(certificate: x509.Certificate) -> bool:
    """Whether the library's verifier does not take this certificate's key as an issuer's."""
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return False
    return not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey)


@define
class Climb:
    """One search: from the leaf through ``others`` (as presented) to one of ``roots``."""

    others: Sequence[x509.Certificate]
    roots: Collection[x509.Certificate]
    now: datetime
    usage: ObjectIdentifier
    max_depth: int
    _checks_left: int = field(default=_SIGNATURE_CHECKS, init=False)

    def path(self, child: x509.Certificate, below: int = 0) -> list[x509.Certificate] | None:
        """From ``child`` to a root, both included, or None. ``below`` counts the intermediates passed."""
        for issuer in (*self.roots, *self.others):
            if issuer == child or not self._issued(issuer, child, below):
                continue
            if issuer in self.roots:
                return [child, issuer]
            rest = self.path(issuer, below + 1) if below < self.max_depth else None
            if rest is not None:
                return [child, *rest]
        return None

    def _issued(self, issuer: x509.Certificate, child: x509.Certificate, below: int) -> bool:
        try:
            if issuer.subject != child.issuer:
                return False
            broken = (
                validity(issuer, self.now)
                or authority(issuer, below, self.usage)
                or own_rules(issuer)
                or weak_key(issuer)
                or signature_algorithm(child)
            )
            if broken or extension(issuer, x509.NameConstraints) is not None or not self._checks_left:
                return False
            self._checks_left -= 1
            child.verify_directly_issued_by(issuer)
        except (InvalidSignature, TypeError, UnsupportedAlgorithm, ValueError):
            return False
        return True
