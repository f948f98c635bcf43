"""The asyncio protocol that drives a connection: bytes in, events out, and pressure back both ways."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from enum import Flag, auto
from typing import Any, Protocol

from suitor.connection import Connection
from suitor.errors import ConnectionEnded, Ended, SuitorError
from suitor.events import DataReceived, Event, HandshakeCompleted, JobNeeded, PeerClosed
from suitor.plug.interfaces import Job

LIMIT = 65_536
"""Default limit of a reader in bytes: reading from the network pauses when twice as much is waiting."""

HANDSHAKE_TIMEOUT = 30.0
"""Default limit on a handshake, in seconds."""

CLOSE_TIMEOUT = 5.0
"""Default seconds for the peer to take what is left and to close its side, once this side has closed."""

SEND_SIZE = 65_536
"""Bytes protected at once."""

MAX_ANSWERS = 65_536
"""Bytes that may wait for a peer that makes this side answer (KeyUpdate) without reading the answers."""

MAX_DISCARDED = 1_048_576
"""Bytes that a peer may still send after this side has closed."""


class TLSReader(asyncio.StreamReader):
    """An asyncio.StreamReader of the peer's data. When the connection fails, every read that cannot be served
    from the data before it raises the SuitorError: a truncated stream never looks like a finished one."""

    _failure: SuitorError | None = None

    def fail(self, failure: SuitorError) -> None:
        """End the stream with an error, behind the data that is waiting."""
        self._failure = failure
        self.feed_eof()

    async def read(self, n: int = -1) -> bytes:
        if n < 0:
            pieces = []
            while piece := await self.read(LIMIT):
                pieces.append(piece)
            return b"".join(pieces)
        data = await super().read(n)
        if n and not data and self._failure is not None:
            raise self._failure
        return data

    async def readuntil(self, separator: Any = b"\n") -> bytes:
        try:
            return await super().readuntil(separator)
        except asyncio.IncompleteReadError as error:
            if self._failure is not None:
                raise self._failure from error
            raise

    async def readexactly(self, n: int) -> bytes:
        try:
            return await super().readexactly(n)
        except asyncio.IncompleteReadError as error:
            if self._failure is not None:
                raise self._failure from error
            raise


class _Hold(Flag):
    """Why nothing is read from the network just now."""

    NOTHING = 0
    READER_FULL = auto()
    JOB_RUNNING = auto()
    ANSWERS_WAITING = auto()


class _Throttle(asyncio.ReadTransport):
    """What the reader takes for its transport: its wish to pause is one of several."""

    def __init__(self, protocol: TLSProtocol) -> None:
        super().__init__()
        self._protocol = protocol

    def pause_reading(self) -> None:
        self._protocol.hold(_Hold.READER_FULL)

    def resume_reading(self) -> None:
        self._protocol.release(_Hold.READER_FULL)


class Owner(Protocol):
    """Who hears of a connection's life: the transport is there, the handshake is complete or has failed
    (``protocol.failure`` says why), the transport is gone."""

    def made(self, protocol: TLSProtocol) -> None: ...
    def established(self, protocol: TLSProtocol) -> None: ...
    def failed(self, protocol: TLSProtocol) -> None: ...
    def lost(self, protocol: TLSProtocol) -> None: ...


class TLSProtocol(asyncio.Protocol):
    """One connection on an asyncio transport."""

    def __init__(
        self,
        connection: Connection,
        owner: Owner,
        loop: asyncio.AbstractEventLoop,
        *,
        limit: int,
        handshake_timeout: float | None,
        close_timeout: float,
    ) -> None:
        self.connection = connection
        self.reader = TLSReader(limit=limit, loop=loop)
        self.failure: SuitorError | None = None
        self.closed: asyncio.Future[None] = loop.create_future()
        self.complete = False
        self.closing = False
        self.transport: asyncio.Transport
        self._loop = loop
        self._handshake_timeout = handshake_timeout
        self._close_timeout = close_timeout
        self._owner = owner
        self._timer: asyncio.TimerHandle | None = None
        self._jobs: set[asyncio.Task[None]] = set()
        self._drainers: set[asyncio.Future[None]] = set()
        self._holds = _Hold.NOTHING
        self._writing_paused = False
        self._answers = 0
        self._discarded = 0
        self._peer_closed = False
        self._transport_ended = False

    # --- what asyncio calls -------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._owner.made(self)
        self.reader.set_transport(_Throttle(self))
        if self._handshake_timeout is not None:
            self._timer = self._loop.call_later(self._handshake_timeout, self._too_slow)
        self._flush()

    def data_received(self, data: bytes) -> None:
        if self.closing:
            self._discarded += len(data)
            if self._discarded > MAX_DISCARDED:
                self.transport.abort()
        elif not self._peer_closed:
            self._advance(self.connection.receive, data)

    def eof_received(self) -> bool:
        self._transport_ended = True
        if self.closing:
            return False
        if not self._peer_closed:
            self._advance(self.connection.receive, b"")
        # True keeps this side open after the peer's close_notify, for what it still has to say.
        return self._peer_closed and self.failure is None

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport_ended = True
        if not self.closing:
            self._end_of_transport(exc)
            self.closing = True
        self._stop_timer()
        for job in self._jobs:
            job.cancel()
        self.reader.feed_eof()
        self._wake_drainers()
        if not self.closed.done():
            self.closed.set_result(None)
        self._owner.lost(self)

    def _end_of_transport(self, exc: Exception | None) -> None:
        """The transport is gone without our doing: an error, or at least a truncation."""
        try:
            if not self._peer_closed:
                self.connection.receive(b"")
                self._take_events()
        except SuitorError as error:
            error.__cause__ = exc
            self._set_failure(error)

    def pause_writing(self) -> None:
        self._writing_paused = True

    def resume_writing(self) -> None:
        self._writing_paused = False
        self._answers = 0
        self.release(_Hold.ANSWERS_WAITING)
        self._wake_drainers()
        if self.closing:
            self._shut_down()

    # --- what a writer calls ------------------------------------------------------------------------------

    def write(self, data: Any) -> None:
        """Protect and send. Dropped when the connection has failed or was closed, as drain() will tell."""
        if self.failure is None and not self.closing:
            # In pieces: one buffer for all of a large write would cost more in page faults than its encryption.
            with memoryview(data) as view, view.cast("B") as source:
                for start in range(0, len(source), SEND_SIZE):
                    self.connection.send(source[start : start + SEND_SIZE])
                    self._flush()

    def update_keys(self, request: bool) -> None:
        """Dropped like data when there is nobody to tell."""
        if self.failure is None and not self.closing:
            self.connection.update_keys(request=request)
            self._flush()

    async def drain(self) -> None:
        """Wait until the transport takes more. Raises what ended the connection."""
        if self._writing_paused and not self.closed.done() and self.failure is None:
            waiter = self._loop.create_future()
            self._drainers.add(waiter)
            try:
                await waiter
            finally:
                self._drainers.discard(waiter)
        if self.failure is not None:
            raise self.failure
        if self.closing:
            raise ConnectionResetError("the connection is closed")

    def close_write(self) -> None:
        """Send close_notify; the peer may go on."""
        self.connection.close()
        self._flush()

    def close(self) -> None:
        """Send close_notify and leave, once the peer has taken everything or the time for that is over."""
        if self.closing:
            return
        if self.complete:
            with contextlib.suppress(SuitorError):
                self.connection.close()
            self._flush()
        self._leave()

    def abort(self) -> None:
        """Drop the connection at once."""
        self.closing = True
        self.transport.abort()

    # --- reading pauses -----------------------------------------------------------------------------------

    def hold(self, why: _Hold) -> None:
        self._holds |= why
        if not self.closing:
            self.transport.pause_reading()

    def release(self, why: _Hold) -> None:
        self._holds &= ~why
        if not self._holds and not self.transport.is_closing():
            self.transport.resume_reading()

    # --- the pump -----------------------------------------------------------------------------------------

    def _advance(self, step: Callable[..., None], *arguments: Any) -> None:
        """Do one thing with the connection, and everything that follows from it."""
        try:
            step(*arguments)
            self._take_events()
        except SuitorError as error:
            self._fail(error)
        else:
            self._flush(answering=True)

    def _take_events(self) -> None:
        for event in self.connection.events():
            self._handle(event)

    def _handle(self, event: Event) -> None:
        if isinstance(event, DataReceived):
            self.reader.feed_data(event.data)
        elif isinstance(event, PeerClosed):
            self._peer_closed = True
            self.reader.feed_eof()
        elif isinstance(event, HandshakeCompleted):
            self.complete = True
            self._stop_timer()
            self._owner.established(self)
        elif isinstance(event, JobNeeded):
            self.hold(_Hold.JOB_RUNNING)
            task = self._loop.create_task(self._run(event.job))
            self._jobs.add(task)
            task.add_done_callback(self._jobs.discard)

    async def _run(self, job: Job[Any]) -> None:
        try:
            if job.arun is not None:
                result = await job.arun()
            else:
                result = await self._loop.run_in_executor(None, job.run)
        except asyncio.CancelledError:
            self.transport.abort()
            raise
        except Exception as error:  # noqa: BLE001 - the connection decides what a stage's exception means
            self._job_over(self.connection.job_failed, job, error)
        else:
            self._job_over(self.connection.job_done, job, result)

    def _job_over(self, step: Callable[..., None], *arguments: Any) -> None:
        if not self.closing:
            self.release(_Hold.JOB_RUNNING)
            self._advance(step, *arguments)

    def _flush(self, *, answering: bool = False) -> None:
        data = self.connection.data_to_send()
        if not data or self.transport.is_closing():
            return
        self.transport.write(data)
        if answering and self._writing_paused:
            self._answers += len(data)
            if self._answers > MAX_ANSWERS:
                self.hold(_Hold.ANSWERS_WAITING)

    # --- the end ------------------------------------------------------------------------------------------

    def _too_slow(self) -> None:
        self._fail(ConnectionEnded(Ended.TIMED_OUT))
        self.transport.abort()

    def _fail(self, failure: SuitorError) -> None:
        """Send the alert, if there is one, and leave; readers and writers learn of it."""
        self._flush()
        self._set_failure(failure)
        self._leave()

    def _set_failure(self, failure: SuitorError) -> None:
        self.failure = failure
        self.reader.fail(failure)
        self._wake_drainers()
        if not self.complete:
            self._owner.failed(self)

    def _leave(self) -> None:
        """Close this side and wait a while for the peer's: closing a socket with unread bytes in it makes the
        kernel send a reset, which can overtake the alert or the last of the data."""
        self.closing = True
        self._stop_timer()
        self.reader.feed_eof()
        if self.transport.is_closing():
            return
        if self._transport_ended:
            self.transport.close()
        else:
            # With these limits resume_writing tells when everything has left. (The transport's own write_eof
            # would do, but for a peer that resets just then: asyncio lets the error out into the loop.)
            self.transport.set_write_buffer_limits(high=0)
            self.transport.resume_reading()
            if not self.transport.get_write_buffer_size():
                self._shut_down()
        self._linger(None)

    def _shut_down(self) -> None:
        with contextlib.suppress(OSError):
            self.transport.get_extra_info("socket").shutdown(socket.SHUT_WR)

    def _linger(self, before: int | None) -> None:
        left = self.transport.get_write_buffer_size()
        if before is not None and not 0 < left < before:
            self.transport.abort()
        else:
            self._timer = self._loop.call_later(self._close_timeout, self._linger, left)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wake_drainers(self) -> None:
        for waiter in self._drainers:
            if not waiter.done():
                waiter.set_result(None)
