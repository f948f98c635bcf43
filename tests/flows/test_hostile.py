"""Hostile peers: every way to misbehave has its reason and its alert, and the victim is closed for good."""

from __future__ import annotations

import pytest

from suitor.connection import Connection
from suitor.errors import ConnectionEnded, Ended, PeerMisbehaved, ProtocolError, SuitorError
from suitor.plug import CredentialRequest, Job, Selected
from suitor.record.reader import WAITING_LIMIT
from tests.flows import attacks_on_both as both
from tests.flows.attack import Attack
from tests.flows.attacks_on_client import ON_CLIENT
from tests.flows.attacks_on_server import ON_SERVER
from tests.support import pki
from tests.support.pairs import Pair, Side, client_config, pair, server_config

ATTACKS_ON_SERVER = [*ON_SERVER, *both.FIRST, *both.LATER, *both.LATER_ON_SERVER]
ATTACKS_ON_CLIENT = [*ON_CLIENT, *both.FIRST, *both.LATER, *both.LATER_ON_CLIENT]


def named(attacks: list[Attack]) -> list[object]:
    return [pytest.param(attack, id=attack.name.replace(" ", "-")) for attack in attacks]


OF_TLS12 = {
    PeerMisbehaved.BAD_RENEGOTIATION_INFO,
    PeerMisbehaved.CERTIFICATE_UNFIT,
    PeerMisbehaved.INAPPROPRIATE_FALLBACK,
    PeerMisbehaved.NO_UNCOMPRESSED_POINTS,
    PeerMisbehaved.TOO_MANY_RENEGOTIATIONS,
}
"""Told by tests/flows/test_tls12.py."""


def test_the_tables_cover_every_reason() -> None:
    told = {attack.reason for attack in (*ATTACKS_ON_SERVER, *ATTACKS_ON_CLIENT)}
    assert set(PeerMisbehaved) - told - OF_TLS12 == {PeerMisbehaved.TOO_MUCH_WAITING}, (
        "see the test of waiting below"
    )


@pytest.mark.parametrize("attack", named(ATTACKS_ON_SERVER))
def test_a_server_is_attacked(attack: Attack) -> None:
    pair = attack.on_server()
    check_over(attack, pair.server, pair.client)


@pytest.mark.parametrize("attack", named(ATTACKS_ON_CLIENT))
def test_a_client_is_attacked(attack: Attack) -> None:
    pair = attack.on_client()
    check_over(attack, pair.client, pair.server)


def check_over(attack: Attack, victim: Side, villain: Side) -> None:
    """The victim failed for that reason, told the villain so, and stays failed."""
    error = victim.error
    assert isinstance(error, ProtocolError), error
    assert error.reason is attack.reason, error
    assert error.alert is attack.alert
    if attack.raw is not None:
        alert = b"\x15\x03\x03\x00\x02\x02" + bytes([attack.alert])
        assert victim.take().endswith(alert)
    elif not attack.deaf:
        told = villain.error
        assert isinstance(told, ConnectionEnded), told
        assert (told.reason, told.peer_alert) == (Ended.PEER_ALERT, attack.alert)
    assert_closed(victim.connection, error)


def assert_closed(connection: Connection, error: SuitorError) -> None:
    assert connection.closed
    assert connection.data_to_send() == b""
    for call in (
        lambda: connection.receive(b"\x16\x03\x03\x00\x01\x00"),
        lambda: connection.receive(b""),
        lambda: connection.send(b"x"),
        lambda: connection.update_keys(),
        lambda: list(connection.events()),
    ):
        with pytest.raises(type(error)) as caught:
            call()
        assert caught.value is error
    connection.close()
    assert connection.data_to_send() == b""


class Slow:
    """A credentials stage whose job takes as long as a test likes."""

    name = "slow"

    def select(self, request: CredentialRequest) -> Job[Selected]:
        return Job(lambda: Selected((pki.credential(),)))


def test_what_may_wait_for_a_job_is_limited() -> None:
    side = Side(Connection.server(server_config(credentials=Slow())))
    side.feed(bytes(Connection.client(client_config(), pki.NAME).data_to_send()))
    piece = b"\x17\x03\x03\x40\x00" + bytes(16_384)
    fed = 0
    while side.error is None:
        side.feed(piece)
        fed += len(piece)
    assert side.error.reason is PeerMisbehaved.TOO_MUCH_WAITING
    assert WAITING_LIMIT < fed <= WAITING_LIMIT + 2 * len(piece)


@pytest.mark.parametrize("late", [b"\x14", bytes(range(60))])
def test_a_message_behind_the_hello_is_found_after_a_job_too(late: bytes) -> None:
    """RFC 8446 section 5.1: what came before the keys changed must not be read as if it came after."""
    client = Connection.client(client_config(), pki.NAME)
    hello = bytes(client.data_to_send())
    size = int.from_bytes(hello[3:5], "big") + len(late)
    sides = Pair(Side(client), Side(Connection.server(server_config(credentials=Slow()))))
    sides.server.feed(hello[:3] + size.to_bytes(2, "big") + hello[5:] + late)
    assert sides.server.error is None
    sides.server.run_jobs()
    assert sides.server.error is not None
    assert sides.server.error.reason is PeerMisbehaved.KEY_CHANGE_NOT_ALIGNED


def test_an_honest_pair_is_not_refused() -> None:
    pair().pump().check().exchange()
