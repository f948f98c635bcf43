"""What every flow shares: the transcript, the flight being written, keys being installed, and slow stages."""

from __future__ import annotations

from collections.abc import Callable, Generator
from time import perf_counter
from typing import Any, Protocol, TypeVar

from attrs import frozen

from suitor.config import ClientConfig, ServerConfig
from suitor.counts import Counts
from suitor.errors import (
    NegotiationError,
    NoAgreement,
    SuitorError,
    VerificationError,
    plugin_failed,
)
from suitor.events import ConnectionInfo, Event, TraceEntry, TraceKind
from suitor.plug.interfaces import Hash, Job, UnknownName, VerificationFailed
from suitor.record.protection import CHANGE_CIPHER_SPEC, HANDSHAKE, Opener, Sealer, plaintext_record
from suitor.record.reader import RecordReader
from suitor.record.writer import RecordWriter
from suitor.usable import Usable, usable
from suitor.wire.codec import HandshakeType, message, message_name

T = TypeVar("T")


@frozen
class Receive:
    """A flow's request: the next handshake message, which must be one of these types."""

    types: frozenset[int]
    names: str

    @classmethod
    def of(cls, *types: HandshakeType) -> Receive:
        return cls(frozenset(map(int, types)), " or ".join(message_name(t) for t in types))


@frozen
class Wait:
    """A flow's request: the result of a stage's slow job."""

    job: Job[Any]


@frozen
class ReceiveChangeCipherSpec:
    """A flow's request in TLS 1.2: the record that announces the peer's keys (RFC 5246 section 7.1)."""


Request = Receive | Wait | ReceiveChangeCipherSpec

Flow = Generator[Request, Any, T]
"""Yields requests; is sent a message's bytes (header included) or a job's result; returns T."""


class Established(Protocol):
    """What a finished handshake leaves to the connection, by version. ``owes_answer``: the peer's messages call
    for one."""

    info: ConnectionInfo
    owes_answer: bool

    def receive(self, raw: bytes) -> Event | None:
        """A handshake message after the handshake, and what to report of it."""
        ...

    def answer(self) -> bytes:
        """Send what the peer's messages call for; the message."""
        ...

    def update_keys(self, *, request: bool) -> bytes:
        """Change this side's sending keys; the message that was sent."""
        ...

    def export(self, label: bytes, context: bytes, length: int) -> bytes:
        """Keying material; ``length`` in bytes. Raises LocalError."""
        ...


class Transcript:
    """The handshake's messages, hashed (RFC 8446 section 4.4.1). Pieces are joined before they are hashed."""

    __slots__ = ("_hash", "_kept", "_pieces", "_state")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._state: Any = None
        self._hash: Hash | None = None
        self._kept: list[bytes] | None = None

    def keep(self) -> None:
        """Keep the messages themselves too: CertificateVerify of TLS 1.2 signs them (RFC 5246 section 7.4.8)."""
        self._kept = list(self._pieces)

    def messages(self) -> bytes:
        """All messages since the first, of a transcript that keeps them; they are kept no longer."""
        kept, self._kept = self._kept or [], None
        return b"".join(kept)

    def add(self, raw: bytes) -> None:
        self._pieces.append(raw)
        if self._kept is not None:
            self._kept.append(raw)

    def use(self, hash_: Hash) -> None:
        """The suite is known now, and with it the hash."""
        if self._hash is not hash_:
            self._hash = hash_
            self._state = hash_.new()

    def digest(self) -> bytes:
        """Transcript-Hash of all messages so far."""
        if self._pieces:
            self._state.update(b"".join(self._pieces))
            self._pieces.clear()
        digest: bytes = self._state.copy().digest()
        return digest

    def replace_with_hash(self) -> None:
        """A HelloRetryRequest is coming: the first ClientHello counts as its hash (section 4.4.1)."""
        assert self._hash is not None
        self._pieces = [message(HandshakeType.MESSAGE_HASH, self.digest())]
        self._state = self._hash.new()


class Handshake:
    """One handshake in progress. Flows and steps talk to the record layer only through it.

    ``compatible``: this side plays TLS 1.2 for middleboxes (RFC 8446 appendix D.4). ``change_cipher_specs`` counts
    what the peer plays; with ``tls12`` chosen, it is no play any more.
    """

    __slots__ = (
        "_ccs_sent",
        "_flight",
        "change_cipher_specs",
        "client_random",
        "compatible",
        "config",
        "counts",
        "have",
        "reader",
        "tls12",
        "transcript",
        "writer",
    )

    def __init__(
        self, config: ClientConfig | ServerConfig, reader: RecordReader, writer: RecordWriter
    ) -> None:
        self.config = config
        self.counts = Counts(config.policy.limits)
        self.have: Usable = usable(config.policy, config.catalogue)
        self.reader = reader
        self.writer = writer
        self.transcript = Transcript()
        self.client_random = b""
        self.compatible = False
        self.change_cipher_specs = 0
        self.tls12 = False
        self._flight: list[bytes] = []
        self._ccs_sent = False

    def send(self, raw: bytes) -> None:
        """Append a message to the flight and to the transcript."""
        self.transcript.add(raw)
        self._flight.append(raw)
        if self.config.trace is not None:
            self.trace(TraceKind.MESSAGE, message_name(raw[0]), True, len(raw), raw)

    def flush(self, version: int = 0x0303) -> None:
        """Write the flight in as few records as it fits in."""
        if self._flight:
            self.writer.write(HANDSHAKE, b"".join(self._flight), version)
            self._flight.clear()

    def change_cipher_spec(self) -> None:
        """Middlebox compatibility (RFC 8446 appendix D.4): one meaningless record, once."""
        if self.compatible and not self._ccs_sent:
            self.flush()
            self.writer.raw(plaintext_record(CHANGE_CIPHER_SPEC, b"\x01"))
            self._ccs_sent = True

    def write_with(self, sealer: Sealer, name: str) -> None:
        """Protect what is sent from here on."""
        self.flush()
        self.writer.sealer = sealer
        self.trace(TraceKind.KEYS, name, True)

    def read_with(self, opener: Opener, name: str) -> None:
        """Expect what comes from here on to be protected."""
        self.reader.install(opener)
        self.trace(TraceKind.KEYS, name, False)

    def keylog(self, label: str, secret: bytes) -> None:
        """One SSLKEYLOGFILE line (RFC 9850 section 2), when asked for."""
        if self.config.keylog is not None:
            self.config.keylog(f"{label} {self.client_random.hex()} {secret.hex()}")

    def trace(self, kind: TraceKind, name: str, sent: bool, size: int = 0, detail: Any = None) -> None:
        if self.config.trace is not None:
            self.config.trace(TraceEntry(kind, name, sent, size, perf_counter(), detail))


def ask(what: str, call: Callable[[], T | Job[T]], kind: type[T]) -> Flow[T]:
    """Ask a stage, waiting for its job if it hands one over, and turn its exceptions, and an answer that is not
    of that ``kind``, into named errors."""
    try:
        answer = call()
        if isinstance(answer, Job):
            answer = yield Wait(answer)
    except VerificationFailed as failed:
        raise VerificationError(failed.reason, failed.detail) from failed
    except UnknownName as unknown:
        raise NegotiationError(NoAgreement.UNRECOGNIZED_NAME, str(unknown)) from unknown
    except SuitorError:
        raise
    except Exception as error:
        raise plugin_failed(what, "the stage's answer", error) from error
    if not isinstance(answer, kind):
        raise plugin_failed(what, "the stage's answer", f"is not {kind.__name__}")
    return answer
