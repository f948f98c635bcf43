"""Parsed certificates, kept for a while: a server shows the same few certificates again and again.

What is kept are facts about bytes (a parse), never a verdict about trust.
"""

from __future__ import annotations

import ipaddress
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING

from attrs import field, frozen
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.utils import CryptographyDeprecationWarning

from suitor.errors import Untrusted
from suitor.plug import VerificationFailed
from suitor_plugins.rules import extension

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

# The library warns of what it will refuse one day, such as a serial number that is not positive. Whoever runs a
# program with our stages can do nothing about a stranger's certificate, or about a root of the platform.
warnings.filterwarnings("ignore", category=CryptographyDeprecationWarning, module=r"suitor_plugins\.")

_KEPT = 256
"""Certificates, a few kilobytes each."""

_ADDRESSES = (ipaddress.IPv4Address, ipaddress.IPv6Address)


@frozen(eq=False)
class Leaf:
    """A peer's own certificate, and what people and signature schemes want to know of it."""

    certificate: x509.Certificate
    public_key: CertificatePublicKeyTypes = field(repr=False)
    subject: str
    names: tuple[str, ...]


@lru_cache(_KEPT)
def parse(der: bytes) -> x509.Certificate:
    """A certificate from DER. Raises VerificationFailed(MALFORMED)."""
    try:
        return x509.load_der_x509_certificate(der)
    except (ValueError, x509.InvalidVersion, CryptographyDeprecationWarning) as error:
        raise VerificationFailed(Untrusted.MALFORMED, str(error)) from None


@lru_cache(_KEPT)
def parse_leaf(der: bytes) -> Leaf:
    """The peer's own certificate from DER. Raises VerificationFailed (MALFORMED, UNSUPPORTED_KEY)."""
    certificate = parse(der)
    try:
        public_key = certificate.public_key()
    except UnsupportedAlgorithm as error:
        raise VerificationFailed(Untrusted.UNSUPPORTED_KEY, str(error)) from None
    except ValueError as error:
        raise VerificationFailed(Untrusted.MALFORMED, str(error)) from None
    try:
        names = alternative_names(certificate)
        subject = certificate.subject.rfc4514_string()
    except ValueError as error:
        raise VerificationFailed(Untrusted.MALFORMED, str(error)) from None
    return Leaf(certificate, public_key, subject or ", ".join(names), names)


def alternative_names(certificate: x509.Certificate) -> tuple[str, ...]:
    """The DNS names and IP addresses of subjectAltName (RFC 5280 section 4.2.1.6). Raises ValueError."""
    return tuple(
        str(name.value)
        for name in extension(certificate, x509.SubjectAlternativeName) or ()
        if isinstance(name, x509.DNSName)
        or (isinstance(name, x509.IPAddress) and isinstance(name.value, _ADDRESSES))
    )
