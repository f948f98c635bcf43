"""One row of the tables of attacks, and how it is run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import Factory, frozen

from suitor.config import ClientConfig, ServerConfig
from suitor.connection import Connection
from suitor.errors import Alert, Reason
from tests.support import pki
from tests.support.hostile import Edit, Villain
from tests.support.pairs import Pair, Side, client_config, server_config


@frozen
class Attack:
    """What a hostile peer does, and what its victim must say.

    ``edits`` change the villain's handshake, ``after`` is done when it is complete, ``raw`` are its first bytes
    instead of a handshake. ``client`` and ``server`` are options of the two sides. ``deaf``: the villain has
    lost the keys to read the alert with.
    """

    name: str
    reason: Reason
    alert: Alert
    rule: str
    edits: Sequence[Edit] = ()
    after: Callable[[Villain], object] | None = None
    raw: bytes | None = None
    client: Mapping[str, Any] = Factory(dict)
    server: Mapping[str, Any] = Factory(dict)
    deaf: bool = False

    def on_server(self) -> Pair:
        """Run it against a server."""
        config = client_config(**self.client)
        villain = Villain.as_client(config, pki.NAME, self.edits)
        pair = Pair(Side(villain), Side(Connection.server(self._server())))
        return self._run(pair, villain, pair.server)

    def on_client(self) -> Pair:
        """Run it against a client."""
        villain = Villain.as_server(self._server(), self.edits)
        pair = Pair(Side(Connection.client(self._client(), pki.NAME)), Side(villain))
        return self._run(pair, villain, pair.client)

    def _client(self) -> ClientConfig:
        return client_config(**self.client)

    def _server(self) -> ServerConfig:
        return server_config(**self.server)

    def _run(self, pair: Pair, villain: Villain, victim: Side) -> Pair:
        if self.raw is not None:
            victim.feed(self.raw)
            return pair
        pair.pump()
        if self.after is not None:
            pair.check()
            self.after(villain)
            pair.pump()
        return pair
