"""CBC ciphers of TLS 1.2 (RFC 5246 section 6.2.3.2): padding and MAC are the record layer's."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field, frozen
from cryptography.hazmat.decrepit.ciphers.algorithms import SEED, Camellia, TripleDES
from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, Cipher, CipherAlgorithm
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC


@frozen(eq=False)
class CbcKey:
    """A key of the library, chained from the IV of each record."""

    algorithm: CipherAlgorithm = field(repr=False)

    def encrypt(self, iv: bytes, data: bytes) -> bytes:
        return Cipher(self.algorithm, CBC(iv)).encryptor().update(data)

    def decrypt(self, iv: bytes, data: bytes) -> bytes:
        return Cipher(self.algorithm, CBC(iv)).decryptor().update(data)


@define(eq=False)
class Cbc:
    """A block cipher of the library in CBC mode."""

    name: str
    key_size: int
    block_size: int
    strength: int
    algorithm: Callable[[bytes], BlockCipherAlgorithm] = field(repr=False)

    def key(self, key: bytes) -> CbcKey:
        return CbcKey(self.algorithm(key))


BLOCK_CIPHERS = (
    Cbc("AES_128_CBC", 16, 16, 128, AES),
    Cbc("AES_256_CBC", 32, 16, 256, AES),
)

DECREPIT_BLOCK_CIPHERS = (
    Cbc("3DES_EDE_CBC", 24, 8, 112, TripleDES),
    Cbc("CAMELLIA_128_CBC", 16, 16, 128, Camellia),
    Cbc("CAMELLIA_256_CBC", 32, 16, 256, Camellia),
    Cbc("SEED_CBC", 16, 16, 128, SEED),
)
"""Named in no preset: a policy must ask for each suite."""
