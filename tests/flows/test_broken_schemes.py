"""A signature scheme that breaks its contract while the server chooses."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from suitor import Alert, ConnectionEnded, LocalMistake
from tests.support.pairs import CATALOGUE, pair, server_config


class Broken:
    name = "ecdsa_secp256r1_sha256"
    code = 0x0403
    strength = 128
    handshake13 = True

    def accepts(self, public_key: Any) -> bool:
        raise ZeroDivisionError

    def sign(self, private_key: Any, data: bytes) -> bytes:
        return b""

    def verify(self, public_key: Any, signature: bytes, data: bytes) -> None:
        return None


def test_a_scheme_that_raises_when_asked_about_a_key() -> None:
    catalogue = evolve(CATALOGUE, signatures={**CATALOGUE.signatures, Broken.code: Broken()})
    made = pair(server=server_config(catalogue=catalogue)).pump()
    assert made.server.error is not None
    assert made.server.error.reason is LocalMistake.PLUGIN_FAILED
    assert Broken.name in made.server.error.detail
    assert isinstance(made.client.error, ConnectionEnded)
    assert made.client.error.peer_alert == Alert.INTERNAL_ERROR
