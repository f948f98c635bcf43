"""The AEAD ciphers of TLS 1.3's mandatory and recommended suites (RFC 8446 sections 9.1 and B.4)."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from suitor.plug import CipherKey

_GCM_RECORDS = 1 << 24
"""RFC 8446 section 5.5 allows 2^24.5 full-size records under one AES-GCM key."""

_CHACHA_RECORDS = 1 << 48
"""RFC 8446 section 5.5: the sequence number would wrap first; this is far below, and never met."""


@define(eq=False)
class Aead:
    """A cipher of the library, whose key objects are handed out as they are. ``key`` makes one."""

    name: str
    key_size: int
    strength: int
    record_limit: int
    key: Callable[[bytes], CipherKey] = field(repr=False)
    nonce_size: int = 12
    tag_size: int = 16
    explicit_nonce: int = 8


CIPHERS = (
    Aead("AES_128_GCM", 16, 128, _GCM_RECORDS, AESGCM),
    Aead("AES_256_GCM", 32, 256, _GCM_RECORDS, AESGCM),
    Aead("CHACHA20_POLY1305", 32, 256, _CHACHA_RECORDS, ChaCha20Poly1305, explicit_nonce=0),
)
