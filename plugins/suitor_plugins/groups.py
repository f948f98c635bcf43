"""Key-exchange groups: x25519 (RFC 7748) and the NIST curves (RFC 8446 section 4.2.8.2)."""

from __future__ import annotations

from attrs import define, field
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from suitor.plug import BadShare

_UNCOMPRESSED = 0x04
"""The only point format of TLS 1.3; the library would read compressed points as well."""


class X25519:
    """Curve25519 as a key-exchange function (RFC 7748 section 6.1, RFC 8446 section 7.4.2)."""

    name = "x25519"
    code = 0x001D
    strength = 128
    post_quantum = False
    tls12 = True
    client_share_size = 32
    server_share_size = 32

    def start(self) -> tuple[X25519PrivateKey, bytes]:
        """A fresh private key and its public value, 32 bytes."""
        private = X25519PrivateKey.generate()
        return private, private.public_key().public_bytes_raw()

    def answer(self, client_share: bytes) -> tuple[bytes, bytes]:
        """The server's public value and the secret, 32 bytes each. Raises BadShare."""
        private = X25519PrivateKey.generate()
        secret = self.finish(private, client_share)
        return private.public_key().public_bytes_raw(), secret

    def finish(self, private: X25519PrivateKey, server_share: bytes) -> bytes:
        """The secret, 32 bytes. Raises BadShare for a wrong length and for an all-zero secret."""
        try:
            return private.exchange(X25519PublicKey.from_public_bytes(server_share))
        except ValueError as error:
            raise BadShare("not an x25519 public value, or one of low order") from error


@define(eq=False)
class NistCurve:
    """ECDH on a NIST curve: shares are uncompressed points, the secret is the x coordinate, with its leading
    zeros (RFC 8446 section 7.4.2). ``curve`` is the library's; sizes are in bytes, ``strength`` in bits."""

    name: str
    code: int
    strength: int
    curve: ec.EllipticCurve = field(repr=False)
    client_share_size: int
    server_share_size: int
    post_quantum: bool = False
    tls12: bool = True

    def start(self) -> tuple[ec.EllipticCurvePrivateKey, bytes]:
        """A fresh private key and its public point."""
        private = ec.generate_private_key(self.curve)
        return private, private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def answer(self, client_share: bytes) -> tuple[bytes, bytes]:
        """The server's public point and the secret. Raises BadShare."""
        peer = self._point(client_share)
        private, share = self.start()
        return share, private.exchange(ec.ECDH(), peer)

    def finish(self, private: ec.EllipticCurvePrivateKey, server_share: bytes) -> bytes:
        """The secret. Raises BadShare for another point format, length, or a point off the curve."""
        return private.exchange(ec.ECDH(), self._point(server_share))

    def _point(self, share: bytes) -> ec.EllipticCurvePublicKey:
        if len(share) != self.client_share_size or share[0] != _UNCOMPRESSED:
            raise BadShare(f"not an uncompressed point of {self.client_share_size} bytes")
        try:
            return ec.EllipticCurvePublicKey.from_encoded_point(self.curve, share)
        except ValueError as error:
            raise BadShare(f"not a point on {self.name}") from error


GROUPS = (
    X25519(),
    NistCurve("secp256r1", 0x0017, 128, ec.SECP256R1(), 65, 65),
    NistCurve("secp384r1", 0x0018, 192, ec.SECP384R1(), 97, 97),
)
