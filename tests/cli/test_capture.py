"""Finding a ClientHello in hex, base64, bytes and packet captures."""

from __future__ import annotations

import base64
import contextlib
import io
import re
import socket
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from suitor.cli import capture, hexdump, pcap
from suitor.cli.capture import Format
from suitor.errors import LocalError, LocalMistake
from suitor.wire.hello import decode_client_hello

dpkt = pytest.importorskip("dpkt", reason="packet captures need the cli extra")

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


# --- packet captures --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "streams", "server_names"),
    [
        ("loopback.pcap", 3, ["one.example", "two.example", "six.example"]),
        ("loopback.pcapng", 1, ["one.example"]),
        ("cooked.pcap", 1, ["one.example"]),
    ],
)
def test_recorded_captures(name: str, streams: int, server_names: list[str]) -> None:
    data = (VECTORS / "captures" / name).read_bytes()
    first = capture.find(data)
    assert first.format is Format.PCAP
    assert (first.stream, len(first.streams)) == (1, streams)
    names = [
        decode_client_hello(capture.find(data, stream=n + 1).message).server_name for n in range(streams)
    ]
    assert names == server_names


def test_a_stream_that_is_not_there() -> None:
    data = (VECTORS / "captures" / "loopback.pcap").read_bytes()
    for stream in (0, 4):
        with pytest.raises(LocalError) as caught:
            capture.find(data, stream=stream)
        assert "3 connection" in caught.value.detail
    with pytest.raises(LocalError):
        capture.find(RECORD, stream=1)


Segment = tuple[int, bytes, int]


def tcp(sequence: int, payload: bytes, flags: int = 0x18, port: int = 50_000) -> bytes:
    """An IPv4 packet with one TCP segment from a client."""
    segment = dpkt.tcp.TCP(sport=port, dport=443, seq=sequence % (1 << 32), flags=flags, data=payload)
    packet = dpkt.ip.IP(src=b"\x7f\0\0\1", dst=b"\x7f\0\0\2", p=6, data=segment)
    packet.len = len(packet)
    return bytes(packet)


def recorded(packets: Iterable[bytes], link_type: int = 101) -> bytes:
    """A pcap file of packets, raw IP unless said otherwise."""
    file = io.BytesIO()
    writer = dpkt.pcap.Writer(file, linktype=link_type, snaplen=65_535)
    for number, packet in enumerate(packets):
        writer.writepkt(packet, number)
    return file.getvalue()


SYN = 2
START = 0xFFFFFF00
"""An initial sequence number whose stream wraps within the hello."""

ORDERS: dict[str, list[bytes]] = {
    "in order": [tcp(START, b"", SYN), tcp(START + 1, RECORD[:100]), tcp(START + 101, RECORD[100:])],
    "out of order": [
        tcp(START, b"", SYN),
        tcp(START + 201, RECORD[200:]),
        tcp(START + 1, RECORD[:100]),
        tcp(START + 101, RECORD[100:200]),
    ],
    "sent again": [tcp(START, b"", SYN), tcp(START + 1, RECORD[:200]), tcp(START + 1, RECORD)],
    "overlapping": [tcp(START, b"", SYN), tcp(START + 1, RECORD[:200]), tcp(START + 51, RECORD[50:])],
    "what came first wins": [
        tcp(START, b"", SYN),
        tcp(START + 1, RECORD[:200]),
        tcp(START + 1, bytes(200)),
        tcp(START + 201, RECORD[200:]),
    ],
    "no SYN": [tcp(START + 101, RECORD[100:]), tcp(START + 1, RECORD[:100])],
    "data with the SYN": [tcp(START, RECORD[:50], SYN), tcp(START + 51, RECORD[50:])],
    "a keep-alive before it": [tcp(START, b"", SYN), tcp(START, b"\0"), tcp(START + 1, RECORD)],
}


@pytest.mark.parametrize("packets", ORDERS.values(), ids=ORDERS.keys())
def test_segments_are_put_in_order(packets: list[bytes]) -> None:
    found = capture.find(recorded(packets))
    assert found.message == MESSAGE
    assert found.streams == ("127.0.0.1:50000 -> 127.0.0.2:443",)


def test_a_gap_ends_the_stream() -> None:
    packets = [tcp(1, b"", SYN), tcp(2, RECORD[:100]), tcp(202, RECORD[200:])]
    with pytest.raises(LocalError) as caught:
        capture.find(recorded(packets))
    assert "cut short" in caught.value.detail


def test_a_port_that_is_used_again() -> None:
    other = records_of("gnutls")
    packets = [tcp(10, b"", SYN), tcp(11, RECORD), tcp(90_000, b"", SYN), tcp(90_001, other)]
    assert capture.find(recorded(packets), stream=2).message == other[5:]


def v6(payload: bytes) -> bytes:
    segment = dpkt.tcp.TCP(sport=50_000, dport=443, seq=1, data=payload)
    address = socket.inet_pton(socket.AF_INET6, "::1")
    return bytes(dpkt.ip6.IP6(src=address, dst=address, nxt=6, plen=len(segment), data=segment))


V4 = tcp(1, RECORD)
LINKS: dict[str, tuple[int, bytes]] = {
    "Ethernet": (1, bytes(12) + b"\x08\x00" + V4),
    "Ethernet with a VLAN tag": (1, bytes(12) + b"\x81\x00\x00\x05\x08\x00" + V4),
    "Ethernet, padded": (1, bytes(12) + b"\x08\x00" + V4 + bytes(9)),
    "Ethernet, IPv6": (1, bytes(12) + b"\x86\xdd" + v6(RECORD)),
    "null, little endian": (0, b"\x02\0\0\0" + V4),
    "null, IPv6 of macOS": (0, b"\x1e\0\0\0" + v6(RECORD)),
    "loop, big endian": (108, b"\0\0\0\x02" + V4),
    "raw": (101, V4),
    "raw, IPv6": (101, v6(RECORD)),
    "raw, as BSD numbers it": (12, V4),
    "IPv4": (228, V4),
    "IPv6": (229, v6(RECORD)),
    "cooked": (113, b"\0\0\x03\x04\0\x06" + bytes(8) + b"\x08\x00" + V4),
    "cooked, second version": (276, b"\x08\x00\0\0" + b"\0\0\0\x01" + b"\x03\x04\0\x06" + bytes(8) + V4),
}


@pytest.mark.parametrize(("link_type", "frame"), LINKS.values(), ids=LINKS.keys())
def test_link_types(link_type: int, frame: bytes) -> None:
    assert capture.find(recorded([frame], link_type)).message == MESSAGE


@pytest.mark.parametrize(
    ("make", "advice"),
    [
        (lambda: recorded([]), "no TCP"),
        (lambda: recorded([tcp(1, b"hello")]), "start capturing"),
        (lambda: recorded([V4], 147), "link type 147"),
        (lambda: recorded([bytes(dpkt.ip.IP(p=17, data=dpkt.udp.UDP(dport=443)))]), "QUIC"),
        (lambda: recorded([V4])[:10], "cannot be read"),
        (lambda: b"\x0a\x0d\x0d\x0a" + bytes(40), "cannot be read"),
    ],
)
def test_captures_without_a_hello_say_what_to_do(make: Callable[[], bytes], advice: str) -> None:
    with pytest.raises(LocalError) as caught:
        capture.find(make())
    assert caught.value.reason is LocalMistake.BAD_INPUT
    assert advice in caught.value.detail


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pcap, "MAX_STREAMS", 2)
    packets = [tcp(1, RECORD, port=port) for port in (1000, 1001, 1002)]
    assert len(capture.find(recorded(packets)).streams) == 2
    monkeypatch.setattr(pcap, "MAX_STREAM_BYTES", 300)
    with pytest.raises(LocalError):
        capture.find(recorded(packets))


@pytest.mark.parametrize("name", ["loopback.pcap", "loopback.pcapng", "cooked.pcap"])
def test_damaged_captures_never_raise_anything_else(name: str) -> None:
    data = (VECTORS / "captures" / name).read_bytes()
    for position in range(0, len(data), 7):
        damaged = data[:position] + bytes([data[position] ^ 0xFF]) + data[position + 1 :]
        for attempt in (damaged, data[:position]):
            with contextlib.suppress(LocalError):
                capture.find(attempt, Format.PCAP)
