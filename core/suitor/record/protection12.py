"""Record protection of TLS 1.2 (RFC 5246 section 6.2.3): AEAD ciphers, and CBC or NULL ciphers with an HMAC."""

from __future__ import annotations

import os
from hmac import compare_digest

from cryptography.exceptions import InvalidTag

from suitor.errors import LocalError, LocalMistake, PeerMisbehaved, ProtocolError
from suitor.plug.interfaces import Cipher, Hash
from suitor.plug.tls12 import BlockCipher, BlockKey, explicit_nonce
from suitor.record.protection import MAX_PLAINTEXT, cipher_failed, prepared

MAX_CIPHERTEXT12 = MAX_PLAINTEXT + 2048
"""TLSCiphertext.fragment at most (RFC 5246 section 6.2.3), in bytes."""

_RECORD_LIMIT = 1 << 48
"""Far below the sequence number's end; TLS 1.2 has no KeyUpdate to make room."""


def _header(content_type: int, size: int) -> bytes:
    return (content_type << 32 | 0x0303 << 16 | size).to_bytes(5, "big")


class AeadSealer12:
    """RFC 5246 section 6.2.3.3. The nonce is salt and an explicit part, the sequence number (RFC 5288
    section 3), or the IV xor the sequence number with nothing explicit (RFC 7905 section 2)."""

    __slots__ = ("_encrypt_into", "_explicit", "_iv", "_sequence", "_size", "_tag_size", "left", "name")

    def __init__(self, cipher: Cipher, key: bytes, iv: bytes) -> None:
        self.name = cipher.name
        self._encrypt_into = prepared(cipher, key).encrypt_into
        self._explicit = explicit_nonce(cipher)
        self._size = cipher.nonce_size
        self._iv = int.from_bytes(iv.ljust(self._size, b"\0"), "big")
        self._tag_size = cipher.tag_size
        self._sequence = 0
        self.left = min(cipher.record_limit, _RECORD_LIMIT)

    def size(self, content: int) -> int:
        return 5 + self._explicit + content + self._tag_size

    def seal(
        self, content_type: int, content: bytes | bytearray | memoryview, out: memoryview, start: int
    ) -> int:
        if self.left <= 0:
            raise LocalError(LocalMistake.KEY_EXHAUSTED, self.name)
        sequence = self._sequence
        size = len(content)
        body = start + 5 + self._explicit
        end = body + size + self._tag_size
        out[start : start + 5] = _header(content_type, end - start - 5)
        if self._explicit:
            out[start + 5 : body] = sequence.to_bytes(self._explicit, "big")
        nonce = (self._iv ^ sequence).to_bytes(self._size, "big")
        additional = (sequence << 40 | content_type << 32 | 0x0303 << 16 | size).to_bytes(13, "big")
        try:
            self._encrypt_into(nonce, content, additional, out[body:end])
        except Exception as error:
            raise cipher_failed(self.name, "encrypt_into", error) from error
        self._sequence += 1
        self.left -= 1
        return end


class AeadOpener12:
    """The other direction of :class:`AeadSealer12`."""

    __slots__ = ("_decrypt_into", "_explicit", "_iv", "_overhead", "_sequence", "_size", "name")

    every_type = True
    most = MAX_CIPHERTEXT12

    def __init__(self, cipher: Cipher, key: bytes, iv: bytes) -> None:
        self.name = cipher.name
        self._decrypt_into = prepared(cipher, key).decrypt_into
        self._explicit = explicit_nonce(cipher)
        self._size = cipher.nonce_size
        self._iv = int.from_bytes(iv.ljust(self._size, b"\0"), "big")
        self._overhead = explicit_nonce(cipher) + cipher.tag_size
        self._sequence = 0

    def open(
        self, content_type: int, _header: memoryview, sealed: memoryview, buffer: memoryview
    ) -> tuple[int, bytes]:
        size = len(sealed) - self._overhead
        if size < 0:
            raise ProtocolError(PeerMisbehaved.BAD_RECORD_MAC, "shorter than its tag")
        sequence = self._sequence
        explicit = self._explicit
        # The peer chooses the explicit part (RFC 5288 section 3); most use the sequence number.
        counter = int.from_bytes(sealed[:explicit], "big") if explicit else sequence
        nonce = (self._iv ^ counter).to_bytes(self._size, "big")
        additional = (sequence << 40 | content_type << 32 | 0x0303 << 16 | size).to_bytes(13, "big")
        plain = buffer[:size]
        try:
            self._decrypt_into(nonce, sealed[explicit:], additional, plain)
        except InvalidTag:
            raise ProtocolError(PeerMisbehaved.BAD_RECORD_MAC) from None
        except Exception as error:
            raise cipher_failed(self.name, "decrypt_into", error) from error
        self._sequence += 1
        if size > MAX_PLAINTEXT:
            raise ProtocolError(PeerMisbehaved.RECORD_OVERFLOW, f"{size} bytes of plaintext")
        return content_type, bytes(plain)


class _Mac:
    """HMAC over sequence number, type, version, length and content (RFC 5246 section 6.2.3.1)."""

    __slots__ = ("_hash", "_key", "size")

    def __init__(self, hash_: Hash, key: bytes) -> None:
        self._hash = hash_
        self._key = key
        self.size = hash_.digest_size

    def of(self, sequence: int, content_type: int, content: bytes) -> bytes:
        head = (sequence << 40 | content_type << 32 | 0x0303 << 16 | len(content)).to_bytes(13, "big")
        return self._hash.hmac(self._key, head + content)


class BlockSealer12:
    """RFC 5246 section 6.2.3.2 with a fresh random IV for each record: MAC then encrypt, or encrypt then MAC
    (RFC 7366). A cipher with a block size of 1 byte (NULL) has neither IV nor padding (section 6.2.3.1)."""

    __slots__ = ("_block", "_encrypt_then_mac", "_key", "_mac", "_sequence", "left", "name")

    def __init__(
        self, cipher: BlockCipher, key: bytes, mac_hash: Hash, mac_key: bytes, encrypt_then_mac: bool
    ) -> None:
        self.name = cipher.name
        self._block = cipher.block_size
        self._key: BlockKey = cipher.key(key)
        self._mac = _Mac(mac_hash, mac_key)
        self._encrypt_then_mac = encrypt_then_mac and cipher.block_size > 1
        self._sequence = 0
        self.left = _RECORD_LIMIT

    def size(self, content: int) -> int:
        block = self._block
        mac = self._mac.size
        if block == 1:
            return 5 + content + mac
        inside = content if self._encrypt_then_mac else content + mac
        return 5 + block + (inside // block + 1) * block + (mac if self._encrypt_then_mac else 0)

    def seal(
        self, content_type: int, content: bytes | bytearray | memoryview, out: memoryview, start: int
    ) -> int:
        plain = bytes(content)
        if not self._encrypt_then_mac:
            plain += self._mac.of(self._sequence, content_type, plain)
        body = self._encrypt(plain)
        if self._encrypt_then_mac:
            body += self._mac.of(self._sequence, content_type, body)
        self._sequence += 1
        self.left -= 1
        end = start + 5 + len(body)
        out[start:end] = _header(content_type, len(body)) + body
        return end

    def _encrypt(self, content: bytes) -> bytes:
        block = self._block
        if block == 1:
            iv = b""
        else:
            padding = block - 1 - len(content) % block
            content += bytes([padding]) * (padding + 1)
            iv = os.urandom(block)
        try:
            return iv + self._key.encrypt(iv, content)
        except Exception as error:
            raise cipher_failed(self.name, "encrypt", error) from error


class BlockOpener12:
    """The other direction of :class:`BlockSealer12`.

    Bad padding and a bad MAC are one error, and the MAC is always computed (RFC 5246 section 6.2.3.2). The
    time that takes still varies a little with the padding (Lucky 13): Python cannot do better, so MAC-then-
    encrypt is for policies that ask for it.
    """

    __slots__ = ("_block", "_encrypt_then_mac", "_key", "_mac", "_sequence", "name")

    every_type = True
    most = MAX_CIPHERTEXT12

    def __init__(
        self, cipher: BlockCipher, key: bytes, mac_hash: Hash, mac_key: bytes, encrypt_then_mac: bool
    ) -> None:
        self.name = cipher.name
        self._block = cipher.block_size
        self._key: BlockKey = cipher.key(key)
        self._mac = _Mac(mac_hash, mac_key)
        self._encrypt_then_mac = encrypt_then_mac and cipher.block_size > 1
        self._sequence = 0

    def open(
        self, content_type: int, _header: memoryview, sealed: memoryview, _buffer: memoryview
    ) -> tuple[int, bytes]:
        body = bytes(sealed)
        if self._encrypt_then_mac:
            content = self._open_mac_first(content_type, body)
        else:
            content = self._open_mac_last(content_type, body)
        self._sequence += 1
        if len(content) > MAX_PLAINTEXT:
            raise ProtocolError(PeerMisbehaved.RECORD_OVERFLOW, f"{len(content)} bytes of plaintext")
        return content_type, content

    def _open_mac_first(self, content_type: int, body: bytes) -> bytes:
        """RFC 7366 section 3: the MAC covers IV and ciphertext, and is checked before anything is decrypted."""
        cut = len(body) - self._mac.size
        if cut < 2 * self._block:
            raise ProtocolError(PeerMisbehaved.BAD_RECORD_MAC, "shorter than its MAC")
        if not compare_digest(self._mac.of(self._sequence, content_type, body[:cut]), body[cut:]):
            raise ProtocolError(PeerMisbehaved.BAD_RECORD_MAC)
        content = self._decrypt(body[:cut])
        padding = content[-1] + 1
        if padding > len(content) or content[-padding:] != content[-1:] * padding:
            raise ProtocolError(PeerMisbehaved.BAD_RECORD_MAC)
        return content[:-padding]

    def _open_mac_last(self, content_type: int, body: bytes) -> bytes:
        mac_size = self._mac.size
        if self._block == 1:
            if len(body) < mac_size:
                raise ProtocolError(PeerMisbehaved.BAD_RECORD_MAC)
            content, good = self._decrypt(body), True
            padding = 0
        else:
            # A block of IV, and whole blocks that hold at least the MAC and one byte of padding.
            if len(body) < self._block + mac_size + 1:
                raise ProtocolError(PeerMisbehaved.BAD_RECORD_MAC)
            content = self._decrypt(body)
            padding = content[-1] + 1
            good = padding + mac_size <= len(content)
            if not good:
                padding = 1
            good &= compare_digest(content[-padding:], content[-1:] * padding)
            if not good:
                padding = 1
        cut = len(content) - padding - mac_size
        mac = self._mac.of(self._sequence, content_type, content[:cut])
        good &= compare_digest(mac, content[cut : cut + mac_size])
        if not good:
            raise ProtocolError(PeerMisbehaved.BAD_RECORD_MAC)
        return content[:cut]

    def _decrypt(self, body: bytes) -> bytes:
        block = self._block if self._block > 1 else 0
        iv, content = body[:block], body[block:]
        if block and (not content or len(content) % block):
            raise ProtocolError(PeerMisbehaved.BAD_RECORD_MAC, "not whole blocks")
        try:
            return self._key.decrypt(iv, content)
        except Exception as error:
            raise cipher_failed(self.name, "decrypt", error) from error
