"""What a connection reports: events, the summary of what was agreed, and trace entries for people who look."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from attrs import field, frozen

from suitor.decision import Decision
from suitor.plug.interfaces import Job, VerifiedPeer


@frozen
class ConnectionInfo:
    """What the two sides agreed on. Names are IANA's; ``retried`` says a HelloRetryRequest was needed.
    ``group`` and ``signature`` are None where TLS 1.2 has none."""

    version: str
    suite: str
    group: str | None
    signature: str | None
    server_name: str | None
    alpn: str | None
    retried: bool
    peer: VerifiedPeer | None
    credential: str | None
    decision: Decision
    extensions: Mapping[str, Any] = field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The same as plain JSON data, without keys or certificates' bytes."""
        return {
            "version": self.version,
            "suite": self.suite,
            "group": self.group,
            "signature": self.signature,
            "server_name": self.server_name,
            "alpn": self.alpn,
            "retried": self.retried,
            "peer": None
            if self.peer is None
            else {
                "subject": self.peer.subject,
                "names": list(self.peer.names),
                "verified": self.peer.verified,
                "stage": self.peer.stage,
            },
            "credential": self.credential,
            "extensions": dict(self.extensions),
        }


@frozen
class HandshakeCompleted:
    """Both Finished messages are verified; application data may flow."""

    info: ConnectionInfo


@frozen
class DataReceived:
    """Application data, decrypted and authenticated, in order."""

    data: bytes = field(repr=False)


@frozen
class PeerClosed:
    """The peer's close_notify: it sends no more (RFC 8446 section 6.1). This side may still send."""


@frozen
class KeyUpdated:
    """The peer changed its sending keys (RFC 8446 section 4.6.3); ``requested`` says it asked for ours too."""

    requested: bool


@frozen
class JobNeeded:
    """A stage needs something slow. Run ``job.run()`` wherever waiting is fine and call ``Connection.job_done``
    (or ``job_failed``) with its result; the handshake goes on from there."""

    job: Job[Any]


Event = HandshakeCompleted | DataReceived | PeerClosed | KeyUpdated | JobNeeded


class TraceKind(Enum):
    """What a trace entry is about."""

    MESSAGE = "message"
    KEYS = "keys"
    DECISION = "decision"
    ALERT = "alert"
    STAGE = "stage"


@frozen
class TraceEntry:
    """One step of a handshake, for narrators: ``size`` in bytes, ``time`` from time.perf_counter().

    ``detail`` is the message's bytes where one of the handshake is sent, the Decision, or a stage's answer.
    """

    kind: TraceKind
    name: str
    sent: bool
    size: int
    time: float
    detail: Any = field(default=None, repr=False)
