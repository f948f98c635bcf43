"""Suitor's side of a test: configs, a server in a thread, a client."""

from __future__ import annotations

import contextlib
import json
import queue
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

from attrs import Factory, define, field

import suitor
from suitor import (
    ClientAuth,
    ClientConfig,
    ConnectionEnded,
    ConnectionInfo,
    Ended,
    ServerConfig,
    SuitorError,
    TLSSocket,
)
from suitor.cli.pki import KeyKind
from suitor.policy import find_policy
from suitor_plugins.credentials import SniCredentials
from suitor_plugins.verification import PrivateVerification
from tests.interop.pki import NAME, Identity, PeerPki
from tests.interop.programs import PATIENCE, listen

SUITES = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
GROUPS = ("x25519", "secp256r1", "secp384r1")

LABEL, CONTEXT, LENGTH = b"EXPORTER-suitor-interop", b"", 40
"""What both sides export, to be compared."""

Service = Callable[[TLSSocket], None]


def only(suite: str = " ".join(SUITES), group: str = " ".join(GROUPS), edits: str = "") -> str:
    """A policy with just these."""
    return f"modern, only {suite}, only {group}{edits and ', '}{edits}"


def client_config(pki: PeerPki, policy: str = only(), *own: Identity, **options: Any) -> ClientConfig:
    """A client that trusts the run's root; ``own`` are its certificates."""
    credentials = SniCredentials([identity.credential for identity in own]) if own else None
    verification = options.pop("verification", None) or PrivateVerification(pki.ca)
    return ClientConfig(
        verification=verification, policy=find_policy(policy), credentials=credentials, **options
    )


def server_config(
    pki: PeerPki, policy: str = only(), *own: Identity, strict: bool = False, **options: Any
) -> ServerConfig:
    """A server with these certificates, P-256 unless told. ``strict`` refuses names that none is for."""
    identities = own or (pki.servers[KeyKind.P256],)
    return ServerConfig(
        credentials=SniCredentials([identity.credential for identity in identities], strict=strict),
        policy=find_policy(policy),
        **options,
    )


def mutual(pki: PeerPki, client_auth: ClientAuth = ClientAuth.REQUIRED, **options: Any) -> ServerConfig:
    """A server that asks its clients for a certificate of the run's root."""
    return server_config(pki, client_auth=client_auth, verification=PrivateVerification(pki.ca), **options)


def connect(config: ClientConfig, port: int, name: str = NAME) -> TLSSocket:
    tls = suitor.connect("127.0.0.1", port, config, server_name=name, timeout=PATIENCE)
    tls.settimeout(PATIENCE)
    return tls


def receive(tls: TLSSocket, size: int) -> bytes:
    """Exactly ``size`` bytes."""
    data = bytearray()
    while len(data) < size:
        piece = tls.recv(size - len(data))
        assert piece, f"closed after {len(data)} bytes"
        data += piece
    return bytes(data)


def receive_line(tls: TLSSocket) -> bytes:
    data = b""
    while not data.endswith(b"\n"):
        data += receive(tls, 1)
    return data


def refusal(config: ClientConfig, port: int, name: str = NAME) -> int:
    """Connect to a peer that refuses; the code of its alert. In TLS 1.3 it may come after the handshake."""
    try:
        with connect(config, port, name) as tls:
            tls.sendall(b"anybody?\n")
            while tls.recv(4096):
                pass
    except ConnectionEnded as error:
        return alert_of(error)
    raise AssertionError("not refused")


def alert_of(error: Exception | None) -> int:
    """The code of the peer's alert that ended a connection."""
    assert isinstance(error, ConnectionEnded), repr(error)
    assert error.reason is Ended.PEER_ALERT
    assert error.peer_alert is not None
    return error.peer_alert


# --- services ---------------------------------------------------------------------------------------------


def echo(tls: TLSSocket) -> None:
    """Everything back, until the peer's close_notify."""
    while data := tls.recv(65_536):
        tls.sendall(data)


def echo_line(tls: TLSSocket) -> None:
    """One line back, then close: for clients that wait for the server to end it."""
    tls.sendall(receive_line(tls))


def http(tls: TLSSocket) -> None:
    """HTTP/1.1 with keep-alive: whatever is asked for, the answer is what was negotiated."""
    assert tls.info is not None
    body = json.dumps(tls.info.to_dict()).encode()
    waiting = b""
    while data := tls.recv(65_536):
        waiting += data
        while b"\r\n\r\n" in waiting:
            head, _, waiting = waiting.partition(b"\r\n\r\n")
            tls.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                b"Content-Length: %d\r\n\r\n" % len(body) + body
            )
            if b"\r\nconnection: close" in head.lower():
                return


# --- the server -------------------------------------------------------------------------------------------


@define
class Outcome:
    """What became of one connection."""

    info: ConnectionInfo | None = None
    error: SuitorError | OSError | None = None
    exported: bytes = b""

    @property
    def agreed(self) -> ConnectionInfo:
        assert self.error is None, repr(self.error)
        assert self.info is not None
        return self.info


def refused(outcome: Outcome) -> SuitorError:
    """Our own reason for ending a connection."""
    assert isinstance(outcome.error, SuitorError)
    return outcome.error


@define
class Serving:
    """A server while it runs."""

    config: ServerConfig
    service: Service
    listener: socket.socket
    _outcomes: queue.Queue[Outcome] = field(factory=queue.Queue)
    _threads: list[threading.Thread] = Factory(list)

    @property
    def port(self) -> int:
        port: int = self.listener.getsockname()[1]
        return port

    def outcome(self) -> Outcome:
        """Of the next connection that ends."""
        return self._outcomes.get(timeout=PATIENCE)

    def accept(self) -> None:
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._handle, args=(sock,))
            self._threads.append(thread)
            thread.start()

    def _handle(self, sock: socket.socket) -> None:
        outcome = Outcome()
        sock.settimeout(PATIENCE)
        with suitor.wrap(sock, self.config) as tls:
            try:
                outcome.info = tls.do_handshake()
                outcome.exported = tls.export(LABEL, CONTEXT, LENGTH)
                self.service(tls)
            except (SuitorError, OSError) as error:
                outcome.error = error
        self._outcomes.put(outcome)

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()


@contextlib.contextmanager
def serving(config: ServerConfig, service: Service = echo) -> Iterator[Serving]:
    """Serve in threads, one for each connection, until the block ends."""
    server = Serving(config, service, listen())
    accepting = threading.Thread(target=server.accept)
    accepting.start()
    try:
        yield server
    finally:
        server.stop()
        accepting.join(PATIENCE)
        server.join()
