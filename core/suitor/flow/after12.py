"""After the handshake in TLS 1.2: renegotiation is refused (RFC 5246 section 7.2.2), exporters (RFC 5705)."""

from __future__ import annotations

from suitor.errors import Alert, LocalError, LocalMistake, PeerMisbehaved, ProtocolError
from suitor.events import ConnectionInfo, Event
from suitor.flow.handshake import Handshake
from suitor.keys.prf12 import export12
from suitor.record.protection import ALERT
from suitor.steps.keys12 import Keys12
from suitor.wire.codec import HandshakeType, message_name
from suitor.wire.messages12 import check_empty


class After12:
    """What the connection keeps of a handshake of TLS 1.2."""

    owes_answer = False

    __slots__ = ("_counts", "_is_client", "_keys", "_writer", "info")

    def __init__(self, hs: Handshake, info: ConnectionInfo, keys: Keys12, *, is_client: bool) -> None:
        self.info = info
        self._keys = keys
        self._is_client = is_client
        self._writer = hs.writer
        self._counts = hs.counts

    def receive(self, raw: bytes) -> Event | None:
        """HelloRequest, or a ClientHello, asks for a renegotiation: a warning says no (section 7.2.2)."""
        wish = HandshakeType.HELLO_REQUEST if self._is_client else HandshakeType.CLIENT_HELLO
        if raw[0] != wish:
            text = f"{message_name(raw[0])} after the handshake"
            raise ProtocolError(PeerMisbehaved.UNEXPECTED_MESSAGE, text)
        if self._is_client:
            check_empty(raw)
        self._counts.renegotiation()
        self._writer.write(ALERT, bytes((1, Alert.NO_RENEGOTIATION)))
        return None

    def answer(self) -> bytes:
        """Never owed: there is no KeyUpdate."""
        raise LocalError(LocalMistake.NO_KEY_UPDATE)

    def update_keys(self, *, request: bool) -> bytes:
        """TLS 1.2 has no KeyUpdate: its key is used up, or the wish makes no sense."""
        raise LocalError(LocalMistake.NO_KEY_UPDATE)

    def export(self, label: bytes, context: bytes, length: int) -> bytes:
        """RFC 5705 section 4, with a context (empty, if ``context`` is)."""
        keys = self._keys
        if not 0 < length <= 1 << 16 or len(context) > 0xFFFF:
            raise LocalError(LocalMistake.BAD_INPUT, "an exporter's length is out of range")
        return export12(
            keys.suite.hash, keys.master, keys.client_random, keys.server_random, label, context, length
        )
