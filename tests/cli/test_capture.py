"""Finding a ClientHello in bytes, hex and base64."""

from __future__ import annotations

import base64
import contextlib
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suitor.cli import capture, hexdump
from suitor.cli.capture import Format
from suitor.errors import LocalError, LocalMistake
from suitor.wire.hello import decode_client_hello

VECTORS = Path(__file__).parents[1] / "vectors"
HELLOS = sorted((VECTORS / "client_hellos").glob("*.hex"))


def records_of(name: str) -> bytes:
    """The bytes a client sent, from its fixture, read in the plainest way."""
    lines = (VECTORS / "client_hellos" / f"{name}.hex").read_text().splitlines()
    return bytes.fromhex("".join(lines[1:]))


RECORD = records_of("openssl")
MESSAGE = RECORD[5:]


def xxd(data: bytes, width: int = 16, group: int = 2, gap: str = "  ", offset: str = "{:08x}: ") -> str:
    """What xxd and its relatives print: offset, hex in groups, characters."""
    lines = []
    for start in range(0, len(data), width):
        row = data[start : start + width]
        groups = " ".join(row[index : index + group].hex() for index in range(0, len(row), group))
        characters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        full = width * 2 + width // group - 1
        lines.append(offset.format(start) + groups.ljust(full) + gap + characters)
    return "\n".join(lines) + "\n"


def spaced(data: bytes, separator: str = " ") -> str:
    return separator.join(f"{byte:02x}" for byte in data)


TEXTS = {
    "bare": RECORD.hex(),
    "upper": RECORD.hex().upper(),
    "the message alone": MESSAGE.hex(),
    "spaces": spaced(RECORD),
    "colons": spaced(RECORD, ":"),
    "commas": spaced(RECORD, ", "),
    "0x": "0x" + RECORD.hex(),
    "0x each": " ".join(f"0x{byte:02X}," for byte in RECORD),
    "escapes": '"' + "".join(f"\\x{byte:02x}" for byte in RECORD) + '"',
    "C array": "unsigned char hello[] = {\n  "
    + ", ".join(f"0x{b:02x}" for b in RECORD)
    + "\n};\nint n = 317;\n",
    "comments": f"# from a client\n{RECORD[:9].hex()}  // the beginning\n\n{RECORD[9:].hex()}\n",
    "xxd": xxd(RECORD),
    "xxd -g1": xxd(RECORD, group=1),
    "xxd -c 32": xxd(RECORD, width=32),
    "hexdump -C": re.sub(r"(?m)^(.{10})(.{23}) (.{23}) ", r"\1\2  \3  ", xxd(RECORD, 16, 1, " ", "{:08x}  ")),
    "Wireshark": xxd(RECORD, group=1, gap="   ", offset="{:04x}  "),
    "tcpdump -X": xxd(RECORD, offset="\t0x{:04x}:  "),
    "openssl -debug": xxd(RECORD, group=1, gap="   ", offset="{:04x} - "),
    "openssl -msg": (
        f">>> TLS 1.0, RecordHeader [length 0005]\n    {spaced(RECORD[:5])}\n"
        f">>> TLS 1.3, Handshake [length {len(MESSAGE):04x}], ClientHello\n    {spaced(MESSAGE)}\n"
        f"<<< TLS 1.2, RecordHeader [length 0005]\n    16 03 03 00 7a\n"
    ),
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_hex_as_people_paste_it(text: str) -> None:
    found = capture.find(text.encode())
    assert found.format is Format.HEX
    assert found.message == MESSAGE


@pytest.mark.parametrize("dump", ["xxd", "hexdump -C", "Wireshark", "openssl -debug"])
def test_a_dump_is_read_to_its_last_byte_and_without_its_characters(dump: str) -> None:
    assert hexdump.decode(TEXTS[dump]) == RECORD


def test_characters_that_look_like_hex_are_not_taken_for_it() -> None:
    data = b"deadbeefcafef00d" * 3 + b"abcd"
    assert hexdump.decode(xxd(data)) == data
    assert hexdump.decode(xxd(data, group=1, gap="   ", offset="{:04x}  ")) == data


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_text_as_windows_shells_write_it(encoding: str) -> None:
    assert capture.find(RECORD.hex().encode(encoding)).message == MESSAGE


@pytest.mark.parametrize(
    "text",
    [
        base64.b64encode(RECORD).decode(),
        base64.encodebytes(RECORD).decode(),
        base64.urlsafe_b64encode(RECORD).decode().rstrip("="),
        f"a: b\n-----BEGIN HELLO-----\n{base64.encodebytes(RECORD).decode()}-----END HELLO-----\n",
        base64.b64encode(MESSAGE).decode(),
    ],
)
def test_base64(text: str) -> None:
    found = capture.find(text.encode())
    assert found.format is Format.BASE64
    assert found.message == MESSAGE


@pytest.mark.parametrize("data", [RECORD, MESSAGE, RECORD + b"\x14\x03\x03\x00\x01\x01", MESSAGE + b"more"])
def test_bytes(data: bytes) -> None:
    found = capture.find(data)
    assert found.format is Format.RAW
    assert found.message == MESSAGE


@pytest.mark.parametrize("path", HELLOS, ids=lambda path: path.stem)
def test_every_clients_hello_is_found_and_makes_sense(path: Path) -> None:
    found = capture.find(capture.read_input(str(path)))
    hello = decode_client_hello(found.message)
    assert hello.raw == found.message
    assert hello.server_name == "example.com"


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 100, 311, 312])
def test_a_hello_spread_over_records(size: int) -> None:
    pieces = [MESSAGE[start : start + size] for start in range(0, len(MESSAGE), size)]
    data = b"".join(b"\x16\x03\x01" + len(piece).to_bytes(2, "big") + piece for piece in pieces)
    message, where = capture.client_hello_in(data)
    assert message == MESSAGE
    assert where == ("a TLS record" if len(pieces) == 1 else f"{len(pieces)} TLS records")


def test_a_real_clients_fragments() -> None:
    found = capture.find(records_of("openssl_fragmented"))
    assert found.where == "3 TLS records"
    assert len(decode_client_hello(found.message).alpn) == 100


def test_a_hello_after_plaintext() -> None:
    message, where = capture.client_hello_in(b"EHLO example.com\r\nSTARTTLS\r\n" + RECORD)
    assert message == MESSAGE
    assert where == "a TLS record, 28 bytes in"


def test_other_bytes_that_look_like_a_record_do_not_hide_the_hello() -> None:
    assert capture.client_hello_in(b"\x16\x03\x01\x00\x02\x01\x00" + b"\x16\x03" + RECORD)[0] == MESSAGE


# --- what is refused, each with what to do about it -------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "advice"),
    [
        (RECORD[:-1], "cut short"),
        (RECORD[:7], "cut short"),
        (MESSAGE[:-1], "cut short"),
        (RECORD[:3] + b"\x00\x09" + RECORD[5:14] + b"\x15\x03\x01\x00\x02\x02\x28", "another record"),
        (b"\x16\x03\x03\x00\x04\x02\x00\x00\x00", "the server's side"),
        (b"\x16\xfe\xfd\x00\x00\x00\x00", "DTLS"),
        (b"\x80\x2e\x01\x03\x01\x00\x15", "SSL 2.0"),
        (b"GET / HTTP/1.1\r\n\r\n", "plain HTTP"),
        (b"\x1f\x8b\x08\x00\x00\x00", "gzip"),
        (b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", "certificate"),
        (b"hello, server!", "neither hex nor base64"),
        (b"16030100c401x0", "line 1"),
        (b"160301000", "odd number"),
        (b"# nothing but a comment\n", "neither"),
        (b"\xff\xff\xff\xff", "16 03"),
        (b"\x01\xff\xff\xff", "16 03"),
    ],
)
def test_what_holds_no_hello_says_what_to_do(data: bytes, advice: str) -> None:
    with pytest.raises(LocalError) as caught:
        capture.find(data)
    assert caught.value.reason is LocalMistake.BAD_INPUT
    assert advice in caught.value.detail


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("00000000: 1603 0100\n00000008: c401 0000\n", "next offset"),
        ("00000000: 1603 0100\n*\n00000020: c401 0000\n", "hexdump -v"),
        ("00000000: 1603 0100\nsomething else\n", "no offset"),
        ("16 03 01 0", "odd number"),
        ("16 03\n01 xy", "line 2"),
    ],
)
def test_hex_that_does_not_fit_says_where(text: str, advice: str) -> None:
    with pytest.raises(LocalError) as caught:
        capture.find(text.encode(), Format.HEX)
    assert caught.value.reason is LocalMistake.BAD_INPUT
    assert advice in caught.value.detail


@pytest.mark.parametrize("form", [Format.HEX, Format.BASE64, Format.PCAP])
def test_a_format_that_was_named_is_insisted_on(form: Format) -> None:
    with pytest.raises(LocalError) as caught:
        capture.find(RECORD, form)
    assert caught.value.reason is LocalMistake.BAD_INPUT


def test_a_missing_file_and_an_empty_one(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path, tmp_path / "empty"):
        (tmp_path / "empty").touch()
        with pytest.raises(LocalError) as caught:
            capture.read_input(str(path))
        assert caught.value.reason is LocalMistake.BAD_INPUT


def test_input_is_read_only_up_to_its_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "large"
    path.write_bytes(bytes(1025))
    monkeypatch.setattr(capture, "MAX_INPUT", 1024)
    with pytest.raises(LocalError) as caught:
        capture.read_input(str(path))
    assert "larger" in caught.value.detail


def test_many_beginnings_of_a_hello_take_little_time() -> None:
    data = b"\x16\x03\x01\x00\x01\x01" * 100_000
    with pytest.raises(LocalError):
        capture.client_hello_in(data)


@given(st.binary(max_size=200) | st.text("0123456789abcdefx:# \n*|", max_size=200).map(str.encode))
def test_nothing_else_is_ever_raised(data: bytes) -> None:
    for form in Format:
        with contextlib.suppress(LocalError):
            capture.find(data, form)


@given(st.binary(min_size=33, max_size=100), st.sampled_from([8, 16, 32]))
def test_a_dump_of_several_lines_reads_back(data: bytes, width: int) -> None:
    assert hexdump.decode(xxd(data, width)) == data
