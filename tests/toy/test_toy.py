"""The core with nothing but toys: every algorithm and stage is a plugin, or this could not work."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from attrs import evolve

from suitor.connection import Connection
from suitor.decision import Offer
from suitor.errors import (
    LocalError,
    NegotiationError,
    NoAgreement,
    PeerMisbehaved,
    SuitorError,
    Untrusted,
)
from suitor.negotiate import negotiate
from suitor.plug import CredentialRequest, Selected
from tests.toy import scene, toys


def test_the_catalogue_has_only_toys() -> None:
    catalogue = scene.CATALOGUE
    assert not catalogue.problems
    assert set(catalogue.groups) == {0xFE00, 0xFE0F}
    assert set(catalogue.suites) == {0xFF42}
    assert set(catalogue.signatures) == {0xFE01}
    assert {origin.distribution for origin in catalogue.origins.values()} == {"toy"}


def test_a_handshake() -> None:
    client, server = scene.shake(scene.client_config(explain=True), scene.server_config(explain=True))
    for connection in (client, server):
        info = connection.info
        assert info is not None
        assert (info.suite, info.group, info.signature) == (
            "TLS_TOYXOR_TOYCRC",
            "toy_xor_large",
            "toy_checksum",
        )
        assert not info.retried
        assert "toy_xor_large" in {note.candidate for note in info.decision.notes}
    assert client.info is not None
    assert client.info.peer is not None
    assert client.info.peer.names == (scene.NAME,)
    assert client.info.extensions == {"toy_greeting": {"heard": "olleh"}}
    assert server.info is not None
    assert server.info.extensions == {"toy_greeting": {"heard": "hello"}}


def test_everything_else() -> None:
    scene.everything()


@pytest.mark.parametrize("size", [0, 1, 16_384, 16_385, 200_000])
def test_data(size: int) -> None:
    client, server = scene.shake(scene.client_config(), scene.server_config())
    client.send(bytes(size))
    assert scene.pump(client, server) == (b"", bytes(size))


def test_certificates_are_compressed_with_a_toy() -> None:
    sizes = []
    for compress in (True, False):
        policy = evolve(scene.POLICY, certificate_compression=compress)
        server = scene.server_config(
            credentials=scene.stage("credentials", identities=(toys.identity(scene.NAME, 5000),))
        )
        ours, theirs = (
            Connection.client(scene.client_config(policy=policy), scene.NAME),
            Connection.server(server),
        )
        theirs.receive(ours.data_to_send())
        flight = theirs.data_to_send()
        sizes.append(len(flight))
        ours.receive(flight)
        scene.pump(ours, theirs)
        assert ours.info is not None
    assert sizes[0] < sizes[1] - 4000


def test_keys_wear_out_and_are_changed() -> None:
    client, server = scene.shake(scene.client_config(), scene.server_config())
    for _ in range(2 * toys.XorCipher.record_limit):
        client.send(b"x")
    assert scene.pump(client, server)[1] == b"x" * 2 * toys.XorCipher.record_limit


def test_the_checksum_is_a_tag() -> None:
    client, server = scene.shake(scene.client_config(), scene.server_config())
    client.send(b"x")
    data = client.data_to_send()
    server.receive(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(SuitorError) as caught:
        list(server.events())
    assert caught.value.reason is PeerMisbehaved.BAD_RECORD_MAC


@pytest.mark.parametrize(
    ("name", "reason"),
    [("nobody.example", NoAgreement.UNRECOGNIZED_NAME), ("other.example", None)],
)
def test_names(name: str, reason: NoAgreement | None) -> None:
    if reason is None:
        client, _ = scene.shake(scene.client_config(), scene.server_config(), name)
        assert client.info is not None
        return
    with pytest.raises(NegotiationError) as caught:
        scene.shake(scene.client_config(), scene.server_config(), name)
    assert caught.value.reason is reason


def test_a_toy_stage_refuses() -> None:
    class Confused(toys.ToyCredentials):
        def select(self, request: CredentialRequest) -> Selected:
            return Selected(self.identities[:1])

    server = scene.server_config(credentials=Confused((toys.identity("other.example"),)))
    with pytest.raises(SuitorError) as caught:
        scene.shake(scene.client_config(), server)
    assert caught.value.reason is Untrusted.NAME_MISMATCH


def test_the_built_in_policy_finds_nothing_here() -> None:
    from suitor.policy import MODERN

    with pytest.raises(LocalError):
        Connection.client(scene.client_config(policy=MODERN), scene.NAME)


def test_negotiation_alone() -> None:
    offer = Offer((0x0304,), (0x1301, 0xFF42), (0x001D, 0xFE00), (0xFE00,), (0x0403, 0xFE01))
    agreement = negotiate(offer, scene.POLICY, scene.CATALOGUE).agreement
    assert agreement is not None
    assert agreement.group is not None
    assert (agreement.suite.code, agreement.group.code, agreement.retry) == (0xFF42, 0xFE00, False)


def test_nothing_built_in_is_ever_imported() -> None:
    """In a process of its own, for other tests import what they like."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.toy.scene"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "complete; built-in modules: []"
