"""Signature schemes: ECDSA, RSASSA-PSS, Ed25519; PKCS #1 v1.5 in certificates (RFC 8446 section 4.2.3)."""

from __future__ import annotations

from typing import Any

from attrs import define, field
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_RSA_SMALLEST = 2048
"""Bits. The floor of the web's PKI, and room for the largest PSS encoding here: 64 + 64 + 2 bytes."""

_RSA_LARGEST = 8192
"""Bits. A larger key only makes verifying it expensive for us."""

_RSA_STRENGTH = 112
"""Bits of security of the smallest key accepted (NIST SP 800-57 part 1, table 2), whatever the hash."""


@define(eq=False)
class Ecdsa:
    """ECDSA with the one curve and hash that a TLS 1.3 scheme names; signatures are DER."""

    name: str
    code: int
    strength: int
    curve: type[ec.EllipticCurve] = field(repr=False)
    algorithm: ec.ECDSA = field(repr=False)
    handshake13: bool = True
    auth12: str = "ECDSA"

    def accepts(self, public_key: Any) -> bool:
        return isinstance(public_key, ec.EllipticCurvePublicKey) and isinstance(public_key.curve, self.curve)

    def accepts12(self, public_key: Any) -> bool:
        return isinstance(public_key, ec.EllipticCurvePublicKey) and public_key.curve.key_size >= 256

    def sign(self, private_key: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
        return private_key.sign(data, self.algorithm)

    def verify(self, public_key: ec.EllipticCurvePublicKey, signature: bytes, data: bytes) -> None:
        public_key.verify(signature, data, self.algorithm)


@define(eq=False)
class Rsa:
    """RSA with one padding and hash, for keys of 2048 to 8192 bits."""

    name: str
    code: int
    padding: padding.AsymmetricPadding = field(repr=False)
    algorithm: hashes.HashAlgorithm = field(repr=False)
    handshake13: bool
    strength: int = _RSA_STRENGTH
    auth12: str = "RSA"

    def accepts(self, public_key: Any) -> bool:
        return (
            isinstance(public_key, rsa.RSAPublicKey) and _RSA_SMALLEST <= public_key.key_size <= _RSA_LARGEST
        )

    accepts12 = accepts

    def sign(self, private_key: rsa.RSAPrivateKey, data: bytes) -> bytes:
        return private_key.sign(data, self.padding, self.algorithm)

    def verify(self, public_key: rsa.RSAPublicKey, signature: bytes, data: bytes) -> None:
        public_key.verify(signature, data, self.padding, self.algorithm)


class Ed25519:
    """EdDSA on Curve25519 without pre-hashing (RFC 8032); signatures are 64 bytes."""

    name = "ed25519"
    code = 0x0807
    strength = 128
    handshake13 = True
    auth12 = "ECDSA"

    def accepts(self, public_key: Any) -> bool:
        return isinstance(public_key, Ed25519PublicKey)

    accepts12 = accepts

    def sign(self, private_key: Ed25519PrivateKey, data: bytes) -> bytes:
        return private_key.sign(data)

    def verify(self, public_key: Ed25519PublicKey, signature: bytes, data: bytes) -> None:
        public_key.verify(signature, data)


def _pss(bits: int, code: int, algorithm: hashes.HashAlgorithm) -> Rsa:
    """The salt is as long as the digest (RFC 8446 section 4.2.3)."""
    pss = padding.PSS(padding.MGF1(algorithm), algorithm.digest_size)
    return Rsa(f"rsa_pss_rsae_sha{bits}", code, pss, algorithm, handshake13=True)


def _pkcs1(bits: int, code: int, algorithm: hashes.HashAlgorithm) -> Rsa:
    """For signatures inside certificates alone (RFC 8446 section 4.2.3)."""
    return Rsa(f"rsa_pkcs1_sha{bits}", code, padding.PKCS1v15(), algorithm, handshake13=False)


SIGNATURES = (
    Ecdsa("ecdsa_secp256r1_sha256", 0x0403, 128, ec.SECP256R1, ec.ECDSA(hashes.SHA256())),
    Ecdsa("ecdsa_secp384r1_sha384", 0x0503, 192, ec.SECP384R1, ec.ECDSA(hashes.SHA384())),
    Ed25519(),
    _pss(256, 0x0804, hashes.SHA256()),
    _pss(384, 0x0805, hashes.SHA384()),
    _pss(512, 0x0806, hashes.SHA512()),
    _pkcs1(256, 0x0401, hashes.SHA256()),
    _pkcs1(384, 0x0501, hashes.SHA384()),
    _pkcs1(512, 0x0601, hashes.SHA512()),
)
