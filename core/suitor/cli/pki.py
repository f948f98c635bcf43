"""Certificates made in memory: a root, an intermediate and leaves, to profiles that strict verifiers accept.

The profiles follow RFC 5280 section 4 and, where they are narrower, the CA/Browser Forum's baseline
requirements, so that the same files work with browsers, ``openssl verify -x509_strict`` and the verification
stages.
Nothing here touches files.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum

from attrs import field, frozen
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from suitor.errors import LocalError, LocalMistake
from suitor.plug.interfaces import Credential

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | Ed25519PrivateKey

ROOT_DAYS = 3650
INTERMEDIATE_DAYS = 1825
LEAF_DAYS = 397
"""The longest that browsers took from public authorities for years; a private one may choose."""

_BACKDATED = timedelta(hours=1)
"""For peers whose clock is behind."""

_LONGEST_COMMON_NAME = 64
"""RFC 5280 appendix A.1, ub-common-name."""

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_LONGEST_NAME = 253
_MAILBOX = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")


class KeyKind(Enum):
    """What kind of key to make. Ed25519 is for private use: the public web does not take it."""

    P256 = "p256"
    P384 = "p384"
    RSA2048 = "rsa2048"
    RSA3072 = "rsa3072"
    RSA4096 = "rsa4096"
    ED25519 = "ed25519"


@frozen(eq=False)
class Issued:
    """A certificate with its private key. ``issuers`` are the certificates between it and the root, nearest
    first, without the root."""

    certificate: x509.Certificate
    key: PrivateKey = field(repr=False)
    issuers: tuple[x509.Certificate, ...] = ()

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """What a peer is sent: the certificate and then its issuers, without the root."""
        return (self.certificate, *self.issuers)

    @property
    def issuers_below(self) -> tuple[x509.Certificate, ...]:
        """The ``issuers`` of what is issued with this: nothing below a root, else the own chain."""
        return () if self.certificate.subject == self.certificate.issuer else self.chain

    def chain_pem(self) -> bytes:
        """The chain as a PEM file, leaf first."""
        return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in self.chain)

    def key_pem(self) -> bytes:
        """The private key as PKCS #8, not encrypted."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def credential(self, label: str = "made here") -> Credential:
        """The identity for a credentials stage."""
        names = self.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return Credential(
            label=label,
            chain=tuple(certificate.public_bytes(Encoding.DER) for certificate in self.chain),
            public_key=self.certificate.public_key(),
            private_key=self.key,
            names=tuple(str(name.value) for name in names),
        )


def make_key(kind: KeyKind) -> PrivateKey:
    """A fresh private key."""
    match kind:
        case KeyKind.P256:
            return ec.generate_private_key(ec.SECP256R1())
        case KeyKind.P384:
            return ec.generate_private_key(ec.SECP384R1())
        case KeyKind.ED25519:
            return Ed25519PrivateKey.generate()
        case _:
            return rsa.generate_private_key(65537, int(kind.value.removeprefix("rsa")))


def make_root(
    name: str = "Suitor test root",
    *,
    kind: KeyKind = KeyKind.P256,
    days: int = ROOT_DAYS,
    now: datetime | None = None,
) -> Issued:
    """A self-signed certificate authority, called ``name``. ``now`` (with a time zone) is the clock's by
    default. Raises LocalError(BAD_INPUT) for a name or number of days that no certificate can carry."""
    key = make_key(kind)
    builder = _authority(_subject(name), key, path_length=None)
    builder = _valid(builder.issuer_name(_subject(name)), days, now)
    return Issued(_signed(builder, key), key)


def make_intermediate(
    root: Issued,
    name: str = "Suitor test intermediate",
    *,
    kind: KeyKind = KeyKind.P256,
    days: int = INTERMEDIATE_DAYS,
    now: datetime | None = None,
) -> Issued:
    """A certificate authority below ``root`` that may issue leaves only, for TLS only."""
    key = make_key(kind)
    uses = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    builder = _authority(_subject(name), key, path_length=0).add_extension(uses, critical=False)
    return Issued(_issued(builder, root, days, now), key, root.issuers_below)


def make_leaf(
    issuer: Issued,
    names: Sequence[str],
    *,
    client: bool = False,
    kind: KeyKind = KeyKind.P256,
    days: int = LEAF_DAYS,
    now: datetime | None = None,
) -> Issued:
    """A certificate for a server, or for a ``client``, never valid longer than its issuer.

    ``names`` are DNS names (``*`` may be the whole leftmost label), IP addresses, and mailboxes for clients.
    The first one is also the subject where it fits. Raises LocalError (BAD_NAME, BAD_INPUT).
    """
    if not names:
        raise LocalError(LocalMistake.BAD_NAME, "a certificate needs at least one name")
    alternatives = [_alternative(name, mailbox=client) for name in dict.fromkeys(names)]
    first = str(alternatives[0].value)
    subject = _subject(first) if len(first) <= _LONGEST_COMMON_NAME else x509.Name([])
    key = make_key(kind)
    use = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
    builder = (
        _certificate(subject, key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(encipher=isinstance(key, rsa.RSAPrivateKey)), critical=True)
        .add_extension(x509.ExtendedKeyUsage([use]), critical=False)
        # Critical exactly when the subject is empty (RFC 5280 section 4.2.1.6).
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=not list(subject))
    )
    return Issued(_issued(builder, issuer, days, now), key, issuer.issuers_below)


def _subject(name: str) -> x509.Name:
    try:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    except ValueError:
        text = f"{name!r}: a common name has 1 to {_LONGEST_COMMON_NAME} characters"
        raise LocalError(LocalMistake.BAD_INPUT, text) from None


def _alternative(name: str, *, mailbox: bool) -> x509.DNSName | x509.IPAddress | x509.RFC822Name:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        pass
    local, at, domain = name.rpartition("@")
    if at and mailbox and _MAILBOX.fullmatch(local):
        return x509.RFC822Name(f"{local}@{_dns_name(domain, name)}")
    star = "*." if domain.startswith("*.") and not at else ""
    return x509.DNSName(star + _dns_name(name.removeprefix(star), name))


def _dns_name(domain: str, shown: str) -> str:
    """In A-labels and lower case."""
    try:
        ascii_name = domain.encode("ascii" if domain.isascii() else "idna").decode("ascii").lower()
    except UnicodeError:
        ascii_name = ""
    ascii_name = ascii_name.removesuffix(".")
    labels = ascii_name.split(".")
    # A name whose last label is a number would be read as an IPv4 address by others.
    if len(ascii_name) > _LONGEST_NAME or not all(map(_LABEL.fullmatch, labels)) or labels[-1].isdigit():
        raise LocalError(LocalMistake.BAD_NAME, repr(shown))
    return ascii_name


def _certificate(subject: x509.Name, key: PrivateKey) -> x509.CertificateBuilder:
    public_key = key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _authority(subject: x509.Name, key: PrivateKey, path_length: int | None) -> x509.CertificateBuilder:
    return (
        _certificate(subject, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(_key_usage(authority=True), critical=True)
    )


def _key_usage(*, authority: bool = False, encipher: bool = False) -> x509.KeyUsage:
    """RFC 5280 section 4.2.1.3. RSA keys may also encipher, for TLS 1.2's key transport."""
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=encipher,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _issued(
    builder: x509.CertificateBuilder, issuer: Issued, days: int, now: datetime | None
) -> x509.Certificate:
    identifier = issuer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = builder.issuer_name(issuer.certificate.subject).add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False
    )
    return _signed(_valid(builder, days, now, issuer.certificate), issuer.key)


def _valid(
    builder: x509.CertificateBuilder,
    days: int,
    now: datetime | None,
    issuer: x509.Certificate | None = None,
) -> x509.CertificateBuilder:
    """``days`` in all, both ends counted, and never beyond the issuer's."""
    start = (now or datetime.now(UTC)).replace(microsecond=0) - _BACKDATED
    try:
        end = start + timedelta(days=days, seconds=-1)
        if issuer is not None:
            start = max(start, issuer.not_valid_before_utc)
            end = min(end, issuer.not_valid_after_utc)
        return builder.not_valid_before(start).not_valid_after(end)
    except (OverflowError, ValueError):
        text = (
            f"{days} days from {start:%Y-%m-%d} is no time span for a certificate, or its issuer is expired"
        )
        raise LocalError(LocalMistake.BAD_INPUT, text) from None


def _signed(builder: x509.CertificateBuilder, key: PrivateKey) -> x509.Certificate:
    if isinstance(key, Ed25519PrivateKey):
        return builder.sign(key, None)
    large = isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP384R1)
    return builder.sign(key, SHA384() if large else SHA256())
