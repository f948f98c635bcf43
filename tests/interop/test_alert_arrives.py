"""A refusal reaches a peer that is still writing when it comes, as JSSE's server is.

Closing a socket with unread bytes in it makes the kernel send a reset, and a peer that writes into a reset
connection never gets to read the alert.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator

import pytest

import suitor
from suitor import Alert, Connection, SuitorError, Untrusted, VerificationError
from suitor.io.sockets import LAST_WORDS
from tests.interop.ours import alert_of, client_config, connect, only, server_config
from tests.interop.pki import PeerPki
from tests.interop.programs import PATIENCE, listen

SOON = 0.5
RECORD = b"\x17\x03\x03\x00\x20" + bytes(32)


@contextlib.contextmanager
def busy_writer(pki: PeerPki, heard: list[SuitorError]) -> Iterator[int]:
    """A server whose certificate is refused, and that writes more before it reads; its port."""
    config = server_config(pki, only(), pki.odd["stranger"])

    def serve() -> None:
        sock, _ = listener.accept()
        sock.settimeout(PATIENCE)
        connection = Connection.server(config)
        with sock:
            connection.receive(sock.recv(65_536))
            sock.sendall(connection.data_to_send())
            with contextlib.suppress(OSError):
                for _ in range(5):
                    time.sleep(0.02)
                    sock.sendall(RECORD)
                connection.receive(sock.recv(65_536))
            try:
                list(connection.events())
            except SuitorError as error:
                heard.append(error)

    with listen() as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(PATIENCE)


def blocking(pki: PeerPki, port: int) -> None:
    connect(client_config(pki), port)


def streaming(pki: PeerPki, port: int) -> None:
    asyncio.run(
        suitor.open_connection("127.0.0.1", port, client_config(pki), "localhost", close_timeout=SOON)
    )


@pytest.mark.parametrize("client", [blocking, streaming])
def test_alert_arrives(peer_pki: PeerPki, client: Callable[[PeerPki, int], None]) -> None:
    heard: list[SuitorError] = []
    with busy_writer(peer_pki, heard) as port:
        started = time.monotonic()
        with pytest.raises(VerificationError) as caught:
            client(peer_pki, port)
        assert caught.value.reason is Untrusted.UNKNOWN_ISSUER
        assert time.monotonic() - started < LAST_WORDS
    assert [alert_of(error) for error in heard] == [Alert.UNKNOWN_CA]


@pytest.mark.parametrize("client", [blocking, streaming])
def test_a_peer_that_never_closes_is_left(
    peer_pki: PeerPki, client: Callable[[PeerPki, int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("suitor.io.sockets.LAST_WORDS", SOON)
    config = server_config(peer_pki, only(), peer_pki.odd["stranger"])
    left = threading.Event()

    def serve() -> None:
        sock, _ = listener.accept()
        sock.settimeout(PATIENCE)
        connection = Connection.server(config)
        with sock:
            connection.receive(sock.recv(65_536))
            sock.sendall(connection.data_to_send())
            assert left.wait(PATIENCE)

    with listen() as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(VerificationError):
            client(peer_pki, listener.getsockname()[1])
        left.set()
        thread.join(PATIENCE)
