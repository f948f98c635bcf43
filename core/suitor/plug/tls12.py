"""The interfaces that TLS 1.2 alone needs, and what other algorithms may say about it. One that says nothing is
for TLS 1.3, and needs not know of this."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from attrs import field, frozen

from suitor.plug.interfaces import Cipher, Group, SignatureScheme


def serves_tls12(group: Group) -> bool:
    """``tls12``: whether ECDHE or DHE of TLS 1.2 may use the group (RFC 8422, RFC 7919)."""
    return getattr(group, "tls12", False) is True


def explicit_nonce(cipher: Cipher) -> int:
    """``explicit_nonce``: bytes of the nonce that each record of TLS 1.2 carries; 8 unless said (RFC 5288)."""
    size: int = getattr(cipher, "explicit_nonce", 8)
    return size


def authentication(scheme: SignatureScheme) -> str:
    """``auth12``: the word of TLS 1.2's suites that the scheme serves, empty for none."""
    word: str = getattr(scheme, "auth12", "")
    return word


def accepts12(scheme: SignatureScheme, public_key: Any) -> bool:
    """``accepts12``, or else ``accepts``: whether the scheme goes with the key in TLS 1.2."""
    accepts = getattr(scheme, "accepts12", scheme.accepts)
    return bool(accepts(public_key))


@runtime_checkable
class BlockKey(Protocol):
    """One direction's key of a block cipher in CBC mode."""

    def encrypt(self, iv: bytes, data: bytes) -> bytes:
        """Whole blocks in, as many out; ``iv`` is one block."""
        ...

    def decrypt(self, iv: bytes, data: bytes) -> bytes: ...


@runtime_checkable
class BlockCipher(Protocol):
    """A CBC cipher of TLS 1.2 (RFC 5246 section 6.2.3.2), by the name that suites call it (``AES_128_CBC``).

    Sizes are in bytes, ``strength`` in bits. A ``block_size`` of 1 says that there is neither IV nor padding
    (``NULL``). Padding, IVs and the MAC are the record layer's.
    """

    name: str
    key_size: int
    block_size: int
    strength: int

    def key(self, key: bytes) -> BlockKey:
        """Prepare a key of ``key_size`` bytes."""
        ...


@frozen
class Exchange12:
    """What a key exchange of TLS 1.2 may work with.

    ``groups`` are those that both sides accept, best first; for a client those that it offered.
    ``client_version`` is the ClientHello's, two bytes. ``public_key`` is the key of the server's certificate,
    for a client; ``private_key`` the one that belongs to it, for the server.
    """

    groups: Mapping[int, Group]
    client_version: bytes = b"\x03\x03"
    public_key: Any = field(default=None, repr=False)
    private_key: Any = field(default=None, repr=False)


@runtime_checkable
class KeyExchange12(Protocol):
    """A key exchange of TLS 1.2 by the registry's word: ``RSA``, ``DHE``, ``ECDHE`` (RFC 5246 sections 7.4.3
    and 7.4.7, RFC 8422). Signing the parameters, and mixing in a pre-shared key (RFC 4279), is the core's.

    ``has_parameters``: the server sends some. ``group_kind`` is "ecdhe" or "ffdhe" when it needs one of the
    groups, else "". ``forward_secret`` says what it gives.
    """

    name: str
    has_parameters: bool
    group_kind: str
    forward_secret: bool

    def parameters(self, exchange: Exchange12) -> tuple[Any, bytes]:
        """Server: a private value (used once) and the parameters to send; empty where there are none."""
        ...

    def parameters_size(self, body: bytes) -> int:
        """Client: how many bytes at the front of ``body`` are parameters. Raises BadShare."""
        ...

    def group_of(self, parameters: bytes) -> int | None:
        """Client: the code of the named group that the parameters are of, for people; None without one."""
        ...

    def answer(self, parameters: bytes, exchange: Exchange12) -> tuple[bytes, bytes]:
        """Client: the content of ClientKeyExchange and the premaster secret. Raises BadShare."""
        ...

    def finish(self, private: Any, message: bytes, exchange: Exchange12) -> bytes:
        """Server: the premaster secret. Raises BadShare, but never for what was encrypted to a certificate:
        there a wrong content yields a random secret (RFC 5246 section 7.4.7.1)."""
        ...
