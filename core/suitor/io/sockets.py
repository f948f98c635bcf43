"""TLS over a blocking socket: the connection's bytes in and out, one call at a time.

A :class:`TLSSocket` belongs to one thread at a time, and its socket blocks (with or without a timeout).
For non-blocking work use :mod:`suitor.io.streams`, or drive a :class:`~suitor.connection.Connection`.
"""

from __future__ import annotations

import contextlib
import socket
import time
from types import TracebackType
from typing import Any, Self

from suitor.config import ClientConfig, ServerConfig
from suitor.connection import Connection
from suitor.errors import ConnectionEnded, Ended, SuitorError
from suitor.events import ConnectionInfo, DataReceived, Event, JobNeeded, PeerClosed
from suitor.plug.interfaces import Job

READ_SIZE = 65_536
"""Bytes asked of the transport at once; what has been decrypted and not yet read stays below this."""

SEND_SIZE = 65_536
"""Bytes protected at once, so that the copy waiting for the transport stays small."""

LAST_WORDS = 2.0
"""Seconds that an alert or close_notify may take to leave when the connection is being given up, and that a peer
gets afterwards to take an alert."""


class TLSSocket:
    """A connected stream socket with TLS on it. :func:`connect` and :func:`wrap` make one.

    Every method may raise the :class:`~suitor.errors.SuitorError` that ended the connection; by then the
    alert is sent and the socket is half-closed, and only :meth:`close` is left to do. A timeout of the socket
    after the handshake is the usual TimeoutError, and the call may be repeated.
    """

    def __init__(self, sock: socket.socket, connection: Connection) -> None:
        if sock.gettimeout() == 0:
            raise ValueError("a TLSSocket cannot be non-blocking")
        self._sock = sock
        self._connection = connection
        self._incoming = memoryview(b"")
        self._received: list[bytes] = []
        self._outgoing = memoryview(b"")
        self._failure: SuitorError | None = None
        self._peer_closed = False

    # --- handshake ----------------------------------------------------------------------------------------

    def do_handshake(self, timeout: float | None = None) -> ConnectionInfo:
        """Finish the handshake; at once when it is done already. ``timeout`` is for all of it, in seconds;
        None leaves the socket's own. Raises ConnectionEnded(TIMED_OUT), or what went wrong."""
        before = self._sock.gettimeout()
        deadline = None if timeout is None else time.monotonic() + timeout
        try:
            while not self._connection.handshake_complete:
                self._check()
                self._limit(deadline)
                self._read()
            self._limit(deadline)
            self._flush()
        except TimeoutError as error:
            self._failure = ConnectionEnded(Ended.TIMED_OUT)
            self._give_up()
            raise self._failure from error
        finally:
            with contextlib.suppress(OSError):
                self._sock.settimeout(before)
        info = self._connection.info
        assert info is not None
        return info

    def _need_handshake(self) -> None:
        if not self._connection.handshake_complete:
            self.do_handshake()

    def _limit(self, deadline: float | None) -> None:
        if deadline is not None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._sock.settimeout(left)

    # --- data ---------------------------------------------------------------------------------------------

    def recv(self, size: int) -> bytes:
        """At most ``size`` bytes of the peer's data, at least one; empty after its close_notify.

        Raises ConnectionEnded(TRUNCATED) when the transport ended without one, after all earlier data.
        """
        if size < 0:
            raise ValueError("size is negative")
        if size == 0:
            return b""
        self._wait_for_data()
        taken = bytes(self._incoming[:size])
        self._incoming = self._incoming[size:]
        return taken

    def recv_into(self, buffer: Any, nbytes: int = 0) -> int:
        """Like :meth:`recv`, into ``buffer`` (at most ``nbytes`` if given); the number of bytes written."""
        with memoryview(buffer) as view, view.cast("B") as target:
            size = min(nbytes, len(target)) if nbytes else len(target)
            data = self.recv(size)
            target[: len(data)] = data
            return len(data)

    def send(self, data: Any) -> int:
        """Send some of ``data``; how many bytes of it were taken. After a TimeoutError the bytes that were
        taken before are kept, and go out ahead of the next."""
        self._need_handshake()
        self._check()
        self._flush()
        with memoryview(data) as view, view.cast("B") as source, source[:SEND_SIZE] as piece:
            taken = len(piece)
            if taken:
                self._connection.send(piece)
        self._flush()
        return taken

    def sendall(self, data: Any) -> None:
        """Send all of ``data``. After an error there is no telling how much of it was sent."""
        with memoryview(data) as view, view.cast("B") as source:
            sent = 0
            while sent < len(source):
                sent += self.send(source[sent : sent + SEND_SIZE])

    def _wait_for_data(self) -> None:
        self._need_handshake()
        while not self._incoming and not self._next_piece() and not self._peer_closed:
            self._check()
            self._read()

    def _next_piece(self) -> bool:
        if self._received:
            pieces, self._received = self._received, []
            self._incoming = memoryview(pieces[0] if len(pieces) == 1 else b"".join(pieces))
        return bool(self._incoming)

    # --- the end ------------------------------------------------------------------------------------------

    def close_write(self) -> None:
        """Send close_notify: no more data from this side, while the peer may go on (RFC 8446 section 6.1)."""
        self._check()
        self._connection.close()
        self._flush()

    def unwrap(self) -> socket.socket:
        """Send close_notify, read up to the peer's, and return the socket, still open.

        Data that the peer sends until then are dropped. Raises ConnectionEnded(TRUNCATED) when the peer's
        never comes. What it sends without TLS afterwards may have been read already, so don't go on with it.
        """
        self._need_handshake()
        self.close_write()
        while not self._peer_closed:
            self._check()
            self._read()
            self._received.clear()
        self._incoming = memoryview(b"")
        return self._sock

    def close(self) -> None:
        """Send close_notify if that can still be done soon, and close the socket. Never raises. After an alert
        the peer gets a moment to close first."""
        if self._sock.fileno() == -1:
            return
        if self._failure is None and not self._connection.closed:
            with contextlib.suppress(SuitorError):
                self._connection.close()
            self._last_words()
        self._linger()
        self._sock.close()

    def _last_words(self) -> None:
        with contextlib.suppress(OSError):
            before = self._sock.gettimeout()
            self._sock.settimeout(LAST_WORDS if before is None else min(before, LAST_WORDS))
            try:
                self._push()
            finally:
                self._sock.settimeout(before)

    def _linger(self) -> None:
        """After an alert, read what still comes until the peer closes too: closing a socket with unread bytes in
        it makes the kernel send a reset, which can overtake the alert."""
        if self._failure is None or self._failure.alert is None:
            return
        with contextlib.suppress(OSError):
            before = self._sock.gettimeout()
            deadline = time.monotonic() + (LAST_WORDS if before is None else min(before, LAST_WORDS))
            data = b"more?"
            while data:
                self._limit(deadline)
                data = self._sock.recv(READ_SIZE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- facts --------------------------------------------------------------------------------------------

    @property
    def info(self) -> ConnectionInfo | None:
        """What was agreed, once the handshake is complete."""
        return self._connection.info

    def export(self, label: bytes, context: bytes, length: int) -> bytes:
        """Keying material for another protocol (RFC 8446 section 7.5); ``length`` in bytes."""
        return self._connection.export(label, context, length)

    def update_keys(self, *, request: bool = False) -> None:
        """Change this side's sending keys (RFC 8446 section 4.6.3); ``request``: the peer shall do so too."""
        self._check()
        self._connection.update_keys(request=request)
        self._flush()

    def fileno(self) -> int:
        """The socket's. Data may be waiting here even when the socket shows none."""
        return self._sock.fileno()

    def gettimeout(self) -> float | None:
        return self._sock.gettimeout()

    def settimeout(self, value: float | None) -> None:
        """Seconds for each wait of the socket. Zero (non-blocking) is refused with ValueError."""
        if value == 0:
            raise ValueError("a TLSSocket cannot be non-blocking")
        self._sock.settimeout(value)

    def getpeername(self) -> Any:
        return self._sock.getpeername()

    def getsockname(self) -> Any:
        return self._sock.getsockname()

    # --- the pump -----------------------------------------------------------------------------------------

    def _read(self) -> None:
        """One read from the transport, with everything that follows from it."""
        if not self._connection.handshake_complete:
            self._flush()
        data = self._sock.recv(READ_SIZE)
        try:
            self._connection.receive(data)
            self._take_events()
        except SuitorError as error:
            # Data that came before it are delivered first; _check raises it after that.
            self._failure = error
            self._give_up()
            return
        self._flush()

    def _take_events(self) -> None:
        """Handle events until none come; a finished job may bring more of them."""
        more = True
        while more:
            more = False
            for event in self._connection.events():
                more = self._handle(event) or more

    def _handle(self, event: Event) -> bool:
        if isinstance(event, DataReceived):
            self._received.append(event.data)
        elif isinstance(event, PeerClosed):
            self._peer_closed = True
        elif isinstance(event, JobNeeded):
            self._run(event.job)
            return True
        return False

    def _run(self, job: Job[Any]) -> None:
        try:
            result = job.run()
        except Exception as error:  # noqa: BLE001 - the connection decides what a stage's exception means
            self._connection.job_failed(job, error)
        else:
            self._connection.job_done(job, result)

    def _flush(self) -> None:
        """Write what the connection has to say. When the transport is broken, the peer's alert may be waiting
        on its other side, and says more than the OSError."""
        try:
            self._push()
        except (BrokenPipeError, ConnectionResetError):
            self._outgoing = memoryview(b"")
            self._find_alert()
            raise

    def _push(self) -> None:
        """Write what a timeout left over, then what is new; each byte once."""
        fresh = self._connection.data_to_send()
        if fresh:
            self._outgoing = memoryview(bytes(self._outgoing) + fresh if self._outgoing else fresh)
        while self._outgoing:
            self._outgoing = self._outgoing[self._sock.send(self._outgoing) :]

    def _find_alert(self) -> None:
        data = b"alert?"
        with contextlib.suppress(OSError):
            self._sock.settimeout(LAST_WORDS)
            while data:
                data = self._sock.recv(READ_SIZE)
                try:
                    self._connection.receive(data)
                    self._take_events()
                except SuitorError as error:
                    self._failure = error
                    raise

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _give_up(self) -> None:
        """Send the alert, if there is one, and say that nothing follows."""
        self._last_words()
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)


def wrap(
    sock: socket.socket, config: ClientConfig | ServerConfig, server_name: str | None = None
) -> TLSSocket:
    """TLS on a connected socket, as the side that ``config`` is for. ``server_name`` is for a client: the DNS
    name or IP address to reach, None to name nobody. The handshake runs with the first call that needs it."""
    if isinstance(config, ClientConfig):
        connection = Connection.client(config, server_name)
    else:
        connection = Connection.server(config)
    with contextlib.suppress(OSError):
        # A handshake is a row of small flights: none of them should wait for the last one's acknowledgement.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return TLSSocket(sock, connection)


def connect(
    host: str,
    port: int,
    config: ClientConfig,
    *,
    server_name: str | None = None,
    timeout: float | None = None,
) -> TLSSocket:
    """Connect to ``host`` and finish the handshake, all within ``timeout`` seconds (None: no limit), not counting
    the moment that the peer gets to take an alert.

    ``server_name`` is ``host`` unless given. Afterwards the socket blocks without a timeout.
    Raises OSError while connecting, and a SuitorError for everything about TLS.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    with contextlib.ExitStack() as undo:
        sock = undo.enter_context(socket.create_connection((host, port), timeout))
        sock.settimeout(None)
        wrapped = wrap(sock, config, host if server_name is None else server_name)
        undo.callback(wrapped._linger)
        wrapped.do_handshake(None if deadline is None else max(0.0, deadline - time.monotonic()))
        undo.pop_all()
    return wrapped
