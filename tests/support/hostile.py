"""Peers that follow the protocol, with real keys, but for what a test rewrites, drops or inserts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from attrs import evolve, frozen

from suitor.config import ClientConfig, ServerConfig
from suitor.connection import Connection
from suitor.flow.client import client
from suitor.flow.handshake import Handshake
from suitor.flow.server import server
from suitor.names import parse_server_name
from suitor.record.protection import plaintext_record
from suitor.record.protection13 import Sealer13
from suitor.wire.codec import pack_u16s
from suitor.wire.extensions import encode_extensions
from suitor.wire.hello import (
    ClientHello,
    ServerHello,
    decode_client_hello,
    decode_server_hello,
    encode_client_hello,
    encode_server_hello,
    reencode_client_hello,
)


@frozen
class Record:
    """A record of its own between the messages; ``plain`` stays unprotected whatever keys there are."""

    content_type: int
    content: bytes
    plain: bool = False


@frozen
class Inner:
    """A protected record with exactly this inside: content, type and padding."""

    content: bytes


@frozen
class Raw:
    """Bytes as they are."""

    data: bytes


Item = bytes | Record | Inner | Raw
"""``bytes`` is a handshake message (or several), which enters the flight and the transcript."""


@frozen
class Edit:
    """What to send instead of a message of that type: every time, or only the ``nth`` from 0."""

    kind: int
    change: Callable[[bytes], Iterable[Item]]
    nth: int | None = None


class _Handshake(Handshake):
    def __init__(self, villain: Villain, edits: Sequence[Edit]) -> None:
        super().__init__(villain._config, villain._reader, villain._writer)
        self._villain = villain
        self._edits = edits
        self._seen: Counter[int] = Counter()

    def send(self, raw: bytes) -> None:
        kind = raw[0]
        nth = self._seen[kind]
        self._seen[kind] += 1
        for item in self._edited(raw, kind, nth):
            if isinstance(item, bytes):
                super().send(item)
            else:
                self.flush()
                self._villain.put(item)

    def _edited(self, raw: bytes, kind: int, nth: int) -> Iterable[Item]:
        for edit in self._edits:
            if edit.kind == kind and edit.nth in (None, nth):
                return edit.change(raw)
        return (raw,)


class Villain(Connection):
    """A connection whose messages are edited, and that can be told to send anything."""

    def __init__(self, config: ClientConfig | ServerConfig, edits: Sequence[Edit] = ()) -> None:
        super().__init__(config)
        self._hs = _Handshake(self, edits)

    @classmethod
    def as_client(cls, config: ClientConfig, server_name: str | None, edits: Sequence[Edit] = ()) -> Villain:
        name, sni = (None, None) if server_name is None else parse_server_name(server_name)
        self = cls(config, edits)
        assert self._hs is not None
        self._begin(client(self._hs, config, name, sni))
        return self

    @classmethod
    def as_server(cls, config: ServerConfig, edits: Sequence[Edit] = ()) -> Villain:
        self = cls(config, edits)
        assert self._hs is not None
        self._begin(server(self._hs, config))
        return self

    def put(self, *items: Item) -> None:
        """Send these now, messages each in a record of its own."""
        for item in items:
            if isinstance(item, Raw):
                self._writer.raw(item.data)
            elif isinstance(item, Inner):
                sealer = self._writer.sealer
                assert isinstance(sealer, Sealer13)
                self._writer.raw(_sealed(sealer, item.content))
            elif isinstance(item, Record) and item.plain:
                self._writer.raw(plaintext_record(item.content_type, item.content))
            elif isinstance(item, Record):
                self._writer.write(item.content_type, item.content)
            else:
                self._writer.write(22, item)


def _sealed(sealer: Sealer13, inner: bytes) -> bytes:
    """A protected record of any TLSInnerPlaintext, also one that no sealer would make."""
    size = len(inner) + sealer._tag_size
    header = b"\x17\x03\x03" + size.to_bytes(2, "big")
    nonce = (sealer._iv ^ sealer._sequence).to_bytes(sealer._nonce_size, "big")
    body = bytearray(size)
    sealer._encrypt_into(nonce, inner, header, body)
    sealer._sequence += 1
    return header + bytes(body)


# --- edits ------------------------------------------------------------------------------------------------


def client_hello(change: Callable[[ClientHello], ClientHello], nth: int | None = None) -> Edit:
    """Change the fields of a ClientHello."""
    return Edit(1, lambda raw: [reencode_client_hello(change(decode_client_hello(raw)))], nth)


def server_hello(change: Callable[[ServerHello], ServerHello], nth: int | None = None) -> Edit:
    """Change the fields of a ServerHello or HelloRetryRequest."""
    return Edit(2, lambda raw: [encode_server_hello(change(decode_server_hello(raw)))], nth)


def put_extension(code: int, data: bytes) -> Callable[[Any], Any]:
    """For hellos: an extension set or replaced, where it stands."""
    return lambda hello: evolve(hello, extensions={**hello.extensions, code: data})


def drop_extension(code: int) -> Callable[[Any], Any]:
    return lambda hello: evolve(
        hello, extensions={c: data for c, data in hello.extensions.items() if c != code}
    )


def client_hello_block(change: Callable[[list[tuple[int, bytes]]], list[tuple[int, bytes]]]) -> Edit:
    """Change the extensions of a ClientHello as a list, in which one may stand twice."""

    def rewrite(raw: bytes) -> list[Item]:
        hello = decode_client_hello(raw)
        block = encode_extensions(change(list(hello.extensions.items())))
        return [encode_client_hello(hello.random, hello.session_id, pack_u16s(hello.suites), block)]

    return Edit(1, rewrite)
