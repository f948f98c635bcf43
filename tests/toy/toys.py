"""A set of toy plugins on private code points. Nothing here protects anything: XOR and checksums.

What it shows is that the core knows no algorithm: with these alone, handshakes complete.
"""

from __future__ import annotations

import os
import zlib
from typing import Any

from attrs import define, field, frozen
from cryptography.exceptions import InvalidSignature, InvalidTag

from suitor.errors import Untrusted
from suitor.plug import (
    BadCertificateData,
    BadExtension,
    BadShare,
    Credential,
    CredentialRequest,
    PeerCertificates,
    Selected,
    StageFactory,
    Suite,
    UnknownName,
    VerificationFailed,
    VerifiedPeer,
    hookimpl,
)


@frozen(eq=False)
class XorGroup:
    """The secret is the XOR of the two shares, for all to see. ``code`` is of the private range for
    elliptic curves (RFC 8446 section 4.2.7: 0xFE00 to 0xFEFF)."""

    name: str
    code: int
    size: int
    strength: int = 128
    post_quantum: bool = False

    @property
    def client_share_size(self) -> int:
        return self.size

    @property
    def server_share_size(self) -> int:
        return self.size

    def start(self) -> tuple[bytes, bytes]:
        share = os.urandom(self.size)
        return share, share

    def answer(self, client_share: bytes) -> tuple[bytes, bytes]:
        share = os.urandom(self.size)
        return share, self.finish(share, client_share)

    def finish(self, private: bytes, server_share: bytes) -> bytes:
        if not any(server_share):
            raise BadShare("all zero")
        return bytes(a ^ b for a, b in zip(private, server_share, strict=True))


@define
class CrcState:
    """A running hash of 16 bytes: CRC-32 and Adler-32 of the data, and again of what these gave."""

    data: bytearray = field(factory=bytearray)

    def update(self, data: Any, /) -> None:
        self.data += data

    def digest(self) -> bytes:
        first = zlib.crc32(self.data).to_bytes(4, "big") + zlib.adler32(self.data).to_bytes(4, "big")
        return first + zlib.crc32(first).to_bytes(4, "big") + zlib.crc32(first[::-1]).to_bytes(4, "big")

    def copy(self) -> CrcState:
        return CrcState(bytearray(self.data))


class Crc:
    """CRC-32 as if it were a hash, with HMAC as RFC 2104 makes it of any hash."""

    name = "TOYCRC"
    digest_size = 16
    _block = 64

    def new(self) -> CrcState:
        return CrcState()

    def digest(self, data: bytes) -> bytes:
        return CrcState(bytearray(data)).digest()

    def hmac(self, key: bytes, data: bytes) -> bytes:
        key = (self.digest(key) if len(key) > self._block else key).ljust(self._block, b"\0")
        inner = self.digest(bytes(k ^ 0x36 for k in key) + data)
        return self.digest(bytes(k ^ 0x5C for k in key) + inner)


@frozen
class XorKey:
    """XOR with the key and nonce repeated, and a CRC of everything behind it."""

    key: bytes

    def _mask(self, nonce: bytes, data: Any) -> bytes:
        stream = self.key + bytes(nonce)
        stream = stream * (len(data) // len(stream) + 1)
        size = len(data)
        mixed = int.from_bytes(data, "big") ^ int.from_bytes(stream[:size], "big")
        return mixed.to_bytes(size, "big")

    def _tag(self, nonce: bytes, data: Any, associated: Any) -> bytes:
        return zlib.crc32(self.key + bytes(nonce) + bytes(associated) + bytes(data)).to_bytes(4, "big")

    def encrypt_into(self, nonce: Any, data: Any, associated_data: Any, buf: Any) -> int:
        buf[:] = self._mask(nonce, data) + self._tag(nonce, data, associated_data)
        return len(buf)

    def decrypt_into(self, nonce: Any, data: Any, associated_data: Any, buf: Any) -> int:
        plain = self._mask(nonce, data[:-4])
        if self._tag(nonce, plain, associated_data) != bytes(data[-4:]):
            raise InvalidTag
        buf[:] = plain
        return len(buf)


class XorCipher:
    name = "TOYXOR"
    key_size = 7
    nonce_size = 9
    tag_size = 4
    strength = 128
    record_limit = 1000

    def key(self, key: bytes) -> XorKey:
        return XorKey(key)


class Checksum:
    """A "signature" is the CRC of key and data; private and public key are the same bytes."""

    name = "toy_checksum"
    code = 0xFE01
    strength = 128
    handshake13 = True

    def accepts(self, public_key: Any) -> bool:
        return isinstance(public_key, bytes) and len(public_key) == 8

    def sign(self, private_key: bytes, data: bytes) -> bytes:
        return Crc().hmac(private_key, data)

    def verify(self, public_key: bytes, signature: bytes, data: bytes) -> None:
        if signature != self.sign(public_key, data):
            raise InvalidSignature


class Runs:
    """Certificate compression that only knows runs of one byte."""

    name = "toy_runs"
    code = 0x4001

    def compress(self, data: bytes) -> bytes:
        out, at = bytearray(), 0
        while at < len(data):
            run = 1
            while run < 255 and data[at : at + run + 1] == data[at : at + 1] * (run + 1):
                run += 1
            out += bytes([run, data[at]])
            at += run
        return bytes(out)

    def decompress(self, data: bytes, size: int) -> bytes:
        if len(data) % 2 or sum(data[::2]) != size:
            raise BadCertificateData("runs do not add up")
        return b"".join(bytes([byte]) * run for run, byte in zip(data[::2], data[1::2], strict=True))


class Greeting:
    """An extension in which both sides say something."""

    name = "toy_greeting"
    code = 0xFE77

    def offer(self) -> bytes:
        return b"hello"

    def answer(self, offered: bytes) -> tuple[bytes, dict[str, str]]:
        if not offered.isalpha():
            raise BadExtension("not letters")
        return offered[::-1], {"heard": offered.decode()}

    def accept(self, answered: bytes) -> dict[str, str]:
        return {"heard": answered.decode()}


# --- stages: a certificate is "name:key" ------------------------------------------------------------------


def identity(name: str, padding: int = 0) -> Credential:
    key = os.urandom(4).hex().encode()
    return Credential(
        label=name, chain=(name.encode() + b":" + key + b"=" * padding,), public_key=key, private_key=key
    )


@frozen
class ToyCredentials:
    identities: tuple[Credential, ...]
    name: str = "toy"

    def select(self, request: CredentialRequest) -> Selected:
        found = [c for c in self.identities if not request.server or c.label == request.server_name]
        if not found:
            raise UnknownName(request.server_name)
        return Selected(tuple(found))


@frozen
class ToyVerification:
    name: str = "toy"

    def verify(self, peer: PeerCertificates) -> VerifiedPeer:
        name, _, key = peer.chain[0].rstrip(b"=").partition(b":")
        if peer.name is not None and name.decode() != peer.name:
            raise VerificationFailed(Untrusted.NAME_MISMATCH, name.decode())
        return VerifiedPeer(key, name.decode(), (name.decode(),), peer.chain, stage=self.name)


SMALL = XorGroup("toy_xor_small", 0xFE00, 5)
LARGE = XorGroup("toy_xor_large", 0xFE0F, 50, strength=256)
SUITE = Suite(0xFF42, "TLS_TOYXOR_TOYCRC", "", "", "TOYXOR", "TOYCRC", 0x0304, 0x0304, "N", "here")


@hookimpl
def suitor_groups() -> list[XorGroup]:
    return [SMALL, LARGE]


@hookimpl
def suitor_ciphers() -> list[XorCipher]:
    return [XorCipher()]


@hookimpl
def suitor_hashes() -> list[Crc]:
    return [Crc()]


@hookimpl
def suitor_signatures() -> list[Checksum]:
    return [Checksum()]


@hookimpl
def suitor_suites() -> list[Suite]:
    return [SUITE]


@hookimpl
def suitor_compressions() -> list[Runs]:
    return [Runs()]


@hookimpl
def suitor_extensions() -> list[Greeting]:
    return [Greeting()]


@hookimpl
def suitor_stages() -> list[StageFactory]:
    return [
        StageFactory(StageFactory.CREDENTIALS, "toy", ToyCredentials),
        StageFactory(StageFactory.VERIFICATION, "toy", ToyVerification),
    ]
