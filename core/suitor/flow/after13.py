"""After the handshake in TLS 1.3 (RFC 8446 section 4.6): KeyUpdate both ways, tickets, exporters."""

from __future__ import annotations

from suitor.errors import LocalError, LocalMistake, PeerMisbehaved, ProtocolError
from suitor.events import ConnectionInfo, Event, KeyUpdated
from suitor.flow.handshake import Handshake
from suitor.keys.schedule import export, next_traffic_secret
from suitor.plug.interfaces import Cipher, Hash
from suitor.record.protection import HANDSHAKE
from suitor.record.protection13 import Opener13, Sealer13
from suitor.wire.codec import message_name
from suitor.wire.messages import (
    KEY_UPDATE,
    NEW_SESSION_TICKET,
    decode_key_update,
    decode_new_session_ticket,
    encode_key_update,
)


class After13:
    """What the connection keeps: the traffic secrets, which move on with each KeyUpdate."""

    __slots__ = (
        "_cipher",
        "_counts",
        "_exporter_secret",
        "_extensions",
        "_hash",
        "_is_client",
        "_padding",
        "_read_secret",
        "_reader",
        "_write_secret",
        "_writer",
        "info",
        "owes_answer",
    )

    def __init__(
        self,
        hs: Handshake,
        info: ConnectionInfo,
        hash_: Hash,
        cipher: Cipher,
        secrets: tuple[bytes, bytes, bytes],
        *,
        is_client: bool,
    ) -> None:
        """``secrets`` are this side's traffic secret, the peer's, and the exporter's."""
        self.info = info
        self._hash = hash_
        self._cipher = cipher
        self._write_secret, self._read_secret, self._exporter_secret = secrets
        self._is_client = is_client
        self._reader, self._writer = hs.reader, hs.writer
        self._counts = hs.counts
        self._extensions = hs.config.policy.limits.extensions
        self._padding = hs.config.policy.record_padding
        self.owes_answer = False

    def receive(self, raw: bytes) -> Event | None:
        """A handshake message after the handshake."""
        if raw[0] == KEY_UPDATE:
            return self._receive_key_update(decode_key_update(raw))
        if raw[0] == NEW_SESSION_TICKET and self._is_client:
            self._counts.ticket()
            decode_new_session_ticket(raw, self._extensions)
            return None
        raise ProtocolError(PeerMisbehaved.UNEXPECTED_MESSAGE, f"{message_name(raw[0])} after the handshake")

    def _receive_key_update(self, requested: bool) -> KeyUpdated:
        """Section 4.6.3: the peer's next record uses its next key."""
        self._counts.key_update()
        self._read_secret = next_traffic_secret(self._hash, self._read_secret)
        self._reader.install(Opener13.of(self._hash, self._cipher, self._read_secret))
        self.owes_answer = self.owes_answer or requested
        return KeyUpdated(requested)

    def answer(self) -> bytes:
        """One update, however many requests came together (section 4.6.3); the message that was sent."""
        return self.update_keys(request=False)

    def update_keys(self, *, request: bool) -> bytes:
        """Change this side's keys; the message that was sent."""
        self.owes_answer = False
        raw = encode_key_update(request)
        self._writer.write(HANDSHAKE, raw)
        self._write_secret = next_traffic_secret(self._hash, self._write_secret)
        self._writer.sealer = Sealer13.of(self._hash, self._cipher, self._write_secret, self._padding)
        return raw

    def export(self, label: bytes, context: bytes, length: int) -> bytes:
        """Section 7.5. ``label`` has at most 249 bytes, ``length`` is at most 255 digests."""
        if not 0 < length <= 255 * self._hash.digest_size or len(label) > 249:
            raise LocalError(LocalMistake.BAD_INPUT, "an exporter's label or length is out of range")
        return export(self._hash, self._exporter_secret, label, context, length)
