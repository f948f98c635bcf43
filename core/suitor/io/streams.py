"""TLS as asyncio streams: ``open_connection`` and ``start_server``, as asyncio's own but with our configs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from types import TracebackType
from typing import Any, Self

from attrs import define

from suitor.config import ClientConfig, ServerConfig
from suitor.connection import Connection
from suitor.errors import RemoteError, SuitorError
from suitor.io.protocol import CLOSE_TIMEOUT, HANDSHAKE_TIMEOUT, LIMIT, TLSProtocol, TLSReader

__all__ = ["TLSReader", "TLSServer", "TLSWriter", "open_connection", "start_server"]


class TLSWriter:
    """The sending half, with the methods of asyncio.StreamWriter."""

    def __init__(self, protocol: TLSProtocol) -> None:
        self._protocol = protocol

    def write(self, data: Any) -> None:
        """Send without waiting; follow it with ``await drain()``. Data for a connection that has failed is
        dropped, and drain() raises the failure. Raises LocalError(WRONG_STATE) after :meth:`write_eof`."""
        self._protocol.write(data)

    def writelines(self, data: Iterable[Any]) -> None:
        self._protocol.write(b"".join(data))

    async def drain(self) -> None:
        """Wait until the peer has taken enough of it. Raises the SuitorError that ended the connection, or
        ConnectionResetError after it was closed here."""
        await self._protocol.drain()

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        """Send close_notify: no more data from this side, while the peer may go on (RFC 8446 section 6.1)."""
        self._protocol.close_write()

    def close(self) -> None:
        """Send what is left and close_notify, and close the connection soon after (:meth:`wait_closed`)."""
        self._protocol.close()

    def abort(self) -> None:
        """Drop the connection at once, without close_notify."""
        self._protocol.abort()

    def is_closing(self) -> bool:
        return self._protocol.closing

    async def wait_closed(self) -> None:
        """Wait until the transport is gone. Never raises for the way the connection ended."""
        await asyncio.shield(self._protocol.closed)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """``suitor_info`` is the :class:`~suitor.events.ConnectionInfo`; other names are the transport's
        (``peername``, ``sockname``, ``socket``)."""
        if name == "suitor_info":
            return self._protocol.connection.info
        return self._protocol.transport.get_extra_info(name, default)

    def update_keys(self, *, request: bool = False) -> None:
        """Change this side's sending keys (RFC 8446 section 4.6.3); ``request``: the peer shall do so too."""
        self._protocol.update_keys(request)

    def export(self, label: bytes, context: bytes, length: int) -> bytes:
        """Keying material for another protocol (RFC 8446 section 7.5); ``length`` in bytes."""
        return self._protocol.connection.export(label, context, length)


Callback = Callable[[TLSReader, TLSWriter], Awaitable[None]]
OnError = Callable[[SuitorError, Any], None]


async def open_connection(
    host: str,
    port: int,
    config: ClientConfig,
    server_name: str | None = None,
    *,
    limit: int = LIMIT,
    handshake_timeout: float | None = HANDSHAKE_TIMEOUT,
    close_timeout: float = CLOSE_TIMEOUT,
) -> tuple[TLSReader, TLSWriter]:
    """Connect to ``host`` and finish the handshake.

    ``server_name`` is ``host`` unless given. ``limit`` is the reader's in bytes, timeouts are in seconds.
    Raises OSError while connecting, and a SuitorError for everything about TLS.
    """
    loop = asyncio.get_running_loop()
    connection = Connection.client(config, host if server_name is None else server_name)
    opening = _Opening(loop.create_future())

    def protocol_factory() -> TLSProtocol:
        return TLSProtocol(
            connection,
            opening,
            loop,
            limit=limit,
            handshake_timeout=handshake_timeout,
            close_timeout=close_timeout,
        )

    try:
        _, protocol = await loop.create_connection(protocol_factory, host, port)
    except BaseException:
        opening.ready.cancel()
        raise
    try:
        await opening.ready
    except SuitorError:
        # The alert is written by now; the peer gets ``close_timeout`` to take it.
        await protocol.closed
        raise
    except BaseException:
        protocol.abort()
        raise
    return protocol.reader, TLSWriter(protocol)


@define
class _Opening:
    """A client's wait for its handshake."""

    ready: asyncio.Future[None]

    def made(self, protocol: TLSProtocol) -> None:
        pass

    def established(self, protocol: TLSProtocol) -> None:
        if not self.ready.done():
            self.ready.set_result(None)

    def failed(self, protocol: TLSProtocol) -> None:
        if not self.ready.done() and protocol.failure is not None:
            self.ready.set_exception(protocol.failure)

    def lost(self, protocol: TLSProtocol) -> None:
        pass


LAST_WAIT = 0.5
"""Seconds that a shutdown gives the peers at least, to answer a close_notify."""


class TLSServer:
    """A listening server, as asyncio.Server, and the connections it has accepted."""

    def __init__(self, callback: Callback, on_error: OnError | None, max_connections: int | None) -> None:
        self._callback = callback
        self._on_error = on_error
        self._max_connections = max_connections
        self._server: asyncio.Server | None = None
        self._open: set[TLSProtocol] = set()
        self._tasks: dict[asyncio.Task[None], TLSProtocol] = {}

    @property
    def sockets(self) -> tuple[Any, ...]:
        return tuple(self._listening.sockets)

    @property
    def _listening(self) -> asyncio.Server:
        assert self._server is not None
        return self._server

    @property
    def connections(self) -> int:
        """How many connections are open now, those still in their handshake included."""
        return len(self._open)

    def is_serving(self) -> bool:
        return self._listening.is_serving()

    async def serve_forever(self) -> None:
        await self._listening.serve_forever()

    def close(self) -> None:
        """Accept no more connections; the open ones go on."""
        self._listening.close()

    async def wait_closed(self) -> None:
        await self._listening.wait_closed()

    async def shutdown(self, grace: float) -> None:
        """Accept no more, give the callbacks ``grace`` seconds to finish, then cancel them, send close_notify
        everywhere and drop what is left."""
        deadline = time.monotonic() + grace
        self.close()
        for protocol in self._open:
            if not protocol.complete:
                protocol.abort()
        if self._tasks:
            await asyncio.wait(tuple(self._tasks), timeout=grace)
        for task, protocol in tuple(self._tasks.items()):
            protocol.close()
            task.cancel()
        if self._open:
            leaving = tuple(protocol.closed for protocol in self._open)
            await asyncio.wait(leaving, timeout=max(deadline - time.monotonic(), LAST_WAIT))
        for protocol in tuple(self._open):
            protocol.abort()
            await protocol.closed
        await self.wait_closed()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.shutdown(0)

    # --- one connection -----------------------------------------------------------------------------------

    def made(self, protocol: TLSProtocol) -> None:
        if self._max_connections is not None and len(self._open) >= self._max_connections:
            protocol.abort()
        self._open.add(protocol)

    def established(self, protocol: TLSProtocol) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(protocol))
        self._tasks[task] = protocol
        task.add_done_callback(self._tasks.pop)

    def failed(self, protocol: TLSProtocol) -> None:
        if self._on_error is not None and protocol.failure is not None:
            self._on_error(protocol.failure, protocol.transport.get_extra_info("peername"))

    def lost(self, protocol: TLSProtocol) -> None:
        self._open.discard(protocol)

    async def _serve(self, protocol: TLSProtocol) -> None:
        try:
            await self._callback(protocol.reader, TLSWriter(protocol))
        except (RemoteError, ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # The peer's doing: it concerns no one but the callback, which let it go.
        except Exception as error:  # noqa: BLE001 - it goes to the loop's handler, as asyncio's own servers do
            asyncio.get_running_loop().call_exception_handler(
                {
                    "message": "Unhandled exception in a connection's callback",
                    "exception": error,
                    "transport": protocol.transport,
                }
            )
        finally:
            protocol.close()


async def start_server(
    callback: Callback,
    host: str | None,
    port: int,
    config: ServerConfig,
    *,
    limit: int = LIMIT,
    handshake_timeout: float | None = HANDSHAKE_TIMEOUT,
    close_timeout: float = CLOSE_TIMEOUT,
    max_connections: int | None = None,
    on_error: OnError | None = None,
) -> TLSServer:
    """Listen on ``host`` (None: every interface) and ``port`` (0: any free one).

    ``callback(reader, writer)`` runs for each connection whose handshake is complete; the connection is
    closed when it returns. A peer's errors that it lets through are dropped, any other goes to the loop's
    exception handler. ``on_error(error, peername)`` hears of handshakes that failed. Beyond
    ``max_connections`` new ones are dropped as they come. Raises OSError when the port is taken, LocalError
    when the config cannot work.
    """
    loop = asyncio.get_running_loop()
    Connection.server(config)
    server = TLSServer(callback, on_error, max_connections)

    def protocol_factory() -> TLSProtocol:
        return TLSProtocol(
            Connection.server(config),
            server,
            loop,
            limit=limit,
            handshake_timeout=handshake_timeout,
            close_timeout=close_timeout,
        )

    server._server = await loop.create_server(protocol_factory, host, port)
    return server
