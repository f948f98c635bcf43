"""The named policies. Each is a superset of the one before it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from suitor.policy.model import Policy

# Of the three suites that RFC 8446 section 9.1 asks for, the mandatory one leads: nearly every processor has
# instructions for AES, and a 128-bit key is no weaker a link than x25519 or P-256 while costing less than 256
# bits. ChaCha20 is for processors without AES: clients there list it first, and a server whose preference is
# the client's follows them.
_SUITES_13 = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")

# What is recorded today can be decrypted once quantum computers exist, so hybrids lead (RFC 10024). Pure
# ML-KEM is left out: it has no second leg to stand on.
_GROUPS = (
    "X25519MLKEM768",
    "SecP256r1MLKEM768",
    "SecP384r1MLKEM1024",
    "x25519",
    "secp256r1",
    "secp384r1",
    "x448",
    "secp521r1",
)

# Signatures protect only the handshake under way, so small classical ones may lead; ML-DSA serves those who
# hold such a certificate and nothing else.
_SIGNATURES = (
    "ecdsa_secp256r1_sha256",
    "ed25519",
    "ecdsa_secp384r1_sha384",
    "ecdsa_secp521r1_sha512",
    "ed448",
    "rsa_pss_rsae_sha256",
    "rsa_pss_rsae_sha384",
    "rsa_pss_rsae_sha512",
    "rsa_pss_pss_sha256",
    "rsa_pss_pss_sha384",
    "rsa_pss_pss_sha512",
    "mldsa44",
    "mldsa65",
    "mldsa87",
)

# PKCS #1 v1.5 signs most certificates in use, and TLS 1.2 handshakes (RFC 8446 section 4.2.3).
_PKCS1 = ("rsa_pkcs1_sha256", "rsa_pkcs1_sha384", "rsa_pkcs1_sha512")

MODERN = Policy(
    name="modern",
    versions=("TLSv1.3",),
    suites=_SUITES_13,
    groups=_GROUPS,
    signatures=_SIGNATURES,
    certificate_signatures=_SIGNATURES + _PKCS1,
    minimum_cipher=128,
)
"""TLS 1.3 only, hybrid post-quantum key exchange first."""

# RFC 9325 section 4.2 recommends the GCM suites with ephemeral ECDH; RFC 7905 adds ChaCha20.
_SUITES_12 = (
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
)

COMPATIBLE = Policy(
    name="compatible",
    versions=("TLSv1.3", "TLSv1.2"),
    suites=(*_SUITES_13, "TLS_AES_128_CCM_SHA256", *_SUITES_12),
    groups=_GROUPS,
    signatures=_SIGNATURES + _PKCS1,
    certificate_signatures=_SIGNATURES + _PKCS1,
    minimum_cipher=128,
)
"""TLS 1.3 and what RFC 9325 and RFC 10015 leave of TLS 1.2: ephemeral ECDH with AEAD ciphers."""

# For peers that know nothing better, and discouraged (RFC 10015): forward secrecy before RSA transport, AEAD
# before CBC. No NULL, export, anonymous, RC4 or 64-bit-block suite.
_SUITES_OLD = (
    "TLS_ECDHE_ECDSA_WITH_AES_128_CCM",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CCM",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_DHE_RSA_WITH_AES_128_CCM",
    "TLS_DHE_RSA_WITH_AES_256_CCM",
    "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256",
    "TLS_DHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_DHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_RSA_WITH_AES_128_CCM",
    "TLS_RSA_WITH_AES_256_CCM",
    "TLS_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_RSA_WITH_AES_256_CBC_SHA256",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
)

LEGACY = Policy(
    name="legacy",
    versions=("TLSv1.3", "TLSv1.2"),
    suites=(*COMPATIBLE.suites, *_SUITES_OLD),
    groups=(*_GROUPS, "ffdhe2048", "ffdhe3072", "ffdhe4096"),
    signatures=_SIGNATURES + _PKCS1,
    certificate_signatures=_SIGNATURES + _PKCS1,
    minimum_cipher=112,
    extended_master_secret=False,
)
"""The rest of TLS 1.2 that is not broken outright: CBC, finite-field Diffie-Hellman, RSA key transport."""

PRESETS: Mapping[str, Policy] = MappingProxyType(
    {policy.name: policy for policy in (MODERN, COMPATIBLE, LEGACY)}
)
"""By name, the strictest first."""
