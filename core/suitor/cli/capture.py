"""Finding a ClientHello in whatever a person has at hand: bytes, a hex dump, base64, or a packet capture.

Everything ends in :func:`client_hello_in`, which looks for TLS records (or a bare handshake message) in
bytes. The rest only gets from a file to those bytes. Judging the hello is left to ``suitor.wire.hello``.
"""

from __future__ import annotations

import base64
import binascii
import sys
from enum import Enum
from pathlib import Path

from attrs import field, frozen

from suitor.cli import hexdump
from suitor.errors import LocalError, LocalMistake

MAX_INPUT = 64 * 1024 * 1024
"""The most bytes that are read from a file or from standard input."""

MAX_HELLO = 131_072
"""The longest ClientHello handshake message that is taken, in bytes."""

_HANDSHAKE, _CLIENT_HELLO = 22, 1
_RECORD_HEADER, _MESSAGE_HEADER = 5, 4
_PCAP_MAGICS = (
    b"\xa1\xb2\xc3\xd4",
    b"\xd4\xc3\xb2\xa1",
    b"\xa1\xb2\x3c\x4d",
    b"\x4d\x3c\xb2\xa1",
    b"\x0a\x0d\x0d\x0a",
)


class Format(Enum):
    """What the input is; ``AUTO`` looks at its first bytes."""

    AUTO = "auto"
    HEX = "hex"
    BASE64 = "base64"
    RAW = "raw"
    PCAP = "pcap"


@frozen
class Captured:
    """A ClientHello that was found. ``message`` is the whole handshake message with its four-byte header.

    ``where`` says in words where it stood. ``streams`` names every connection of a packet capture that holds
    a ClientHello, in order of appearance, and ``stream`` is the one taken, counted from 1.
    """

    message: bytes = field(repr=False)
    format: Format
    where: str
    stream: int | None = None
    streams: tuple[str, ...] = ()


def bad_input(detail: str) -> LocalError:
    """The error for input that holds no ClientHello; ``detail`` says what to do."""
    return LocalError(LocalMistake.BAD_INPUT, detail)


def read_input(source: str) -> bytes:
    """The bytes of a file, or of standard input for ``-``. Raises LocalError(BAD_INPUT)."""
    try:
        if source == "-":
            data = sys.stdin.buffer.read(MAX_INPUT + 1)
        else:
            with Path(source).open("rb") as file:
                data = file.read(MAX_INPUT + 1)
    except OSError as error:
        raise bad_input(f"cannot read {source}: {error.strerror or error}") from None
    if len(data) > MAX_INPUT:
        raise bad_input(
            f"{source} is larger than {MAX_INPUT >> 20} MiB; cut it to the connection of interest"
        )
    if not data:
        raise bad_input(f"{'standard input' if source == '-' else source} is empty")
    return data


def find(data: bytes, form: Format = Format.AUTO, stream: int | None = None) -> Captured:
    """The ClientHello in ``data``. ``stream`` picks a connection of a packet capture, counted from 1.

    Raises LocalError(BAD_INPUT) when there is none, saying what the input looks like and what to do.
    """
    if form is Format.AUTO:
        form = _guess(data)
    if form is Format.PCAP:
        from suitor.cli import pcap

        return pcap.find(data, stream)
    if stream is not None:
        raise bad_input("a stream can be picked only from a packet capture")
    if form is Format.HEX:
        payload = hexdump.decode(_text(data))
    elif form is Format.BASE64:
        payload = _from_base64(_text(data))
    else:
        payload = data
    message, where = client_hello_in(payload)
    return Captured(message=message, format=form, where=where)


def client_hello_in(data: bytes) -> tuple[bytes, str]:
    """The first ClientHello in ``data``, and where it stood.

    ``data`` is a handshake message, TLS records (the message may be spread over several), or anything that
    has such records in it: a connection that began in plaintext, or the packet around them. Raises
    LocalError(BAD_INPUT).
    """
    if data[:2] == bytes([_CLIENT_HELLO, 0]):
        size = _message_size(data)
        if size is not None and size <= len(data):
            return data[:size], "a handshake message"
        if size is not None and size <= MAX_HELLO:
            raise bad_input(f"the ClientHello is cut short: {len(data)} of {size} bytes are there")
    trouble = ""
    start = data.find(b"\x16\x03")
    while start >= 0:
        run = _gather(data, start)
        if run.message is not None:
            where = "a TLS record" if run.records == 1 else f"{run.records} TLS records"
            return run.message, where if start == 0 else f"{where}, {start} bytes in"
        trouble = trouble or run.trouble
        start = data.find(b"\x16\x03", run.end)
    raise bad_input(trouble or f"no ClientHello in it: {_looks_like(data)}")


@frozen
class _Run:
    """Handshake records in a row: the ClientHello they hold, or the trouble with it, and where to look on."""

    end: int
    records: int = 0
    message: bytes | None = None
    trouble: str = ""


def _gather(data: bytes, start: int) -> _Run:
    """Join records from ``start`` on until the ClientHello there is whole (RFC 8446 section 5.1)."""
    message = bytearray()
    position, records = start, 0
    while True:
        header = data[position : position + _RECORD_HEADER]
        size = int.from_bytes(header[3:5], "big")
        body = position + _RECORD_HEADER
        fragment = data[body : body + size]
        if records == 0 and not (fragment[:1] == bytes([_CLIENT_HELLO]) and header[2] <= 4):
            return _Run(start + 1)
        if records and not b"\x16\x03".startswith(header[:2]):
            return _Run(
                position, trouble=f"another record stands after {len(message)} bytes of the ClientHello"
            )
        message += fragment
        position, records = body + size, records + 1
        wanted = _message_size(message)
        if wanted is not None and (wanted > MAX_HELLO or not b"\x03".startswith(message[4:5])):
            return _Run(start + 1)
        if wanted is not None and len(message) >= wanted:
            return _Run(position, records, bytes(message[:wanted]))
        if len(header) < _RECORD_HEADER or len(fragment) < size:
            of = "" if wanted is None else f" of {wanted}"
            text = f"the ClientHello is cut short: {len(message)}{of} bytes are there"
            return _Run(position, trouble=text)


def _message_size(message: bytes | bytearray) -> int | None:
    """The size of a handshake message with its header, once the header is there (RFC 8446 section 4)."""
    if len(message) < _MESSAGE_HEADER:
        return None
    return _MESSAGE_HEADER + int.from_bytes(message[1:4], "big")


def _guess(data: bytes) -> Format:
    if data[:4] in _PCAP_MAGICS:
        return Format.PCAP
    try:
        text = _text(data)
    except LocalError:
        return Format.RAW
    if "\0" in text or text.startswith("\x16"):
        return Format.RAW
    if "-----BEGIN " in text:
        return Format.BASE64
    if hexdump.looks_like_hex(text):
        return Format.HEX
    try:
        _from_base64(text)
    except LocalError:
        raise bad_input(
            f"the input is text, but neither hex nor base64: {_looks_like(data)} (--format says what it is)"
        ) from None
    return Format.BASE64


def _text(data: bytes) -> str:
    """Text of any common spelling; shells on Windows write UTF-16."""
    try:
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return data.decode("utf-16")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise bad_input("the input is binary, not text; leave --format out, or say raw or pcap") from None


def _from_base64(text: str) -> bytes:
    """Base64 with or without PEM's frame, in the plain or the URL-safe alphabet."""
    lines = text.strip().splitlines()
    begin = next((number for number, line in enumerate(lines) if line.startswith("-----BEGIN ")), None)
    if begin is not None:
        end = next((number for number, line in enumerate(lines) if line.startswith("-----END ")), len(lines))
        lines = lines[begin + 1 : end]
    body = "".join("".join(lines).split()).replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(body + "=" * (-len(body) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise bad_input("the input is not base64") from None


def _looks_like(data: bytes) -> str:
    """What a person may have given instead, and what to do about it."""
    start = data.lstrip()[:16]
    if data[:2] == b"\x1f\x8b":
        return "it is compressed with gzip; unpack it first"
    if start[:4] in (b"GET ", b"POST", b"HTTP"):
        return "it is plain HTTP, without TLS"
    if data[:1] == b"\x30" and data[1:2] >= b"\x80":
        return "it looks like a certificate or key; give those with --cert, and a ClientHello as the input"
    if data[:1] == b"\x16" and data[1:2] == b"\xfe":
        return "it is DTLS, which is not read"
    if data[:2] == b"\x16\x03" and data[5:6] == b"\x02":
        return "it is the server's side of a connection; give what the client sent"
    if data[:1] == b"\x80" and data[2:3] == b"\x01":
        return "it is a ClientHello in the format of SSL 2.0, which TLS servers no longer take (RFC 6176)"
    return "give the first bytes that a client sends, starting with 16 03 (a record) or 01 00 (the message)"
