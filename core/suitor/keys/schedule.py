"""HKDF and the key schedule of TLS 1.3 (RFC 8446 section 7), one HMAC a step."""

from __future__ import annotations

from functools import lru_cache

from suitor.plug.interfaces import Cipher, Hash


@lru_cache(maxsize=256)
def _label_head(label: bytes, length: int, context_size: int) -> bytes:
    """The constant front of an HkdfLabel (RFC 8446 section 7.1): all of it but the context."""
    full = b"tls13 " + label
    return length.to_bytes(2, "big") + len(full).to_bytes(1, "big") + full + context_size.to_bytes(1, "big")


def hkdf_expand(hash_: Hash, secret: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand (RFC 5869 section 2.3). ``length`` in bytes, at most 255 digests."""
    block = hash_.hmac(secret, info + b"\x01")
    if length <= hash_.digest_size:
        return block[:length]
    out = block
    count = 1
    while len(out) < length:
        count += 1
        block = hash_.hmac(secret, block + info + count.to_bytes(1, "big"))
        out += block
    return out[:length]


def expand_label(hash_: Hash, secret: bytes, label: bytes, context: bytes, length: int) -> bytes:
    """HKDF-Expand-Label (RFC 8446 section 7.1)."""
    return hkdf_expand(hash_, secret, _label_head(label, length, len(context)) + context, length)


def derive_secret(hash_: Hash, secret: bytes, label: bytes, transcript: bytes) -> bytes:
    """Derive-Secret (RFC 8446 section 7.1), given the transcript's hash."""
    return expand_label(hash_, secret, label, transcript, hash_.digest_size)


@lru_cache(maxsize=64)
def _handshake_salt(hash_: Hash) -> bytes:
    """Derive-Secret(Early Secret, "derived", ""): without a PSK a constant of the hash."""
    zeros = bytes(hash_.digest_size)
    return derive_secret(hash_, hash_.hmac(zeros, zeros), b"derived", hash_.digest(b""))


def traffic_keys(hash_: Hash, secret: bytes, cipher: Cipher) -> tuple[bytes, bytes]:
    """One direction's key and IV for the record layer (RFC 8446 section 7.3)."""
    return (
        expand_label(hash_, secret, b"key", b"", cipher.key_size),
        expand_label(hash_, secret, b"iv", b"", cipher.nonce_size),
    )


def finished_data(hash_: Hash, base_secret: bytes, transcript: bytes) -> bytes:
    """verify_data of Finished (RFC 8446 section 4.4.4)."""
    key = expand_label(hash_, base_secret, b"finished", b"", hash_.digest_size)
    return hash_.hmac(key, transcript)


def next_traffic_secret(hash_: Hash, secret: bytes) -> bytes:
    """application_traffic_secret_N+1 (RFC 8446 section 7.2)."""
    return expand_label(hash_, secret, b"traffic upd", b"", hash_.digest_size)


def export(hash_: Hash, exporter_secret: bytes, label: bytes, context: bytes, length: int) -> bytes:
    """TLS-Exporter (RFC 8446 section 7.5)."""
    secret = derive_secret(hash_, exporter_secret, label, hash_.digest(b""))
    return expand_label(hash_, secret, b"exporter", hash_.digest(context), length)


class KeySchedule:
    """The ladder of secrets from (EC)DHE to application data, without a PSK (RFC 8446 section 7.1)."""

    __slots__ = ("_handshake", "_hash")

    def __init__(self, hash_: Hash, shared_secret: bytes) -> None:
        self._hash = hash_
        self._handshake = hash_.hmac(_handshake_salt(hash_), shared_secret)

    def handshake_traffic(self, transcript: bytes) -> tuple[bytes, bytes]:
        """(client, server) handshake traffic secrets; the transcript ends with ServerHello."""
        secret = self._handshake
        return (
            derive_secret(self._hash, secret, b"c hs traffic", transcript),
            derive_secret(self._hash, secret, b"s hs traffic", transcript),
        )

    def application_traffic(self, transcript: bytes) -> tuple[bytes, bytes, bytes]:
        """(client, server, exporter) secrets; the transcript ends with the server's Finished."""
        hash_ = self._hash
        salt = derive_secret(hash_, self._handshake, b"derived", hash_.digest(b""))
        master = hash_.hmac(salt, bytes(hash_.digest_size))
        return (
            derive_secret(hash_, master, b"c ap traffic", transcript),
            derive_secret(hash_, master, b"s ap traffic", transcript),
            derive_secret(hash_, master, b"exp master", transcript),
        )
