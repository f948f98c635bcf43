"""A client and a server that have only toys. Run as a program, it proves that nothing built-in was loaded."""

from __future__ import annotations

import sys
from typing import Any

from attrs import evolve

from suitor.config import ClientAuth, ClientConfig, ServerConfig
from suitor.connection import Connection
from suitor.events import DataReceived
from suitor.plug.loader import load_catalogue
from suitor.policy import Policy
from tests.toy import toys

CATALOGUE = load_catalogue(plugins=[("toy", toys)], entry_points=())

POLICY = Policy(
    name="toy",
    versions=("TLSv1.3",),
    suites=(toys.SUITE.name,),
    groups=(toys.LARGE.name, toys.SMALL.name),
    signatures=(toys.Checksum.name,),
)
OTHER_GROUP = evolve(POLICY, groups=(toys.SMALL.name,))
NAME = "toy.example"


def stage(kind: str, **options: Any) -> Any:
    factory = CATALOGUE.stage(kind, "toy")
    assert factory is not None
    return factory.make(**options)


def client_config(**options: Any) -> ClientConfig:
    options = {"policy": POLICY, "verification": stage("verification"), **options}
    return ClientConfig(catalogue=CATALOGUE, **options)


def server_config(**options: Any) -> ServerConfig:
    credentials = stage("credentials", identities=(toys.identity("other.example"), toys.identity(NAME)))
    options = {"policy": POLICY, "credentials": credentials, **options}
    return ServerConfig(catalogue=CATALOGUE, **options)


def shake(client: ClientConfig, server: ServerConfig, name: str = NAME) -> tuple[Connection, Connection]:
    ours, theirs = Connection.client(client, name), Connection.server(server)
    pump(ours, theirs)
    return ours, theirs


def pump(one: Connection, other: Connection) -> tuple[bytes, bytes]:
    """Carry bytes until none come; the data that each received."""
    data = {one: b"", other: b""}
    quiet = False
    while not quiet:
        quiet = True
        for sender, receiver in ((one, other), (other, one)):
            moved = sender.data_to_send()
            if moved:
                quiet = False
                receiver.receive(moved)
                for event in receiver.events():
                    if isinstance(event, DataReceived):
                        data[receiver] += event.data
    return data[one], data[other]


def everything() -> None:
    """A handshake with a retry and a client's certificate, data, key updates and an exporter."""
    client, server = shake(
        client_config(credentials=stage("credentials", identities=(toys.identity("me"),))),
        server_config(
            policy=evolve(OTHER_GROUP, retry_cookie=True),
            client_auth=ClientAuth.REQUIRED,
            verification=stage("verification"),
        ),
    )
    for connection in (client, server):
        info = connection.info
        assert info is not None
        assert (info.suite, info.group, info.retried) == (toys.SUITE.name, toys.SMALL.name, True)
        assert info.peer is not None
    for n in range(3):
        client.send(b"question")
        client.update_keys(request=n == 1)
        server.update_keys(request=True)
        server.send(b"answer")
        assert pump(client, server) == (b"answer", b"question")
    assert client.export(b"label", b"", 100) == server.export(b"label", b"", 100)


if __name__ == "__main__":
    everything()
    loaded = sorted(name for name in sys.modules if name.partition(".")[0] == "suitor_plugins")
    print(f"complete; built-in modules: {loaded}")
