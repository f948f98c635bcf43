"""The blocking wrapper over real sockets."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from suitor.config import ClientConfig, ServerConfig
from suitor.errors import (
    Alert,
    ConnectionEnded,
    Ended,
    LocalError,
    LocalMistake,
    PeerMisbehaved,
    ProtocolError,
    SuitorError,
    Untrusted,
    VerificationError,
)
from suitor.io.sockets import READ_SIZE, TLSSocket, connect, wrap
from suitor.plug.interfaces import Job

Sides = tuple[TLSSocket, TLSSocket]


@contextmanager
def open_sides(client: ClientConfig, server: ServerConfig) -> Iterator[Sides]:
    left, right = socket.socketpair()
    left.settimeout(20)
    right.settimeout(20)
    with wrap(left, client, "localhost") as ours, wrap(right, server) as theirs:
        yield ours, theirs


@pytest.fixture
def sides(client_config: ClientConfig, server_config: ServerConfig) -> Iterator[Sides]:
    with open_sides(client_config, server_config) as pair:
        yield pair


def together(ours: Callable[[], Any], theirs: Callable[[], Any]) -> tuple[Any, Any]:
    """Run both sides at once; what they return."""
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(theirs)
        mine = ours()
        return mine, other.result(20)


def shake_hands(sides: Sides) -> None:
    together(sides[0].do_handshake, sides[1].do_handshake)


def receive_exactly(tls: TLSSocket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        piece = tls.recv(size - len(data))
        assert piece, "ended early"
        data += piece
    return bytes(data)


def test_handshake_tells_the_same_on_both_sides(sides: Sides) -> None:
    ours, theirs = together(sides[0].do_handshake, sides[1].do_handshake)
    assert (ours.version, ours.suite, ours.group, ours.signature) == (
        theirs.version,
        theirs.suite,
        theirs.group,
        theirs.signature,
    )
    assert theirs.server_name == "localhost"
    assert sides[0].info is ours
    assert sides[0].export(b"EXPORTER-test", b"", 32) == sides[1].export(b"EXPORTER-test", b"", 32)


def test_first_use_does_the_handshake(sides: Sides) -> None:
    together(lambda: sides[0].sendall(b"hello"), lambda: receive_exactly(sides[1], 5))
    assert sides[1].info is not None


def test_large_transfer_both_ways(sides: Sides) -> None:
    payload = os.urandom(5_000_000)

    def echo() -> None:
        data = receive_exactly(sides[1], len(payload))
        sides[1].sendall(data)
        assert sides[1].unwrap().fileno() >= 0

    def ours() -> bytes:
        sides[0].sendall(memoryview(payload))
        back = receive_exactly(sides[0], len(payload))
        sides[0].unwrap()
        return back

    assert together(ours, echo)[0] == payload


def test_recv_into_and_sizes(sides: Sides) -> None:
    shake_hands(sides)
    sides[1].sendall(b"abcdef")
    buffer = bytearray(10)
    assert sides[0].recv(0) == b""
    assert sides[0].recv_into(buffer, 2) == 2
    assert sides[0].recv_into(memoryview(buffer)[2:]) == 4
    assert bytes(buffer[:6]) == b"abcdef"
    with pytest.raises(ValueError, match="negative"):
        sides[0].recv(-1)
    assert sides[0].send(b"") == 0


def test_little_is_held_for_a_slow_reader(sides: Sides) -> None:
    """A reader that takes one byte has not taken megabytes from the network."""
    shake_hands(sides)
    done = threading.Event()

    def flood() -> None:
        sides[1].sendall(bytes(8_000_000))
        done.set()

    def ours() -> None:
        assert len(sides[0].recv(1)) == 1
        assert not done.wait(0.3)
        receive_exactly(sides[0], 8_000_000 - 1)
        assert done.wait(10)

    together(ours, flood)
    assert READ_SIZE < 1_000_000


def test_truncation_is_told_after_the_data_before_it(sides: Sides) -> None:
    shake_hands(sides)
    sides[1].sendall(b"almost all")
    sides[1]._sock.close()
    assert receive_exactly(sides[0], 10) == b"almost all"
    for _ in range(2):
        with pytest.raises(ConnectionEnded) as caught:
            sides[0].recv(1)
        assert caught.value.reason is Ended.TRUNCATED
    with pytest.raises(ConnectionEnded):
        sides[0].sendall(b"anybody?")


def test_close_notify_is_a_clean_end(sides: Sides) -> None:
    shake_hands(sides)
    with sides[1]:
        sides[1].sendall(b"bye")
    assert receive_exactly(sides[0], 3) == b"bye"
    assert sides[0].recv(1) == b""
    assert sides[0].recv(1) == b""


def test_half_close_leaves_the_other_direction_open(sides: Sides) -> None:
    shake_hands(sides)
    sides[0].close_write()
    assert sides[1].recv(1) == b""
    sides[1].sendall(b"still here")
    assert receive_exactly(sides[0], 10) == b"still here"
    with pytest.raises(LocalError) as caught:
        sides[0].send(b"x")
    assert caught.value.reason is LocalMistake.WRONG_STATE


def test_unwrap_tells_a_truncation(sides: Sides) -> None:
    shake_hands(sides)
    sides[1]._sock.close()
    with pytest.raises(ConnectionEnded) as caught:
        sides[0].unwrap()
    assert caught.value.reason is Ended.TRUNCATED


def test_eof_in_the_handshake(sides: Sides) -> None:
    sides[1]._sock.shutdown(socket.SHUT_WR)
    with pytest.raises(ConnectionEnded) as caught:
        sides[0].do_handshake()
    assert caught.value.reason is Ended.CLOSED_DURING_HANDSHAKE


def test_refusal_reaches_the_peer_as_an_alert(
    wary_client_config: ClientConfig, server_config: ServerConfig
) -> None:
    def attempt(tls: TLSSocket) -> SuitorError:
        with pytest.raises(SuitorError) as caught:
            tls.do_handshake()
        return caught.value

    with open_sides(wary_client_config, server_config) as (ours, theirs):
        mine, other = together(lambda: attempt(ours), lambda: attempt(theirs))
    assert isinstance(mine, VerificationError)
    assert mine.reason is Untrusted.UNKNOWN_ISSUER
    assert isinstance(other, ConnectionEnded)
    assert (other.reason, other.peer_alert) == (Ended.PEER_ALERT, Alert.UNKNOWN_CA)


def test_garbage_is_answered_with_an_alert_and_half_close(server_config: ServerConfig) -> None:
    left, right = socket.socketpair()
    with left, wrap(right, server_config) as theirs:
        left.sendall(b"GET / HTTP/1.1\r\n\r\n")
        for _ in range(2):
            with pytest.raises(ProtocolError) as caught:
                theirs.do_handshake()
            assert caught.value.reason is PeerMisbehaved.NOT_TLS
        left.settimeout(5)
        assert left.recv(100)[0] == 21
        assert left.recv(100) == b""


def test_handshake_timeout(sides: Sides) -> None:
    started = time.monotonic()
    with pytest.raises(ConnectionEnded) as caught:
        sides[0].do_handshake(timeout=0.2)
    assert caught.value.reason is Ended.TIMED_OUT
    assert time.monotonic() - started < 2
    assert sides[0].gettimeout() == 20


def test_a_slow_trickle_does_not_extend_the_handshake(
    client_config: ClientConfig, server_config: ServerConfig
) -> None:
    with open_sides(client_config, server_config) as (ours, theirs):
        stop = threading.Event()

        def trickle() -> None:
            hello = bytes.fromhex("1603014000")
            while not stop.wait(0.05):
                ours._sock.send(hello[:1])
                hello = hello[1:] or b"\0"

        def attempt() -> float:
            started = time.monotonic()
            with pytest.raises(ConnectionEnded) as caught:
                theirs.do_handshake(timeout=0.4)
            stop.set()
            assert caught.value.reason is Ended.TIMED_OUT
            return time.monotonic() - started

        assert together(attempt, trickle)[0] < 2


def test_a_timeout_after_the_handshake_may_be_repeated(sides: Sides) -> None:
    shake_hands(sides)
    sides[0].settimeout(0.1)
    with pytest.raises(TimeoutError):
        sides[0].recv(1)
    sides[1].sendall(b"!")
    assert sides[0].recv(1) == b"!"
    with pytest.raises(ValueError, match="non-blocking"):
        sides[0].settimeout(0)


def test_a_timeout_while_sending_leaves_the_stream_whole(sides: Sides) -> None:
    shake_hands(sides)
    sides[0].settimeout(0.1)
    with pytest.raises(TimeoutError):
        sides[0].sendall(b"a" * 20_000_000)
    sides[0].settimeout(20)

    def rest() -> None:
        sides[0].sendall(b"b")
        sides[0].close_write()

    def read_all() -> bytes:
        data = bytearray()
        while piece := sides[1].recv(1_000_000):
            data += piece
        return bytes(data)

    data = together(rest, read_all)[1]
    assert data.strip(b"a") == b"b"
    assert 0 < len(data) < 20_000_000


def test_keys_change_on_request(sides: Sides) -> None:
    shake_hands(sides)
    sides[0].update_keys(request=True)
    sides[0].sendall(b"new keys")
    assert receive_exactly(sides[1], 8) == b"new keys"
    sides[1].sendall(b"mine too")
    assert receive_exactly(sides[0], 8) == b"mine too"


def test_jobs_run_inline(
    slow_client_config: Callable[[Any], ClientConfig], server_config: ServerConfig
) -> None:
    ran_in = []

    def job(work: Callable[[], Any]) -> Job[Any]:
        def run() -> Any:
            ran_in.append(threading.current_thread())
            return work()

        return Job(run)

    with open_sides(slow_client_config(job), server_config) as sides:
        shake_hands(sides)
    assert ran_in == [threading.current_thread()]


def test_a_failed_job_fails_the_handshake(
    slow_client_config: Callable[[Any], ClientConfig], server_config: ServerConfig
) -> None:
    def job(work: Callable[[], Any]) -> Job[Any]:
        def run() -> Any:
            raise OSError("the key server is down")

        return Job(run)

    def attempt(tls: TLSSocket) -> SuitorError:
        with pytest.raises(SuitorError) as caught:
            tls.do_handshake()
        return caught.value

    with open_sides(slow_client_config(job), server_config) as (ours, theirs):
        mine, other = together(lambda: attempt(ours), lambda: attempt(theirs))
    assert isinstance(mine, LocalError)
    assert isinstance(other, ConnectionEnded)
    assert other.peer_alert == Alert.INTERNAL_ERROR


def test_non_blocking_sockets_are_refused(client_config: ClientConfig) -> None:
    left, right = socket.socketpair()
    left.setblocking(False)
    with left, right, pytest.raises(ValueError, match="non-blocking"):
        wrap(left, client_config, "localhost")


@pytest.fixture
def listener(server_config: ServerConfig) -> Iterator[int]:
    """A server that greets everybody; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            while True:
                try:
                    sock, _ = listening.accept()
                except OSError:
                    return
                sock.settimeout(5)
                with wrap(sock, server_config) as tls:
                    try:
                        tls.sendall(b"welcome")
                        tls.unwrap()
                    except (SuitorError, OSError):
                        continue

        thread = threading.Thread(target=accept)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def test_connect(listener: int, client_config: ClientConfig) -> None:
    with connect("127.0.0.1", listener, client_config, timeout=10) as tls:
        assert tls.info is not None
        assert tls.info.peer is not None
        assert receive_exactly(tls, 7) == b"welcome"
        assert tls.recv(1) == b""
        assert tls.gettimeout() is None


def test_connect_checks_the_name(listener: int, client_config: ClientConfig) -> None:
    with pytest.raises(VerificationError) as caught:
        connect("127.0.0.1", listener, client_config, server_name="example.com", timeout=10)
    assert caught.value.reason is Untrusted.NAME_MISMATCH


def test_connect_refused(client_config: ClientConfig) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(ConnectionRefusedError):
            connect("127.0.0.1", port, client_config)


def test_connect_times_out(client_config: ClientConfig) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(ConnectionEnded) as caught:
        connect("127.0.0.1", silent.getsockname()[1], client_config, timeout=0.2)
    assert caught.value.reason is Ended.TIMED_OUT
