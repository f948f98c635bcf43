"""Finding a ClientHello in packet captures."""

from __future__ import annotations

import contextlib
import io
import socket
from collections.abc import Callable, Iterable
from pathlib import Path

import dpkt  # type: ignore[import-untyped]
import pytest

from suitor.cli import capture, pcap
from suitor.cli.capture import Format
from suitor.errors import LocalError, LocalMistake
from suitor.wire.hello import decode_client_hello

VECTORS = Path(__file__).parents[1] / "vectors"


def message_of(name: str) -> bytes:
    return capture.find((VECTORS / "client_hellos" / f"{name}.hex").read_bytes()).message


def record(message: bytes) -> bytes:
    return b"\x16\x03\x01" + len(message).to_bytes(2, "big") + message


MESSAGE = message_of("openssl")
RECORD = record(MESSAGE)


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
    other = message_of("gnutls")
    packets = [tcp(10, b"", SYN), tcp(11, RECORD), tcp(90_000, b"", SYN), tcp(90_001, record(other))]
    assert capture.find(recorded(packets), stream=2).message == other


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
