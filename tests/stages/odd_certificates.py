"""Certificates for the tests of verification stages: good ones, and ones with any extensions one likes."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from suitor.cli.pki import Issued, make_intermediate, make_leaf, make_root
from suitor.errors import Untrusted
from suitor.plug import PeerCertificates, PeerVerification, VerificationFailed, VerifiedPeer
from suitor_plugins.verification import PrivateVerification, WebVerification

NOW = datetime.now(UTC).replace(microsecond=0)
NAME = "example.com"
NAMES = (NAME, "*.example.net", "192.0.2.1", "2001:db8::1")

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey
Extension = tuple[x509.ExtensionType, bool]
BOTH = [WebVerification, PrivateVerification]
Stage = Callable[..., PeerVerification]


def peer(*chain: x509.Certificate, name: str | None = NAME, server: bool = True) -> PeerCertificates:
    return PeerCertificates(tuple(c.public_bytes(Encoding.DER) for c in chain), name, server)


def refusal(stage: PeerVerification, presented: PeerCertificates) -> tuple[Untrusted, str]:
    with pytest.raises(VerificationFailed) as caught:
        stage.verify(presented)
    assert caught.value.detail
    return caught.value.reason, caught.value.detail


def verified(stage: PeerVerification, presented: PeerCertificates) -> VerifiedPeer:
    answer = stage.verify(presented)
    assert isinstance(answer, VerifiedPeer)
    return answer


ROOT = make_root()
INTERMEDIATE = make_intermediate(ROOT)
LEAF = make_leaf(INTERMEDIATE, NAMES)


def odd(
    subject: str = "odd",
    *,
    issuer: Issued | None = None,
    extensions: Sequence[Extension] = (),
    key: Key | None = None,
    days: int = 30,
) -> Issued:
    """A certificate with just these extensions; key identifiers are filled in for the keys at hand."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    signer: Key = issuer.key if issuer else key
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.certificate.subject if issuer else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=days))
    )
    for extension, critical in extensions:
        if isinstance(extension, x509.SubjectKeyIdentifier):
            extension = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        elif isinstance(extension, x509.AuthorityKeyIdentifier):
            extension = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        builder = builder.add_extension(extension, critical)
    if isinstance(signer, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey):
        certificate = builder.sign(signer, None)
    else:
        certificate = builder.sign(signer, SHA256())
    return Issued(certificate, cast(Any, key), issuer.issuers_below if issuer else ())


def usage(*, key_cert_sign: bool = False, crl_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(not key_cert_sign, False, False, False, False, key_cert_sign, crl_sign, False, False)


def uses(*oids: x509.ObjectIdentifier) -> x509.ExtendedKeyUsage:
    return x509.ExtendedKeyUsage(oids or [ExtendedKeyUsageOID.SERVER_AUTH])


SAN = x509.SubjectAlternativeName([x509.DNSName(NAME), x509.IPAddress(ipaddress.ip_address("192.0.2.1"))])
KEY_IDENTIFIERS: list[Extension] = [
    (x509.SubjectKeyIdentifier(b""), False),
    (x509.AuthorityKeyIdentifier(b"", None, None), False),
]
AUTHORITY: Extension = (x509.BasicConstraints(True, None), True)
SIGNS: Extension = (usage(key_cert_sign=True), True)
SERVER: list[Extension] = [(SAN, False), (uses(), False), *KEY_IDENTIFIERS]
