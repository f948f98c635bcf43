"""Record protection of TLS 1.3 (RFC 8446 sections 5.2 to 5.4). Nonces, headers and padding are made here."""

from __future__ import annotations

from cryptography.exceptions import InvalidTag

from suitor.errors import LocalError, LocalMistake, PeerMisbehaved, ProtocolError
from suitor.keys.schedule import traffic_keys
from suitor.plug.interfaces import Cipher, Hash
from suitor.record.protection import APPLICATION_DATA, MAX_PLAINTEXT, cipher_failed, prepared

MAX_CIPHERTEXT = MAX_PLAINTEXT + 256
"""TLSCiphertext.encrypted_record at most (RFC 8446 section 5.2), in bytes."""

_PROTECTED_HEADER = 0x17_0303_0000
"""opaque_type application_data, legacy_record_version 0x0303, and room for the length."""

_TYPE_BYTE = [bytes([n]) for n in range(32)]


class Sealer13:
    """One direction's write keys. With ``padding`` above 1, records are padded to a multiple of that many bytes,
    as far as the record limit allows (section 5.4)."""

    __slots__ = (
        "_encrypt_into",
        "_iv",
        "_nonce_size",
        "_padding",
        "_sequence",
        "_tag_size",
        "cipher",
        "left",
    )

    def __init__(self, cipher: Cipher, key: bytes, iv: bytes, padding: int = 0) -> None:
        self.cipher = cipher
        self._padding = padding
        self._encrypt_into = prepared(cipher, key).encrypt_into
        self._iv = int.from_bytes(iv, "big")
        self._nonce_size = cipher.nonce_size
        self._tag_size = cipher.tag_size
        self._sequence = 0
        self.left = cipher.record_limit

    @classmethod
    def of(cls, hash_: Hash, cipher: Cipher, secret: bytes, padding: int = 0) -> Sealer13:
        """With the keys of a traffic secret."""
        return cls(cipher, *traffic_keys(hash_, secret, cipher), padding)

    def size(self, content: int) -> int:
        inner = self._inner_size(content) if self._padding > 1 else content + 1
        return 5 + inner + self._tag_size

    def _inner_size(self, content: int) -> int:
        """With its type and padding."""
        return min(-(-(content + 1) // self._padding) * self._padding, MAX_PLAINTEXT + 1)

    def seal(
        self, content_type: int, content: bytes | bytearray | memoryview, out: memoryview, start: int
    ) -> int:
        """TLSInnerPlaintext is the content, its type, and zeros (section 5.4). The nonce is the IV xor the
        sequence number (section 5.3); the header is the additional data (section 5.2)."""
        if self.left <= 0:
            raise LocalError(LocalMistake.KEY_EXHAUSTED, self.cipher.name)
        inner = b"".join((content, _TYPE_BYTE[content_type]))
        if self._padding > 1:
            inner = inner.ljust(self._inner_size(len(content)), b"\0")
        size = len(inner) + self._tag_size
        header = (_PROTECTED_HEADER + size).to_bytes(5, "big")
        body = start + 5
        end = body + size
        out[start:body] = header
        nonce = (self._iv ^ self._sequence).to_bytes(self._nonce_size, "big")
        try:
            self._encrypt_into(nonce, inner, header, out[body:end])
        except Exception as error:
            raise cipher_failed(self.cipher.name, "encrypt_into", error) from error
        self._sequence += 1
        self.left -= 1
        return end


class Opener13:
    """One direction's read keys."""

    every_type = False
    most = MAX_CIPHERTEXT

    __slots__ = ("_decrypt_into", "_iv", "_nonce_size", "_sequence", "_tag_size", "cipher")

    def __init__(self, cipher: Cipher, key: bytes, iv: bytes) -> None:
        self.cipher = cipher
        self._decrypt_into = prepared(cipher, key).decrypt_into
        self._iv = int.from_bytes(iv, "big")
        self._nonce_size = cipher.nonce_size
        self._tag_size = cipher.tag_size
        self._sequence = 0

    @classmethod
    def of(cls, hash_: Hash, cipher: Cipher, secret: bytes) -> Opener13:
        """With the keys of a traffic secret."""
        return cls(cipher, *traffic_keys(hash_, secret, cipher))

    def open(
        self, content_type: int, header: memoryview, sealed: memoryview, buffer: memoryview
    ) -> tuple[int, bytes]:
        """Decrypt, and strip the padding: the last byte that is not zero is the type (section 5.4)."""
        size = len(sealed) - self._tag_size
        if size < 1:
            raise ProtocolError(PeerMisbehaved.BAD_RECORD_MAC, "shorter than its tag")
        inner = buffer[:size]
        nonce = (self._iv ^ self._sequence).to_bytes(self._nonce_size, "big")
        try:
            self._decrypt_into(nonce, sealed, header, inner)
        except InvalidTag:
            raise ProtocolError(PeerMisbehaved.BAD_RECORD_MAC) from None
        except Exception as error:
            raise cipher_failed(self.cipher.name, "decrypt_into", error) from error
        self._sequence += 1
        size -= 1
        if size > MAX_PLAINTEXT:
            raise ProtocolError(PeerMisbehaved.RECORD_OVERFLOW, f"{size} bytes of plaintext")
        if inner[size] == APPLICATION_DATA:
            return APPLICATION_DATA, bytes(inner[:size])
        content = bytes(inner).rstrip(b"\0")
        if not content:
            raise ProtocolError(PeerMisbehaved.NO_CONTENT_TYPE)
        return content[-1], content[:-1]
