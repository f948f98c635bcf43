"""Two connections in memory, and what passes between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from attrs import Factory, define

import suitor_plugins.algorithms
from suitor.config import ClientConfig, ServerConfig
from suitor.connection import Connection
from suitor.errors import SuitorError
from suitor.events import ConnectionInfo, DataReceived, Event, JobNeeded
from suitor.plug.loader import load_catalogue
from suitor.policy import MODERN, Policy
from suitor_plugins.credentials import SniCredentials
from tests.support import pki

E = TypeVar("E")

CATALOGUE = load_catalogue(plugins=[("suitor", suitor_plugins.algorithms)], entry_points=())

LIGHT = Policy(
    name="light",
    versions=("TLSv1.3",),
    suites=("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"),
    groups=("x25519", "secp256r1", "secp384r1"),
    signatures=MODERN.signatures,
    certificate_signatures=MODERN.certificate_signatures,
)
"""Whatever is installed besides: small key shares, so that thousands of handshakes stay quick."""


def client_config(**options: Any) -> ClientConfig:
    return ClientConfig(
        **{"verification": pki.verification(), "catalogue": CATALOGUE, "policy": LIGHT, **options}
    )


def server_config(**options: Any) -> ServerConfig:
    credentials = options.pop("credentials", None) or SniCredentials([pki.credential()])
    return ServerConfig(**{"credentials": credentials, "catalogue": CATALOGUE, "policy": LIGHT, **options})


@define
class Side:
    """One connection with everything that it said: its events and the error that ended it."""

    connection: Connection
    events: list[Event] = Factory(list)
    error: SuitorError | None = None

    def feed(self, data: bytes) -> None:
        if self.error is None:
            self.connection.receive(data)
            self.collect()

    def collect(self) -> None:
        try:
            for event in self.connection.events():
                self.events.append(event)
        except SuitorError as error:
            self.error = error

    def take(self) -> bytes:
        return bytes(self.connection.data_to_send())

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def data(self) -> bytes:
        return b"".join(event.data for event in self.of(DataReceived))

    @property
    def info(self) -> ConnectionInfo:
        assert self.error is None, self.error
        info = self.connection.info
        assert info is not None
        return info

    def run_jobs(self) -> bool:
        """Run the jobs that were asked for; whether there were any."""
        jobs = self.of(JobNeeded)
        self.events = [event for event in self.events if not isinstance(event, JobNeeded)]
        for event in jobs:
            try:
                result = event.job.run()
            except Exception as error:  # noqa: BLE001 - as any driver does
                self.connection.job_failed(event.job, error)
            else:
                self.connection.job_done(event.job, result)
            self.collect()
        return bool(jobs)


Carry = Callable[[bytes, Side], None]


def whole(data: bytes, to: Side) -> None:
    to.feed(data)


def bytewise(data: bytes, to: Side) -> None:
    for index in range(len(data)):
        to.feed(data[index : index + 1])


@define
class Pair:
    """A client and a server. ``carry`` says how bytes travel."""

    client: Side
    server: Side
    carry: Carry = whole

    def to_server(self) -> bytes:
        data = self.client.take()
        if data:
            self.carry(data, self.server)
        return data

    def to_client(self) -> bytes:
        data = self.server.take()
        if data:
            self.carry(data, self.client)
        return data

    def pump(self) -> Pair:
        """Carry bytes and run jobs until nothing moves."""
        while any([self.to_server(), self.to_client(), self.client.run_jobs(), self.server.run_jobs()]):
            pass
        return self

    def check(self) -> Pair:
        """Both sides finished the handshake and agree on everything."""
        one, other = self.client.info, self.server.info
        for what in ("version", "suite", "group", "signature", "alpn", "retried"):
            assert getattr(one, what) == getattr(other, what), what
        exported = [
            side.connection.export(b"EXPORTER-test", b"context", 40) for side in (self.client, self.server)
        ]
        assert exported[0] == exported[1]
        return self

    def exchange(self, sizes: Sequence[int] = (1, 1000, 20_000)) -> Pair:
        """Data both ways, which arrive as they were sent."""
        before = len(self.client.data), len(self.server.data)
        sent = [bytes([size % 251]) * size for size in sizes]
        for piece in sent:
            self.client.connection.send(piece)
            self.server.connection.send(piece[::-1])
        self.pump()
        assert self.server.data[before[1] :] == b"".join(sent)
        assert self.client.data[before[0] :] == b"".join(piece[::-1] for piece in sent)
        return self


def pair(
    client: ClientConfig | None = None,
    server: ServerConfig | None = None,
    name: str | None = pki.NAME,
    carry: Carry = whole,
) -> Pair:
    return Pair(
        Side(Connection.client(client or client_config(), name)),
        Side(Connection.server(server or server_config())),
        carry,
    )


def shaken(client: ClientConfig | None = None, server: ServerConfig | None = None) -> Pair:
    """A pair whose handshake is done."""
    return pair(client, server).pump().check()
