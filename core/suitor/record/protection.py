"""Protecting and opening records (RFC 8446 sections 5.2 to 5.4). Nonces, headers and padding are made here."""

from __future__ import annotations

from cryptography.exceptions import InvalidTag

from suitor.errors import LocalError, LocalMistake, PeerMisbehaved, ProtocolError
from suitor.plug.interfaces import Cipher

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


class Sealer:
    """One direction's write keys. ``left`` counts the records that the key may still protect."""

    __slots__ = ("_encrypt_into", "_iv", "_nonce_size", "_sequence", "_tag_size", "cipher", "left")

    def __init__(self, cipher: Cipher, key: bytes, iv: bytes) -> None:
        self.cipher = cipher
        self._encrypt_into = cipher.key(key).encrypt_into
        self._iv = int.from_bytes(iv, "big")
        self._nonce_size = cipher.nonce_size
        self._tag_size = cipher.tag_size
        self._sequence = 0
        self.left = cipher.record_limit

    def sealed_size(self, inner_size: int) -> int:
        """The whole record's size for that much inner plaintext (type and padding included), in bytes."""
        return 5 + inner_size + self._tag_size

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

    __slots__ = ("_decrypt_into", "_iv", "_nonce_size", "_sequence", "cipher", "tag_size")

    def __init__(self, cipher: Cipher, key: bytes, iv: bytes) -> None:
        self.cipher = cipher
        self._decrypt_into = cipher.key(key).decrypt_into
        self._iv = int.from_bytes(iv, "big")
        self._nonce_size = cipher.nonce_size
        self.tag_size = cipher.tag_size
        self._sequence = 0

    def open(self, header: memoryview, sealed: memoryview, out: memoryview) -> None:
        """Decrypt a record's body into ``out`` (its size less the tag); the sequence moves on success only."""
        nonce = (self._iv ^ self._sequence).to_bytes(self._nonce_size, "big")
        try:
            self._decrypt_into(nonce, sealed, header, out)
        except InvalidTag:
            raise ProtocolError(PeerMisbehaved.BAD_RECORD_MAC) from None
        except Exception as error:
            raise LocalError(
                LocalMistake.PLUGIN_FAILED,
                f"cipher {self.cipher.name}, decrypt_into: raised {type(error).__name__}",
            ) from error
        self._sequence += 1
