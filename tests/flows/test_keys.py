"""Keys after the handshake: KeyUpdate, limits of use, and what the key log tells."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

import suitor_plugins.algorithms
from suitor.connection import Connection
from suitor.errors import LocalError, LocalMistake
from suitor.events import KeyUpdated
from suitor.keys.schedule import traffic_keys
from suitor.plug import hookimpl
from suitor.plug.check import MINIMUM_RECORDS
from suitor.plug.loader import load_catalogue
from suitor.record.protection13 import Opener13
from suitor.record.reader import RecordReader
from suitor.wire.hello import decode_client_hello
from tests.support import pki
from tests.support.pairs import CATALOGUE, LIGHT, Pair, Side, client_config, pair, server_config, shaken


@pytest.mark.parametrize("who", ["client", "server"])
@pytest.mark.parametrize("request_too", [False, True])
def test_an_update(who: str, request_too: bool) -> None:
    done = shaken()
    updater, other = (done.client, done.server) if who == "client" else (done.server, done.client)
    updater.connection.update_keys(request=request_too)
    done.pump()
    assert other.of(KeyUpdated) == [KeyUpdated(request_too)]
    assert updater.of(KeyUpdated) == ([KeyUpdated(False)] if request_too else [])
    done.exchange()


def test_requests_that_cross() -> None:
    """RFC 8446 section 4.6.3: each side then answers the other's request."""
    done = shaken()
    for _ in range(3):
        done.client.connection.update_keys(request=True)
        done.server.connection.update_keys(request=True)
        done.client.connection.send(b"c")
        done.server.connection.send(b"s")
        done.pump()
    assert (done.server.data, done.client.data) == (b"ccc", b"sss")
    assert done.client.of(KeyUpdated) == [KeyUpdated(True), KeyUpdated(False)] * 3
    done.exchange()


def test_many_requests_at_once_get_one_answer() -> None:
    done = shaken()
    for _ in range(10):
        done.client.connection.update_keys(request=True)
    done.pump()
    assert len(done.server.of(KeyUpdated)) == 10
    assert len(done.client.of(KeyUpdated)) == 1


def test_data_starts_the_count_of_updates_anew() -> None:
    done = shaken()
    for _ in range(100):
        done.client.connection.update_keys()
        done.client.connection.send(b"x")
    done.pump()
    assert done.server.data == b"x" * 100


class Worn:
    """AES-128-GCM as if its keys wore out soon."""

    def __init__(self, records: int) -> None:
        self.records = records

    @hookimpl
    def suitor_ciphers(self) -> list[Any]:
        (cipher,) = (c for c in suitor_plugins.algorithms.suitor_ciphers() if c.name == "AES_128_GCM")
        return [evolve(cipher, record_limit=self.records)]  # type: ignore[misc]

    @hookimpl
    def suitor_groups(self) -> Any:
        return suitor_plugins.algorithms.suitor_groups()

    @hookimpl
    def suitor_hashes(self) -> Any:
        return suitor_plugins.algorithms.suitor_hashes()

    @hookimpl
    def suitor_signatures(self) -> Any:
        return suitor_plugins.algorithms.suitor_signatures()


@pytest.mark.parametrize("size", [1, 16_384, 100_000, 3_000_000])
def test_keys_change_before_they_are_used_up(size: int) -> None:
    """RFC 8446 section 5.5."""
    worn = load_catalogue(plugins=[("worn", Worn(MINIMUM_RECORDS))], entry_points=())
    assert not worn.problems
    done = shaken(client_config(catalogue=worn), server_config(catalogue=worn))
    sent = 0
    while sent < 200 * min(size, 16_384):
        done.client.connection.send(bytes(size))
        sent += size
        done.pump()
    assert len(done.server.data) == sent
    assert len(done.server.of(KeyUpdated)) >= 200 // MINIMUM_RECORDS
    done.exchange()


def test_a_cipher_whose_keys_wear_out_at_once_is_refused() -> None:
    worn = load_catalogue(plugins=[("worn", Worn(MINIMUM_RECORDS - 1))], entry_points=())
    assert not worn.ciphers
    assert worn.problems


def keylogged(**options: Any) -> tuple[Pair, dict[str, list[str]]]:
    lines: dict[str, list[str]] = {"client": [], "server": []}
    client = client_config(keylog=lines["client"].append, **options)
    return pair(client, server_config(keylog=lines["server"].append)), lines


def test_the_key_log_opens_the_traffic() -> None:
    """RFC 9850 section 2: label, client random and secret; here used to read what passed."""
    sides, lines = keylogged()
    hello = sides.to_server()
    flight = sides.to_client()
    finish = sides.to_server()
    sides.check()
    assert sorted(lines["client"]) == sorted(lines["server"])
    random = decode_client_hello(hello[5:]).random
    secrets = {}
    for line in lines["client"]:
        label, shown, secret = line.split(" ")
        assert bytes.fromhex(shown) == random
        secrets[label] = bytes.fromhex(secret)
    assert list(secrets) == [
        "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
        "SERVER_HANDSHAKE_TRAFFIC_SECRET",
        "CLIENT_TRAFFIC_SECRET_0",
        "SERVER_TRAFFIC_SECRET_0",
        "EXPORTER_SECRET",
    ]
    sides.server.connection.send(b"secret answer")
    sides.client.connection.send(b"secret question")
    answer, question = sides.server.take(), sides.client.take()
    # 11 CertificateVerify's neighbour; 20 Finished, the last message of either side.
    assert messages(opened(flight, secrets["SERVER_HANDSHAKE_TRAFFIC_SECRET"])) == [8, 11, 15, 20]
    assert messages(opened(finish, secrets["CLIENT_HANDSHAKE_TRAFFIC_SECRET"])) == [20]
    assert opened(answer, secrets["SERVER_TRAFFIC_SECRET_0"]) == b"secret answer"
    assert opened(question, secrets["CLIENT_TRAFFIC_SECRET_0"]) == b"secret question"


def opened(data: bytes, secret: bytes) -> bytes:
    """The content of the protected records."""
    suite = CATALOGUE.suite_named("TLS_AES_128_GCM_SHA256")
    assert suite is not None
    while data[0] != 23:
        data = data[5 + int.from_bytes(data[3:5], "big") :]
    reader = RecordReader()
    reader.install(Opener13(suite.aead, *traffic_keys(suite.hash, secret, suite.aead)))
    reader.feed(data)
    content = b""
    while record := reader.read():
        content += record[1]
    return content


def messages(data: bytes) -> list[int]:
    """The types of the handshake messages."""
    kinds = []
    while data:
        kinds.append(data[0])
        data = data[4 + int.from_bytes(data[1:4], "big") :]
    return kinds


def test_without_a_key_log_nothing_is_told() -> None:
    _, lines = keylogged()
    silent = Pair(
        Side(Connection.client(client_config(), pki.NAME)), Side(Connection.server(server_config()))
    )
    silent.pump().check()
    assert lines == {"client": [], "server": []}


def test_secrets_are_not_in_what_people_print() -> None:
    sides, lines = keylogged()
    sides.pump().check()
    secrets = [line.split(" ")[2] for line in lines["client"]]
    connection = sides.client.connection
    shown = repr(connection) + repr(connection._established) + repr(connection._config) + repr(sides)
    for secret in secrets:
        assert secret not in shown
        assert repr(bytes.fromhex(secret))[2:-1] not in shown


def test_update_keys_and_send_need_an_open_side() -> None:
    done = shaken(client_config(policy=evolve(LIGHT, record_padding=64)))
    done.client.connection.close()
    with pytest.raises(LocalError) as caught:
        done.client.connection.update_keys()
    assert caught.value.reason is LocalMistake.WRONG_STATE
