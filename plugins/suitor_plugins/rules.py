"""Rules of RFC 5280 about single certificates, each with the reason and words for its breach."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from suitor.errors import Untrusted

Finding = tuple[Untrusted, str]
"""A broken rule, and what is wrong in words."""

SMALLEST_RSA = 2048
SMALLEST_CURVE = 256
"""Bits (RFC 9325 sections 4.2 and 4.5)."""

_WEB_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_WEAK_HASHES = frozenset({"md5", "sha1"})


def own_rules(certificate: x509.Certificate) -> Finding | None:
    """Rules about one certificate that do not ask where it stands in the chain."""
    if certificate.version is not x509.Version.v3:
        return Untrusted.REFUSED_BY_RULE, f"{title(certificate)} is not version 3 (RFC 5280 4.1.2.1)"
    unknown = [
        e.oid
        for e in extensions(certificate)
        if isinstance(e.value, x509.UnrecognizedExtension) and e.critical
    ]
    if unknown:
        number = unknown[0].dotted_string
        text = f"{title(certificate)} has an unknown critical extension {number} (RFC 5280 4.2)"
        return Untrusted.REFUSED_BY_RULE, text
    return None


def validity(certificate: x509.Certificate, now: datetime) -> Finding | None:
    if now > certificate.not_valid_after_utc:
        text = f"{title(certificate)} expired at {certificate.not_valid_after_utc:%Y-%m-%d %H:%M:%S} UTC"
        return Untrusted.EXPIRED, text
    if now < certificate.not_valid_before_utc:
        text = f"{title(certificate)} is valid from {certificate.not_valid_before_utc:%Y-%m-%d %H:%M:%S} UTC"
        return Untrusted.NOT_YET_VALID, text
    return None


def signature_algorithm(certificate: x509.Certificate) -> Finding | None:
    algorithm = certificate.signature_hash_algorithm
    if algorithm is not None and algorithm.name in _WEAK_HASHES:
        return Untrusted.WEAK_SIGNATURE, f"{title(certificate)} is signed with {algorithm.name.upper()}"
    return None


def authority(issuer: x509.Certificate, below: int, usage: ObjectIdentifier) -> Finding | None:
    """Whether ``issuer`` may stand above ``below`` intermediates (RFC 5280 section 6.1.4)."""
    if not is_authority(issuer):
        return Untrusted.NOT_A_CA, f"{title(issuer)} is not a certificate authority (RFC 5280 4.2.1.9)"
    constraints = extension(issuer, x509.BasicConstraints)
    if constraints is not None and constraints.path_length is not None and below > constraints.path_length:
        allowed = constraints.path_length
        text = f"{title(issuer)} allows {allowed} intermediates below it, and {below} stand there"
        return Untrusted.PATH_TOO_LONG, text
    key_usage = extension(issuer, x509.KeyUsage)
    if key_usage is not None and not key_usage.key_cert_sign:
        return Untrusted.WRONG_USAGE, f"{title(issuer)} may not sign certificates (RFC 5280 4.2.1.3)"
    usages = extension(issuer, x509.ExtendedKeyUsage)
    if (
        usages is not None
        and usage not in usages
        and ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE not in usages
    ):
        return Untrusted.WRONG_USAGE, f"{title(issuer)} may not issue for this use (RFC 5280 4.2.1.12)"
    return weak_key(issuer)


def weak_key(certificate: x509.Certificate) -> Finding | None:
    """RSA below 2048 bits, or an elliptic curve below 256."""
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < SMALLEST_RSA:
        return Untrusted.WEAK_KEY, f"{title(certificate)} has an RSA key of {key.key_size} bits"
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.key_size < SMALLEST_CURVE:
        return Untrusted.WEAK_KEY, f"{title(certificate)} has a key on {key.curve.name}"
    return None


def web_key(certificate: x509.Certificate) -> Finding | None:
    """A key that the public web does not use: weak, on another curve, or of another kind."""
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey) or (
        isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, _WEB_CURVES)
    ):
        return weak_key(certificate)
    kind = key.curve.name if isinstance(key, ec.EllipticCurvePublicKey) else type(key).__name__
    return Untrusted.UNSUPPORTED_KEY, f"{title(certificate)} has a key of a kind not accepted ({kind})"


E = TypeVar("E", bound=x509.ExtensionType)


def extension(certificate: x509.Certificate, kind: type[E]) -> E | None:
    """The certificate's extension of that kind, if it has one. Raises ValueError."""
    try:
        return extensions(certificate).get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def extensions(certificate: x509.Certificate) -> x509.Extensions:
    """The certificate's extensions. Raises ValueError for whatever is wrong with them."""
    try:
        return certificate.extensions
    except (TypeError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise ValueError(str(error)) from None


def is_authority(certificate: x509.Certificate) -> bool:
    """Whether basicConstraints says that it is a certificate authority. Raises ValueError."""
    constraints = extension(certificate, x509.BasicConstraints)
    return constraints is not None and constraints.ca


def title(certificate: x509.Certificate) -> str:
    """A certificate in words."""
    return printable(certificate.subject) or "the certificate without a subject"


def printable(name: x509.Name) -> str:
    """The peer wrote it, so nothing unprintable or long gets through."""
    return "".join(c if c.isprintable() else "?" for c in name.rfc4514_string()[:120])
