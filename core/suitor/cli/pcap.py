"""ClientHellos in packet captures (pcap and pcapng): packets to TCP streams to TLS records.

dpkt reads the file and the layers; TCP segments are put in order here, only as far as a hello needs it.
Everything held is bounded, so a large or hostile capture costs time and little memory.
"""

from __future__ import annotations

import io
import socket
import struct
from collections.abc import Callable, Iterator
from operator import itemgetter
from typing import Any

import dpkt  # type: ignore[import-untyped]
from attrs import define, field
from dpkt import ethernet, ip, ip6, loopback, sll, sll2, tcp, udp

from suitor.cli.capture import MAX_HELLO, Captured, Format, bad_input, client_hello_in
from suitor.errors import LocalError

MAX_STREAMS = 4096
"""The most TCP streams (one direction each) that are followed; later ones are left out."""

MAX_STREAM_BYTES = 2 * MAX_HELLO
"""The most bytes that are kept of one stream: a hello, its record headers, and plaintext before STARTTLS."""

_BROKEN = (dpkt.Error, ValueError, struct.error, OverflowError, IndexError, TypeError)
"""What dpkt lets through when bytes are not what they should be."""

_Key = tuple[bytes, int, bytes, int]
_SEQUENCE = 1 << 32


@define
class _Stream:
    """One direction of a TCP connection. ``origin`` is its first byte's sequence number, as far as known."""

    key: _Key
    origin: int
    synchronized: bool
    segments: list[tuple[int, bytes]] = field(factory=list)
    size: int = 0

    def add(self, sequence: int, data: bytes) -> None:
        if data and self.size + len(data) <= MAX_STREAM_BYTES:
            self.segments.append((sequence, data))
            self.size += len(data)

    def joined(self) -> bytes:
        """The bytes in order, up to the first gap. What came first wins where segments overlap."""
        ordered = [(self._distance(sequence), data) for sequence, data in self.segments]
        ordered.sort(key=itemgetter(0))
        # Without the SYN, the lowest number seen is as near to the beginning as can be known.
        first = 0 if self.synchronized or not ordered else ordered[0][0]
        result = bytearray()
        for distance, data in ordered:
            start = distance - first
            if start > len(result):
                break
            result += data[len(result) - start :]
        return bytes(result)

    def _distance(self, sequence: int) -> int:
        """How far ``sequence`` is from the origin; sequence numbers wrap (RFC 9293 section 3.4)."""
        return (sequence - self.origin + _SEQUENCE // 2) % _SEQUENCE - _SEQUENCE // 2

    @property
    def name(self) -> str:
        source, source_port, target, target_port = self.key
        return f"{_address(source)}:{source_port} -> {_address(target)}:{target_port}"


def find(data: bytes, stream: int | None = None) -> Captured:
    """The ClientHello of the ``stream``-th connection (from 1; the first when None) that has one.

    Raises LocalError(BAD_INPUT).
    """
    streams, packets, datagrams = _streams(data)
    hellos: list[tuple[_Stream, bytes, str]] = []
    trouble: list[str] = []
    for candidate in streams:
        joined = candidate.joined()
        if b"\x16\x03" not in joined:
            continue
        try:
            message, where = client_hello_in(joined)
        except LocalError as error:
            if "cut short" in error.detail:
                trouble.append(f"{candidate.name}: {error.detail}")
            continue
        hellos.append((candidate, message, where))
    if not hellos:
        raise bad_input(_nothing(len(streams), packets, datagrams, trouble))
    if stream is not None and not 1 <= stream <= len(hellos):
        raise bad_input(f"there is no stream {stream}; {len(hellos)} connection(s) have a ClientHello")
    number = stream or 1
    taken, message, where = hellos[number - 1]
    return Captured(
        message=message,
        format=Format.PCAP,
        where=f"{where} of {taken.name}",
        stream=number,
        streams=tuple(candidate.name for candidate, _, _ in hellos),
    )


def _nothing(streams: int, packets: int, datagrams: int, trouble: list[str]) -> str:
    if trouble:
        return f"no complete ClientHello in the capture ({trouble[0]})"
    if streams:
        advice = "start capturing before the client connects"
        return f"no ClientHello in the capture's {streams} TCP stream(s); {advice}"
    if datagrams:
        return f"no TCP in the capture, only {datagrams} UDP packet(s); QUIC's encrypted hellos are not read"
    return f"no TCP in the capture's {packets} packet(s)"


def _streams(data: bytes) -> tuple[list[_Stream], int, int]:
    """The TCP streams in order of appearance, and how many packets and UDP datagrams there were."""
    try:
        reader = dpkt.pcap.UniversalReader(io.BytesIO(data))
    except _BROKEN as error:
        raise bad_input(f"the packet capture cannot be read: {error or type(error).__name__}") from None
    layer = _LINK_TYPES.get(reader.datalink())
    if layer is None:
        known = "Ethernet, Linux cooked (any), loopback and raw IP are read"
        raise bad_input(f"the capture's link type {reader.datalink()} is not known; {known}")
    current: dict[_Key, _Stream] = {}
    streams: list[_Stream] = []
    packets = datagrams = 0
    for frame in _frames(reader):
        packets += 1
        packet = _network(layer, frame)
        if packet is None:
            continue
        segment = packet.data
        if isinstance(segment, udp.UDP):
            datagrams += 1
        if not isinstance(segment, tcp.TCP):
            continue
        key = (bytes(packet.src), segment.sport, bytes(packet.dst), segment.dport)
        opening = bool(segment.flags & tcp.TH_SYN)
        sequence = (segment.seq + opening) % _SEQUENCE
        found = current.get(key)
        # Ports are used again: a SYN with another number starts a new connection.
        if found is None or (opening and sequence != found.origin):
            if len(streams) >= MAX_STREAMS:
                continue
            found = current[key] = _Stream(key, sequence, opening)
            streams.append(found)
        found.add(sequence, bytes(segment.data))
    return streams, packets, datagrams


def _frames(reader: Any) -> Iterator[bytes]:
    """The packets' bytes; a file that was cut off in its last packet ends there."""
    try:
        for _, frame in reader:
            yield frame
    except _BROKEN:
        return


def _network(layer: Callable[[bytes], Any], frame: bytes) -> Any:
    """The IP packet of a frame, None when there is none or it is a fragment."""
    try:
        packet = layer(frame)
    except _BROKEN:
        return None
    while isinstance(packet, dpkt.Packet) and not isinstance(packet, ip.IP | ip6.IP6):
        packet = packet.data
    if isinstance(packet, ip.IP) and (packet.offset or packet.mf):
        return None
    return packet if isinstance(packet, ip.IP | ip6.IP6) else None


def _raw_ip(frame: bytes) -> Any:
    return ip6.IP6(frame) if frame[:1] and frame[0] >> 4 == 6 else ip.IP(frame)


# https://www.tcpdump.org/linktypes.html; 12 and 14 are what raw IP is called on some systems.
_LINK_TYPES: dict[int, Callable[[bytes], Any]] = {
    0: loopback.Loopback,
    1: ethernet.Ethernet,
    12: _raw_ip,
    14: _raw_ip,
    101: _raw_ip,
    108: loopback.Loopback,
    113: sll.SLL,
    228: ip.IP,
    229: ip6.IP6,
    276: sll2.SLL2,
}


def _address(packed: bytes) -> str:
    if len(packed) == 16:
        return f"[{socket.inet_ntop(socket.AF_INET6, packed)}]"
    return socket.inet_ntop(socket.AF_INET, packed)
