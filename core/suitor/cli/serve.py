"""``suitor serve``: an HTTPS server that shows each visitor what was negotiated."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from attrs import define, field
from cyclopts import Parameter
from cyclopts.validators import Number

from suitor.catalogue import default_catalogue
from suitor.cli.exits import Exit
from suitor.cli.httpd import Session
from suitor.cli.options import alpn_from, credentials_from, keylog_to, verification_from
from suitor.cli.report import StatusLines
from suitor.config import ClientAuth, ServerConfig
from suitor.errors import Ended, LocalError, LocalMistake, SuitorError
from suitor.io.streams import TLSReader, TLSWriter, start_server
from suitor.policy import find_policy

GRACE = 5.0
"""Seconds that answers in progress get when the server is told to stop."""


def serve(
    *,
    cert: Annotated[list[Path], Parameter(negative=(), consume_multiple=False)],
    key: Annotated[list[Path], Parameter(negative=(), consume_multiple=False)],
    host: str = "127.0.0.1",
    port: Annotated[int, Parameter(validator=Number(gte=0, lte=65_535))] = 8443,
    www: Path | None = None,
    alpn: Annotated[list[str] | None, Parameter(negative=(), consume_multiple=False)] = None,
    policy: str = "modern",
    keylog: Path | None = None,
    client_ca: Path | None = None,
    client_auth: Literal["optional", "required"] | None = None,
    strict_sni: Annotated[bool, Parameter(negative=())] = False,
    handshake_timeout: Annotated[float, Parameter(validator=Number(gt=0))] = 10.0,
    max_connections: Annotated[int, Parameter(validator=Number(gte=1))] = 500,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Answer TLS connections with a page that shows what was negotiated, or with files.

    Prints a line for each connection: what was agreed, or why it failed. Ctrl-C (or SIGTERM) lets answers in
    progress finish and then stops; a second one stops at once. Exit codes: 0 stopped, 2 a mistake here.

    Parameters
    ----------
    cert
        A certificate and its issuers, PEM, leaf first. May be repeated; the client's SNI chooses.
    key
        The private key of the certificate with the same position, PEM.
    host
        The address to listen on.
    port
        The TCP port; 0 takes any free one, and the first line says which.
    www
        Serve the files below this directory. /status and /status.json stay the status page.
    alpn
        Application protocols in order of preference, separated by commas (http/1.1 unless given).
    policy
        A preset or a policy file, then edits: "modern, without chacha20".
    keylog
        Append the connections' secrets to this file (SSLKEYLOGFILE), for Wireshark.
    client_ca
        Ask clients for a certificate that these roots (PEM) have issued.
    client_auth
        Whether a client must have one; required unless given.
    strict_sni
        Refuse a client that names no server, or one that no certificate is for.
    handshake_timeout
        Seconds for a handshake.
    max_connections
        Connections beyond this number are dropped as they come.
    json
        Print the lines as JSON.
    """
    root = None if www is None else _directory(www)
    rules = find_policy(policy)
    catalogue = default_catalogue(rules)
    if client_auth is not None and client_ca is None:
        raise LocalError(LocalMistake.BAD_OPTION, "--client-auth needs --client-ca")
    config = ServerConfig(
        credentials=credentials_from(catalogue, cert, key, strict=strict_sni),
        policy=rules,
        catalogue=catalogue,
        verification=None if client_ca is None else verification_from(catalogue, client_ca),
        client_auth=ClientAuth.NONE if client_ca is None else ClientAuth(client_auth or "required"),
        alpn=alpn_from(alpn or ["http/1.1"]),
        keylog=keylog_to(keylog),
        explain=True,
    )
    service = _Service(config, StatusLines(json), root)
    asyncio.run(service.run(host, port, handshake_timeout, max_connections))
    return Exit.SUCCESS


def _directory(www: Path) -> Path:
    root = www.resolve()
    if not root.is_dir():
        raise LocalError(LocalMistake.BAD_OPTION, f"{www} is not a directory")
    return root


@define(eq=False)
class _Service:
    """The server while it runs."""

    config: ServerConfig
    lines: StatusLines
    root: Path | None
    stopping: bool = False
    sessions: set[Session] = field(init=False, factory=set)

    async def run(self, host: str, port: int, handshake_timeout: float, max_connections: int) -> None:
        server = await start_server(
            self._handle,
            host,
            port,
            self.config,
            handshake_timeout=handshake_timeout,
            max_connections=max_connections,
            on_error=self._refused,
        )
        stop = asyncio.Event()
        with _on_signals(stop):
            self.lines.listening(server.sockets[0].getsockname())
            try:
                await stop.wait()
            finally:
                server.close()
        self.stopping = True
        for session in self.sessions:
            session.stop()
        await server.shutdown(GRACE)
        self.lines.stopped()

    async def _handle(self, reader: TLSReader, writer: TLSWriter) -> None:
        peer = writer.get_extra_info("peername")
        info = writer.get_extra_info("suitor_info")
        self.lines.connected(peer, info)
        session = Session(reader, writer, self.root, info, stopping=self.stopping)
        self.sessions.add(session)
        try:
            await session.run()
        except SuitorError as error:
            # Closing without close_notify is everyday manners among browsers.
            if error.reason is not Ended.TRUNCATED:
                self.lines.failed(peer, error)
        except ConnectionError:
            pass
        finally:
            self.sessions.discard(session)

    def _refused(self, error: SuitorError, peer: Any) -> None:
        self.lines.failed(peer, error)


@contextlib.contextmanager
def _on_signals(stop: asyncio.Event) -> Iterator[None]:
    """SIGINT and SIGTERM set ``stop``, once: the next one does what it always does."""
    loop = asyncio.get_running_loop()
    heard = []
    # Where loops have no signal handlers, Ctrl-C still ends the command, only less gently.
    with contextlib.suppress(NotImplementedError):
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
            heard.append(number)
    try:
        yield
    finally:
        for number in heard:
            loop.remove_signal_handler(number)
