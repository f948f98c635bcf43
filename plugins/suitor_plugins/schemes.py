"""Which TLS signature scheme a certificate is signed with (RFC 8446 section 4.2.3)."""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.oid import SignatureAlgorithmOID as Oid

_BY_OID = {
    Oid.RSA_WITH_SHA1: 0x0201,
    Oid.RSA_WITH_SHA256: 0x0401,
    Oid.RSA_WITH_SHA384: 0x0501,
    Oid.RSA_WITH_SHA512: 0x0601,
    Oid.ECDSA_WITH_SHA1: 0x0203,
    Oid.ECDSA_WITH_SHA256: 0x0403,
    Oid.ECDSA_WITH_SHA384: 0x0503,
    Oid.ECDSA_WITH_SHA512: 0x0603,
    Oid.ED25519: 0x0807,
    Oid.ED448: 0x0808,
    Oid.ML_DSA_44: 0x0904,
    Oid.ML_DSA_65: 0x0905,
    Oid.ML_DSA_87: 0x0906,
}

_PSS_BY_HASH = {"sha256": 0x0804, "sha384": 0x0805, "sha512": 0x0806}


def certificate_scheme(certificate: x509.Certificate) -> int | None:
    """The scheme's code, or None for an algorithm without one.

    For ECDSA the hash alone decides, because the issuer's curve does not stand in the certificate; and PSS is
    taken for the kind with rsaEncryption keys.
    """
    oid = certificate.signature_algorithm_oid
    if oid != Oid.RSASSA_PSS:
        return _BY_OID.get(oid)
    try:
        algorithm = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return None
    return None if algorithm is None else _PSS_BY_HASH.get(algorithm.name)
