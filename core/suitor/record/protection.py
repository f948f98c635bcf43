"""Protecting and opening records (RFC 8446 sections 5.2 to 5.4). Nonces, headers and padding are made here."""

from __future__ import annotations

from cryptography.exceptions import InvalidTag

from suitor.errors import LocalError, LocalMistake, PeerMisbehaved, ProtocolError
from suitor.plug.interfaces import Cipher, CipherKey

CHANGE_CIPHER_SPEC = 20
ALERT = 21
HANDSHAKE = 22
APPLICATION_DATA = 23

MAX_PLAINTEXT = 16_384
"""TLSPlaintext.fragment at most (RFC 8446 section 5.1), in bytes."""

MAX_CIPHERTEXT = MAX_PLAINTEXT + 256
"""TLSCiphertext.encrypted_record at most (RFC 8446 section 5.2), in bytes."""

_PROTECTED_HEADER = 0x17_0303_0000
"""opaque_type application_data, legacy_record_version 0x0303, and room for the length."""


def plaintext_record(content_type: int, fragment: bytes, version: int = 0x0303) -> bytes:
    """A TLSPlaintext record (RFC 8446 section 5.1)."""
    return (content_type << 32 | version << 16 | len(fragment)).to_bytes(5, "big") + fragment


def _prepared(cipher: Cipher, key: bytes) -> CipherKey:
    try:
        return cipher.key(key)
    except Exception as error:
        raise LocalError(
            LocalMistake.PLUGIN_FAILED, f"cipher {cipher.name}, key: raised {type(error).__name__}"
        ) from error


class Sealer:
    """One direction's write keys. ``left`` counts the records that the key may still protect; ``overhead`` is
    what a record is longer than its inner plaintext, in bytes."""

    __slots__ = (
        "_encrypt_into",
        "_iv",
        "_nonce_size",
        "_sequence",
        "_tag_size",
        "cipher",
        "left",
        "overhead",
    )

    def __init__(self, cipher: Cipher, key: bytes, iv: bytes) -> None:
        self.cipher = cipher
        self._encrypt_into = _prepared(cipher, key).encrypt_into
        self._iv = int.from_bytes(iv, "big")
        self._nonce_size = cipher.nonce_size
        self._tag_size = cipher.tag_size
        self._sequence = 0
        self.overhead = 5 + cipher.tag_size
        self.left = cipher.record_limit

    def seal(self, inner: bytes, out: memoryview, start: int) -> int:
        """Write the record for TLSInnerPlaintext ``inner`` to ``out`` from ``start`` on; return where it ends.

        The per-record nonce is the IV xor the sequence number (section 5.3); the header is the additional
        data (section 5.2).
        """
        if self.left <= 0:
            raise LocalError(LocalMistake.KEY_EXHAUSTED, self.cipher.name)
        size = len(inner) + self._tag_size
        header = (_PROTECTED_HEADER + size).to_bytes(5, "big")
        body = start + 5
        end = body + size
        out[start:body] = header
        nonce = (self._iv ^ self._sequence).to_bytes(self._nonce_size, "big")
        try:
            self._encrypt_into(nonce, inner, header, out[body:end])
        except Exception as error:
            raise LocalError(
                LocalMistake.PLUGIN_FAILED,
                f"cipher {self.cipher.name}, encrypt_into: raised {type(error).__name__}",
            ) from error
        self._sequence += 1
        self.left -= 1
        return end


class Opener:
    """One direction's read keys."""

    __slots__ = ("_decrypt_into", "_iv", "_nonce_size", "_sequence", "_tag_size", "cipher")

    def __init__(self, cipher: Cipher, key: bytes, iv: bytes) -> None:
        self.cipher = cipher
        self._decrypt_into = _prepared(cipher, key).decrypt_into
        self._iv = int.from_bytes(iv, "big")
        self._nonce_size = cipher.nonce_size
        self._tag_size = cipher.tag_size
        self._sequence = 0

    def open(self, header: memoryview, sealed: memoryview, buffer: bytearray) -> tuple[int, bytes]:
        """Decrypt a record's body by way of ``buffer`` to (content type, content). The sequence moves on
        success only. Padding is stripped: the last byte that is not zero is the type (section 5.4)."""
        size = len(sealed) - self._tag_size
        if size < 1:
            raise ProtocolError(PeerMisbehaved.BAD_RECORD_MAC, "shorter than its tag")
        inner = memoryview(buffer)[:size]
        nonce = (self._iv ^ self._sequence).to_bytes(self._nonce_size, "big")
        try:
            self._decrypt_into(nonce, sealed, header, inner)
        except InvalidTag:
            raise ProtocolError(PeerMisbehaved.BAD_RECORD_MAC) from None
        except Exception as error:
            raise LocalError(
                LocalMistake.PLUGIN_FAILED,
                f"cipher {self.cipher.name}, decrypt_into: raised {type(error).__name__}",
            ) from error
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
