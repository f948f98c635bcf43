"""What protects records in any version: the contract of sealers and openers, and the record's numbers."""

from __future__ import annotations

from typing import Protocol

from suitor.errors import LocalError, LocalMistake
from suitor.plug.interfaces import Cipher, CipherKey

CHANGE_CIPHER_SPEC = 20
ALERT = 21
HANDSHAKE = 22
APPLICATION_DATA = 23

MAX_PLAINTEXT = 16_384
"""TLSPlaintext.fragment at most (RFC 8446 section 5.1), in bytes."""


class Sealer(Protocol):
    """One direction's write keys. ``left`` counts the records that the key may still protect."""

    left: int

    def size(self, content: int) -> int:
        """The whole record's size, in bytes, for that much content."""
        ...

    def seal(
        self, content_type: int, content: bytes | bytearray | memoryview, out: memoryview, start: int
    ) -> int:
        """Write one record to ``out`` from ``start`` on; return where it ends."""
        ...


class Opener(Protocol):
    """One direction's read keys.

    ``every_type``: records of all types are protected (TLS 1.2), not those alone that say application data.
    ``most`` is the largest body of a protected record, in bytes.
    """

    every_type: bool
    most: int

    def open(
        self, content_type: int, header: memoryview, sealed: memoryview, buffer: memoryview
    ) -> tuple[int, bytes]:
        """A record's body, by way of ``buffer``, as (content type, content). Only success counts as a record."""
        ...


def plaintext_record(content_type: int, fragment: bytes, version: int = 0x0303) -> bytes:
    """A TLSPlaintext record (RFC 8446 section 5.1)."""
    return (content_type << 32 | version << 16 | len(fragment)).to_bytes(5, "big") + fragment


def prepared(cipher: Cipher, key: bytes) -> CipherKey:
    """A plugin's key object."""
    try:
        return cipher.key(key)
    except Exception as error:
        raise cipher_failed(cipher.name, "key", error) from error


def cipher_failed(name: str, method: str, error: Exception) -> LocalError:
    """The error for a cipher that broke its contract."""
    return LocalError(LocalMistake.PLUGIN_FAILED, f"cipher {name}, {method}: raised {type(error).__name__}")
