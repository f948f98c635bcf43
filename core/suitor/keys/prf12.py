"""The PRF of TLS 1.2 and what is made with it (RFC 5246 sections 5, 6.3, 7.4.9 and 8.1; RFC 7627; RFC 5705)."""

from __future__ import annotations

from attrs import field, frozen

from suitor.plug.interfaces import Hash

MASTER_SECRET_SIZE = 48
"""Bytes (RFC 5246 section 8.1)."""

VERIFY_DATA_SIZE = 12
"""Bytes of verify_data for every suite here (RFC 5246 section 7.4.9)."""


def prf(hash_: Hash, secret: bytes, label: bytes, seed: bytes, length: int) -> bytes:
    """P_hash of section 5 over ``label`` and ``seed``; ``length`` in bytes."""
    seed = label + seed
    a = hash_.hmac(secret, seed)
    out = hash_.hmac(secret, a + seed)
    while len(out) < length:
        a = hash_.hmac(secret, a)
        out += hash_.hmac(secret, a + seed)
    return out[:length]


def master_secret(hash_: Hash, premaster: bytes, client_random: bytes, server_random: bytes) -> bytes:
    """Section 8.1: without the extended master secret."""
    return prf(hash_, premaster, b"master secret", client_random + server_random, MASTER_SECRET_SIZE)


def extended_master_secret(hash_: Hash, premaster: bytes, session_hash: bytes) -> bytes:
    """RFC 7627 section 4: bound to the handshake up to ClientKeyExchange."""
    return prf(hash_, premaster, b"extended master secret", session_hash, MASTER_SECRET_SIZE)


@frozen
class KeyBlock:
    """Section 6.3: each side's MAC key, key and IV; empty where the cipher has none."""

    client_mac: bytes = field(repr=False)
    server_mac: bytes = field(repr=False)
    client_key: bytes = field(repr=False)
    server_key: bytes = field(repr=False)
    client_iv: bytes = field(repr=False)
    server_iv: bytes = field(repr=False)

    def half(self, by_server: bool) -> tuple[bytes, bytes, bytes]:
        """(MAC key, key, IV) of what that side writes."""
        if by_server:
            return self.server_mac, self.server_key, self.server_iv
        return self.client_mac, self.client_key, self.client_iv


def key_block(
    hash_: Hash,
    master: bytes,
    client_random: bytes,
    server_random: bytes,
    *,
    mac_size: int,
    key_size: int,
    iv_size: int,
) -> KeyBlock:
    """Sizes in bytes; ``iv_size`` is the fixed part of the nonce (an AEAD's), not CBC's explicit IV."""
    sizes = (mac_size, mac_size, key_size, key_size, iv_size, iv_size)
    block = prf(hash_, master, b"key expansion", server_random + client_random, sum(sizes))
    parts = []
    start = 0
    for size in sizes:
        parts.append(block[start : start + size])
        start += size
    return KeyBlock(*parts)


def verify_data(hash_: Hash, master: bytes, transcript: bytes, *, by_server: bool) -> bytes:
    """Finished's content (section 7.4.9)."""
    label = b"server finished" if by_server else b"client finished"
    return prf(hash_, master, label, transcript, VERIFY_DATA_SIZE)


def export12(
    hash_: Hash,
    master: bytes,
    client_random: bytes,
    server_random: bytes,
    label: bytes,
    context: bytes | None,
    length: int,
) -> bytes:
    """RFC 5705 section 4. An absent context and an empty one give different results."""
    seed = client_random + server_random
    if context is not None:
        seed += len(context).to_bytes(2, "big") + context
    return prf(hash_, master, label, seed, length)
