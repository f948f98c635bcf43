"""The sans-IO engine: bytes in, bytes and events out."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from time import perf_counter
from typing import Any

from suitor.config import ClientConfig, ServerConfig
from suitor.errors import (
    Alert,
    ConnectionEnded,
    Ended,
    LocalError,
    LocalMistake,
    PeerMisbehaved,
    ProtocolError,
    SuitorError,
    alert_name,
)
from suitor.events import (
    ConnectionInfo,
    DataReceived,
    Event,
    HandshakeCompleted,
    JobNeeded,
    PeerClosed,
    TraceEntry,
    TraceKind,
)
from suitor.flow.client import client
from suitor.flow.handshake import (
    Established,
    Flow,
    Handshake,
    Receive,
    ReceiveChangeCipherSpec,
    Request,
    Wait,
)
from suitor.flow.server import server
from suitor.joiner import Joiner
from suitor.names import parse_server_name
from suitor.plug.interfaces import Job
from suitor.record.protection import (
    ALERT,
    APPLICATION_DATA,
    CHANGE_CIPHER_SPEC,
    HANDSHAKE,
    MAX_PLAINTEXT,
    Opener,
)
from suitor.record.reader import RecordReader
from suitor.record.writer import RecordWriter
from suitor.steps.client_hello import check_something_to_offer
from suitor.wire.codec import message_name

_RESERVED_RECORDS = 8
"""Records of every key kept back for the KeyUpdate and alerts that end its use."""


class Connection:
    """One TLS connection without any network.

    Drive it like this, in either role::

        conn = Connection.client(config, "example.com")     # or Connection.server(config)
        sock.sendall(conn.data_to_send())
        while ...:
            conn.receive(sock.recv(65536))                  # b"" tells that the transport ended
            for event in conn.events():                     # raises a SuitorError after the last good event
                ...
            sock.sendall(conn.data_to_send())               # also after an error: the alert is in there

    After an error ``data_to_send`` holds the alert and every other call raises the same error again.
    """

    __slots__ = (
        "_config", "_counts", "_established", "_events", "_failure", "_flow", "_hs", "_is_client",
        "_joiner", "_peer_closed", "_reader", "_started", "_waiting", "_wanted",
        "_write_closed", "_writer",
    )  # fmt: skip

    def __init__(self, config: ClientConfig | ServerConfig) -> None:
        self._config = config
        self._is_client = isinstance(config, ClientConfig)
        self._reader = RecordReader()
        self._writer = RecordWriter()
        self._joiner = Joiner(config.policy.limits)
        self._events: deque[Event] = deque()
        self._failure: SuitorError | None = None
        self._established: Established | None = None
        hs = Handshake(config, self._reader, self._writer)
        self._hs: Handshake | None = hs
        self._flow: Flow[Established] | None = None
        self._wanted: Request | None = None
        self._peer_closed = self._write_closed = self._waiting = False
        self._started = False
        self._counts = hs.counts

    @classmethod
    def client(cls, config: ClientConfig, server_name: str | None = None) -> Connection:
        """A client for ``server_name`` (DNS name or IP address; None sends no SNI and leaves the name to the
        verification stage). The ClientHello is ready to send at once. Raises LocalError when the policy
        leaves nothing to offer, or the name is bad."""
        name, sni = (None, None) if server_name is None else parse_server_name(server_name)
        self = cls(config)
        assert self._hs is not None
        self._begin(client(self._hs, config, name, sni))
        return self

    @classmethod
    def server(cls, config: ServerConfig) -> Connection:
        """A server, waiting for a ClientHello. Raises LocalError when the policy leaves nothing to accept."""
        self = cls(config)
        assert self._hs is not None
        check_something_to_offer(self._hs.have)
        self._begin(server(self._hs, config))
        return self

    def _begin(self, flow: Flow[Established]) -> None:
        self._flow = flow
        self._advance(None)

    # --- what the caller does -----------------------------------------------------------------------------

    def receive(self, data: bytes | bytearray | memoryview) -> None:
        """Take bytes from the transport, any number. Empty means that the transport ended, so don't hand on the
        empty result of another connection's ``data_to_send``."""
        if self._failure is not None:
            raise self._failure
        if self._peer_closed or (self._write_closed and self._established is None):
            # RFC 8446 section 6.1: whatever follows close_notify is ignored.
            return
        try:
            if not len(data):
                reason = Ended.TRUNCATED if self._established else Ended.CLOSED_DURING_HANDSHAKE
                raise ConnectionEnded(reason)
            self._reader.feed(data)
            self._process()
        except SuitorError as error:
            self._fail(error)
        except Exception as error:  # noqa: BLE001 - the last net: whatever it was, the connection is over
            self._fail_unforeseen(error)
        finally:
            self._reader.rest()

    def events(self) -> Iterator[Event]:
        """What happened since the last call, in order; then raises the SuitorError that ended it, if one did."""
        events = self._events
        while events:
            yield events.popleft()
        if self._failure is not None:
            raise self._failure

    def data_to_send(self) -> bytes | bytearray:
        """The bytes to write to the transport now; each is handed out once, and belongs to the caller then."""
        return self._writer.drain()

    def send(self, data: bytes | bytearray | memoryview) -> None:
        """Protect application data for the peer, changing keys before one is used up (RFC 8446 section 5.5).

        Raises LocalError(WRONG_STATE) before the handshake is done and after ``close``.
        """
        done = self._check_writable()
        if done.owes_answer:
            self._answer(done)
        writer = self._writer
        sealer = writer.sealer
        if type(data) is memoryview and (data.ndim != 1 or data.itemsize != 1):
            data = data.cast("B")
        if len(data) <= MAX_PLAINTEXT and sealer is not None and sealer.left > _RESERVED_RECORDS:
            if data:
                writer.write(APPLICATION_DATA, data)
            return
        rest = memoryview(data)
        while len(rest):
            sealer = writer.sealer
            assert sealer is not None
            room = (sealer.left - _RESERVED_RECORDS) * MAX_PLAINTEXT
            if room <= 0:
                self._update_keys(done, request=False)
                continue
            writer.write(APPLICATION_DATA, rest[:room])
            rest = rest[room:]

    def close(self) -> None:
        """Send close_notify: this side sends no more, and may still receive (RFC 8446 section 6.1). Before the
        handshake is done it is given up, with user_canceled ahead, and whatever still comes is ignored."""
        if self._failure is None and not self._write_closed:
            self._write_closed = True
            if self._established is None:
                self._flow = self._hs = self._wanted = None
                self._reader.forget()
                self._alert(1, Alert.USER_CANCELED)
            self._alert(1, Alert.CLOSE_NOTIFY)

    def update_keys(self, *, request: bool = False) -> None:
        """Change this side's sending keys (RFC 8446 section 4.6.3); ``request`` asks the peer to change too."""
        self._update_keys(self._check_writable(), request=request)

    def export(self, label: bytes, context: bytes, length: int) -> bytes:
        """Keying material for another protocol (RFC 8446 section 7.5, RFC 5705). ``label`` is ASCII of at most
        249 bytes, ``length`` in bytes, at most 255 digests. Raises LocalError."""
        if self._established is None:
            raise LocalError(LocalMistake.EXPORTER_NOT_READY)
        return self._established.export(label, context, length)

    def job_done(self, job: Job[Any], result: Any) -> None:
        """The result of a job that a JobNeeded event asked for; the handshake goes on."""
        self._resume(job, result, None)

    def job_failed(self, job: Job[Any], error: Exception) -> None:
        """The job raised: counts as if the stage had raised it."""
        self._resume(job, None, error)

    @property
    def info(self) -> ConnectionInfo | None:
        """What was agreed, once the handshake is complete."""
        return self._established.info if self._established else None

    @property
    def handshake_complete(self) -> bool:
        return self._established is not None

    @property
    def peer_closed(self) -> bool:
        """The peer's close_notify came: there is nothing more to read."""
        return self._peer_closed

    @property
    def closed(self) -> bool:
        """Nothing more can be sent or received: failed, given up, or close_notify went both ways."""
        return self._failure is not None or (
            self._write_closed and (self._peer_closed or self._established is None)
        )

    def __repr__(self) -> str:
        role = "client" if self._is_client else "server"
        state = "closed" if self.closed else "open" if self._established else "in handshake"
        return f"<suitor.Connection {role}, {state}>"

    # --- the flow -----------------------------------------------------------------------------------------

    def _advance(self, value: Any, error: Exception | None = None) -> None:
        """Run the flow up to its next request."""
        assert self._flow is not None and self._hs is not None
        try:
            wanted = self._flow.send(value) if error is None else self._flow.throw(error)
        except StopIteration as stop:
            self._hs.flush()
            self._established = stop.value
            self._flow = self._hs = self._wanted = None
            self._waiting = False
            self._events.append(HandshakeCompleted(stop.value.info))
            return
        self._wanted = wanted
        self._waiting = isinstance(wanted, Wait)
        if isinstance(wanted, Wait):
            self._events.append(JobNeeded(wanted.job))
        else:
            self._hs.flush()

    def _resume(self, job: Job[Any], result: Any, error: Exception | None) -> None:
        self._check_alive()
        if not isinstance(self._wanted, Wait) or self._wanted.job is not job:
            raise LocalError(LocalMistake.WRONG_STATE, "no such job is waited for")
        opener = self._reader.opener
        try:
            self._advance(result, error)
            self._check_aligned(opener)
            self._process()
        except SuitorError as failure:
            self._fail(failure)
        except Exception as failure:  # noqa: BLE001 - as in receive
            self._fail_unforeseen(failure)
        finally:
            self._reader.rest()

    # --- records ------------------------------------------------------------------------------------------

    def _process(self) -> None:
        """Read what has come as far as it goes, unless a job must be waited for."""
        read = self._reader.read
        if self._joiner.held:
            self._handle_messages()
        while not self._waiting and not self._peer_closed:
            record = read()
            if record is None:
                break
            content_type, content = record
            if content_type == APPLICATION_DATA:
                self._on_data(content)
            elif content_type == HANDSHAKE:
                self._started = True
                self._joiner.add(content)
                self._handle_messages()
            else:
                self._joiner.check_not_interleaved()
                if content_type == ALERT:
                    self._on_alert(content)
                elif content_type == CHANGE_CIPHER_SPEC:
                    self._on_change_cipher_spec(content)
        done = self._established
        if done is not None and done.owes_answer and not self._write_closed:
            self._answer(done)

    def _on_data(self, content: bytes) -> None:
        if self._established is None:
            raise ProtocolError(PeerMisbehaved.UNEXPECTED_APPLICATION_DATA)
        if self._joiner.held:
            self._joiner.check_not_interleaved()
        if content:
            self._counts.empty = self._counts.key_updates = 0
            self._events.append(DataReceived(content))
        else:
            self._counts.empty_record()

    def _on_change_cipher_spec(self, content: bytes) -> None:
        """RFC 8446 section 5: the single byte 1, after the first ClientHello and before the peer's Finished,
        is dropped; anything else is an error. In TLS 1.2 it comes once, where it changes the keys."""
        if content != b"\x01" or self._hs is None or not (self._is_client or self._started):
            raise ProtocolError(PeerMisbehaved.BAD_CHANGE_CIPHER_SPEC)
        if isinstance(self._wanted, ReceiveChangeCipherSpec):
            self._advance(None)
        elif self._hs.tls12:
            raise ProtocolError(PeerMisbehaved.BAD_CHANGE_CIPHER_SPEC)
        else:
            self._hs.change_cipher_specs += 1
            self._counts.empty_record()

    def _on_alert(self, content: bytes) -> None:
        """RFC 8446 section 6: every alert but close_notify and user_canceled is fatal, whatever its level."""
        if len(content) != 2:
            raise ProtocolError(PeerMisbehaved.MALFORMED_ALERT)
        code = content[1]
        self._trace(TraceKind.ALERT, alert_name(code), False, 2)
        if code == Alert.CLOSE_NOTIFY:
            if self._established is None:
                raise ConnectionEnded(Ended.CLOSED_DURING_HANDSHAKE, "close_notify", code)
            self._peer_closed = True
            self._reader.forget()
            self._events.append(PeerClosed())
        elif code == Alert.USER_CANCELED:
            self._counts.warning()
        else:
            raise ConnectionEnded(Ended.PEER_ALERT, alert_name(code), code)

    # --- handshake messages -------------------------------------------------------------------------------

    def _handle_messages(self) -> None:
        joiner, reader = self._joiner, self._reader
        while not self._waiting:
            raw = joiner.next()
            if raw is None:
                return
            opener = reader.opener
            if self._established is None:
                self._on_handshake(raw)
            else:
                self._on_post_handshake(self._established, raw)
            self._check_aligned(opener)

    def _check_aligned(self, before: Opener | None) -> None:
        """RFC 8446 section 5.1: a key change stands at a record boundary. ``before`` are the keys before it."""
        if self._reader.opener is not before and self._joiner.held:
            raise ProtocolError(PeerMisbehaved.KEY_CHANGE_NOT_ALIGNED)

    def _on_handshake(self, raw: bytes) -> None:
        self._trace(TraceKind.MESSAGE, message_name(raw[0]), False, len(raw))
        wanted = self._wanted
        if not isinstance(wanted, Receive) or raw[0] not in wanted.types:
            names = wanted.names if isinstance(wanted, Receive) else "change_cipher_spec"
            raise ProtocolError(
                PeerMisbehaved.UNEXPECTED_MESSAGE, f"{message_name(raw[0])} instead of {names}"
            )
        self._advance(raw)

    def _on_post_handshake(self, done: Established, raw: bytes) -> None:
        event = done.receive(raw)
        if event is not None:
            self._events.append(event)
        self._trace(TraceKind.MESSAGE, message_name(raw[0]), False, len(raw))

    def _answer(self, done: Established) -> None:
        """Send what the peer's messages call for."""
        raw = done.answer()
        self._trace(TraceKind.MESSAGE, message_name(raw[0]), True, len(raw))

    def _update_keys(self, done: Established, *, request: bool) -> None:
        raw = done.update_keys(request=request)
        self._trace(TraceKind.MESSAGE, message_name(raw[0]), True, len(raw))

    # --- the end ------------------------------------------------------------------------------------------

    def _fail(self, error: SuitorError) -> None:
        """Keep the error, queue its alert, forget the keys' users (RFC 8446 section 6.2)."""
        self._failure = error
        self._flow = self._hs = self._wanted = None
        self._reader.forget()
        if error.alert is not None and not self._write_closed:
            try:
                self._alert(2, error.alert)
            except SuitorError:
                # A cipher that fails cannot protect the alert that says so.
                self._write_closed = True

    def _fail_unforeseen(self, error: Exception) -> None:
        failure = LocalError(LocalMistake.INTERNAL_FAULT, type(error).__name__)
        failure.__cause__ = error
        self._fail(failure)

    def _alert(self, level: int, alert: Alert) -> None:
        self._writer.write(ALERT, bytes((level, alert)))
        self._trace(TraceKind.ALERT, alert_name(alert), True, 2)

    def _trace(self, kind: TraceKind, name: str, sent: bool, size: int) -> None:
        if self._config.trace is not None:
            self._config.trace(TraceEntry(kind, name, sent, size, perf_counter()))

    def _check_alive(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _check_writable(self) -> Established:
        if self._failure is not None:
            raise self._failure
        if self._established is None:
            raise LocalError(LocalMistake.WRONG_STATE, "the handshake is not done")
        if self._write_closed:
            raise LocalError(LocalMistake.WRONG_STATE, "this side has closed")
        return self._established
