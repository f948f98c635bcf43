"""The hashes of TLS 1.3's suites (RFC 8446 section B.4)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable

from attrs import define, field

from suitor.plug import HashState


@define(eq=False)
class Sha2:
    """A SHA-2 hash of the standard library; ``algorithm`` is its name there, ``digest_size`` in bytes."""

    name: str
    digest_size: int
    algorithm: str
    new: Callable[[], HashState] = field(repr=False)

    def digest(self, data: bytes) -> bytes:
        """The hash of ``data``."""
        state = self.new()
        state.update(data)
        return state.digest()

    def hmac(self, key: bytes, data: bytes) -> bytes:
        """HMAC (RFC 2104): one call into the library, the step that every HKDF is made of."""
        return hmac.digest(key, data, self.algorithm)


HASHES = (
    Sha2("SHA256", 32, "sha256", hashlib.sha256),
    Sha2("SHA384", 48, "sha384", hashlib.sha384),
    Sha2("SHA", 20, "sha1", hashlib.sha1),
)
