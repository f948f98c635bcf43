"""Key exchanges of TLS 1.2: RSA key transport (RFC 5246), ECDHE (RFC 8422), DHE (RFC 5246, RFC 7919)."""

from __future__ import annotations

import os
import warnings
from hmac import compare_digest
from typing import Any

from cryptography.hazmat.primitives.asymmetric import dh, padding
from cryptography.utils import CryptographyDeprecationWarning

from suitor.plug import BadShare, Exchange12
from suitor_plugins.ffdhe import CODES, prime

_NAMED_CURVE = 3
"""ECCurveType named_curve (RFC 8422 section 5.4): the only one left."""

_PREMASTER = 48
"""Bytes of an RSA premaster secret (RFC 5246 section 7.4.7.1)."""


class Rsa12:
    """RSA key transport (RFC 5246 section 7.4.7.1): no forward secrecy, and discouraged by RFC 10015.

    The server's side is one path for every content: a fallback secret is drawn before the decryption, and
    taken whenever padding, length or version are not right, so that only Finished tells (Bleichenbacher,
    ROBOT). What the library's own decryption leaks in time, Python cannot take back.
    """

    name = "RSA"
    has_parameters = False
    group_kind = ""
    forward_secret = False

    def parameters(self, exchange: Exchange12) -> tuple[Any, bytes]:
        return None, b""

    def parameters_size(self, body: bytes) -> int:
        return 0

    def group_of(self, parameters: bytes) -> int | None:
        return None

    def answer(self, parameters: bytes, exchange: Exchange12) -> tuple[bytes, bytes]:
        premaster = exchange.client_version + os.urandom(_PREMASTER - 2)
        sealed: bytes = exchange.public_key.encrypt(premaster, padding.PKCS1v15())
        return len(sealed).to_bytes(2, "big") + sealed, premaster

    def finish(self, private: Any, message: bytes, exchange: Exchange12) -> bytes:
        fallback = os.urandom(_PREMASTER)
        size = len(message) - 2
        try:
            found: bytes = exchange.private_key.decrypt(message[2:], padding.PKCS1v15())
        except ValueError:
            found = b""
        # Length of the vector, length of the secret and version are compared as one; the choice is an index.
        padded = found.ljust(_PREMASTER, b"\0")[:_PREMASTER]
        got = message[:2] + len(found).to_bytes(2, "big") + padded[:2]
        wanted = (size & 0xFFFF).to_bytes(2, "big") + _PREMASTER.to_bytes(2, "big") + exchange.client_version
        return (fallback, padded)[compare_digest(got, wanted)]


class Ecdhe12:
    """ECDHE over the installed groups (RFC 8422 sections 5.4 and 5.7)."""

    name = "ECDHE"
    has_parameters = True
    group_kind = "ecdhe"
    forward_secret = True

    def parameters(self, exchange: Exchange12) -> tuple[Any, bytes]:
        group = next(iter(exchange.groups.values()))
        private, share = group.start()
        head = bytes([_NAMED_CURVE]) + group.code.to_bytes(2, "big") + bytes([len(share)])
        return (group, private), head + share

    def parameters_size(self, body: bytes) -> int:
        if len(body) < 4 or len(body) < 4 + body[3]:
            raise BadShare("ECDHE parameters end early")
        return 4 + body[3]

    def group_of(self, parameters: bytes) -> int | None:
        return int.from_bytes(parameters[1:3], "big")

    def answer(self, parameters: bytes, exchange: Exchange12) -> tuple[bytes, bytes]:
        code = int.from_bytes(parameters[1:3], "big")
        if parameters[0] != _NAMED_CURVE or code not in exchange.groups:
            raise BadShare(f"group 0x{code:04x} was not offered")
        share, secret = exchange.groups[code].answer(parameters[4:])
        return bytes([len(share)]) + share, secret

    def finish(self, private: Any, message: bytes, exchange: Exchange12) -> bytes:
        if not message or len(message) != 1 + message[0] or not message[0]:
            raise BadShare("ClientKeyExchange has the wrong length")
        group, secret = private
        return bytes(group.finish(secret, message[1:]))


class Dhe12:
    """Finite-field DHE (RFC 5246 section 7.4.3): the server takes a group of RFC 7919; the client takes any
    group of 2048 to 8192 bits. Discouraged by RFC 10015."""

    name = "DHE"
    has_parameters = True
    group_kind = "ffdhe"
    forward_secret = True

    smallest = 2048
    largest = 8192
    """Bits of a prime that a client takes."""

    def parameters(self, exchange: Exchange12) -> tuple[Any, bytes]:
        p = prime(next((code for code in exchange.groups if code in CODES), CODES[0]))
        private = _generate(p, 2)
        public = private.public_key().public_numbers().y
        return private, _vec(_number(p)) + _vec(b"\x02") + _vec(_number(public))

    def parameters_size(self, body: bytes) -> int:
        end = 0
        for _ in range(3):
            if end + 2 > len(body):
                raise BadShare("DHE parameters end early")
            end += 2 + int.from_bytes(body[end : end + 2], "big")
        if end > len(body):
            raise BadShare("DHE parameters end early")
        return end

    def group_of(self, parameters: bytes) -> int | None:
        """A prime of RFC 7919 is shown by no name, for the parameters carry none."""
        return None

    def answer(self, parameters: bytes, exchange: Exchange12) -> tuple[bytes, bytes]:
        p, g, public = _split(parameters)
        if not self.smallest <= p.bit_length() <= self.largest or not p & 1:
            raise BadShare(f"a prime of {p.bit_length()} bits")
        if not 1 < g < p - 1:
            raise BadShare("the generator is out of range")
        private = _generate(p, g)
        secret = _exchange(private, public)
        return _vec(_number(private.public_key().public_numbers().y)), secret

    def finish(self, private: dh.DHPrivateKey, message: bytes, exchange: Exchange12) -> bytes:
        if len(message) < 3 or len(message) != 2 + int.from_bytes(message[:2], "big"):
            raise BadShare("ClientKeyExchange has the wrong length")
        return _exchange(private, int.from_bytes(message[2:], "big"))


def _number(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def _vec(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data


def _split(parameters: bytes) -> tuple[int, int, int]:
    numbers = []
    rest = parameters
    while rest:
        size = int.from_bytes(rest[:2], "big")
        numbers.append(int.from_bytes(rest[2 : 2 + size], "big"))
        rest = rest[2 + size :]
    p, g, public = numbers
    return p, g, public


def _generate(p: int, g: int) -> dh.DHPrivateKey:
    with warnings.catch_warnings():
        # The library announces the end of finite-field DH; until then there is nothing for a user to do.
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        try:
            return dh.DHParameterNumbers(p, g).parameters().generate_private_key()
        except ValueError as error:
            raise BadShare("not a usable group") from error


def _exchange(private: dh.DHPrivateKey, public: int) -> bytes:
    """The secret without its leading zeros (RFC 5246 section 8.1.2)."""
    numbers = private.parameters().parameter_numbers()
    if not 1 < public < numbers.p - 1:
        raise BadShare("the public value is out of range")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        try:
            secret = private.exchange(dh.DHPublicNumbers(public, numbers).public_key())
        except ValueError as error:
            raise BadShare("not a usable public value") from error
    return secret.lstrip(b"\0")


EXCHANGES = (Rsa12(), Ecdhe12(), Dhe12())
