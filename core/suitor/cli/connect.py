"""``suitor connect``: standard input to the peer, the peer to standard output."""

from __future__ import annotations

import asyncio
import contextlib
import json as json_text
import os
import socket
import sys
import threading
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number

from suitor.catalogue import default_catalogue
from suitor.cli.exits import Exit, exit_for
from suitor.cli.options import address_from, alpn_from, credentials_from, keylog_to, verification_from
from suitor.cli.report import agreed, failure, failure_line, place
from suitor.config import ClientConfig
from suitor.errors import ConnectionEnded, Ended, LocalError, LocalMistake, SuitorError
from suitor.events import ConnectionInfo
from suitor.io.streams import TLSReader, TLSWriter, open_connection
from suitor.policy import find_policy

SCHEMA = "suitor.connect/1"

PIECE = 65_536
"""Bytes that are read from either side at once."""

PIECES_WAITING = 4
"""Pieces of standard input that may wait for the network."""

CLOSE_TIMEOUT = 1.0
"""Seconds to wait for the peer to close, when both sides have said that they are done."""


def connect(
    address: str,
    /,
    *,
    name: str | None = None,
    ca: Path | None = None,
    insecure: Annotated[bool, Parameter(negative=())] = False,
    policy: str = "modern",
    alpn: Annotated[list[str] | None, Parameter(negative=(), consume_multiple=False)] = None,
    cert: Path | None = None,
    key: Path | None = None,
    keylog: Path | None = None,
    timeout: Annotated[float, Parameter(validator=Number(gt=0))] = 15.0,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Open a TLS connection: standard input goes to the peer, and what it sends to standard output.

    What was negotiated goes to standard error. At the end of the input close_notify is sent, and the peer may
    go on until it closes too.

    Exit codes: 0 both sides finished; 2 wrong usage or a mistake on this side; 3 a certificate was refused,
    by either side; 4 nothing in common; 5 the network (no such host, refused, timeout, cut off without
    close_notify); 6 the protocol was broken; 130 Ctrl-C. A peer's alert counts as what it complains about.

    Parameters
    ----------
    address
        HOST, HOST:PORT or [IPV6]:PORT; the port is 443 unless given.
    name
        The name to ask for and to verify (SNI), when it is not the host.
    ca
        Trust the roots in this PEM file, by the rules for private authorities. Without it: the web's rules
        and this machine's roots.
    insecure
        Accept any certificate. For experiments alone.
    policy
        A preset or a policy file, then edits: "modern, only x25519".
    alpn
        Application protocols to offer, separated by commas.
    cert
        A certificate to show when the server asks for one, PEM.
    key
        Its private key, PEM.
    keylog
        Append the connection's secrets to this file (SSLKEYLOGFILE), for Wireshark.
    timeout
        Seconds for connecting and the handshake together.
    json
        Print what was negotiated, or what failed, as one line of JSON on standard error.
    """
    host, port = address_from(address, 443)
    if (cert is None) != (key is None):
        raise LocalError(LocalMistake.BAD_OPTION, "--cert and --key belong together")
    rules = find_policy(policy)
    catalogue = default_catalogue(rules)
    config = ClientConfig(
        verification=verification_from(catalogue, ca, insecure=insecure),
        policy=rules,
        catalogue=catalogue,
        credentials=None if cert is None or key is None else credentials_from(catalogue, [cert], [key]),
        alpn=alpn_from(alpn or []),
        keylog=keylog_to(keylog),
    )
    try:
        asyncio.run(_talk(host, port, config, name, timeout, json))
    except _NoConnection as error:
        _tell_trouble({"reason": "NO_CONNECTION", "text": str(error)}, str(error), json)
        return Exit.NETWORK
    except LocalError:
        raise
    except SuitorError as error:
        _tell_trouble(failure(error), failure_line(error), json)
        return exit_for(error)
    return Exit.SUCCESS


class _NoConnection(Exception):
    """The network did not bring us to the peer."""


async def _talk(
    host: str, port: int, config: ClientConfig, name: str | None, timeout: float, as_json: bool
) -> None:
    reader, writer = await _open(host, port, config, name, timeout)
    sending = asyncio.create_task(_send_input(writer))
    try:
        _tell_agreed(writer.get_extra_info("peername"), writer.get_extra_info("suitor_info"), as_json)
        await _print_answers(reader)
    finally:
        sending.cancel()
        writer.close()
        await writer.wait_closed()


async def _open(
    host: str, port: int, config: ClientConfig, name: str | None, timeout: float
) -> tuple[TLSReader, TLSWriter]:
    try:
        async with asyncio.timeout(timeout):
            return await open_connection(
                host, port, config, name, handshake_timeout=None, close_timeout=CLOSE_TIMEOUT
            )
    except TimeoutError:
        raise ConnectionEnded(Ended.TIMED_OUT, f"{timeout:g} seconds") from None
    except socket.gaierror as error:
        raise _NoConnection(f"{host}: {error.strerror}") from None
    except UnicodeError:
        raise LocalError(LocalMistake.BAD_NAME, repr(host)) from None
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise _NoConnection(f"cannot connect to {place((host, port))}: {why}") from None


async def _print_answers(reader: TLSReader) -> None:
    while data := await reader.read(PIECE):
        # A slow reader of the output slows the peer down, and that is as it should be.
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


async def _send_input(writer: TLSWriter) -> None:
    """Standard input to the peer, then close_notify. The reading side tells when the connection fails."""
    loop = asyncio.get_running_loop()
    waiting: asyncio.Queue[bytes] = asyncio.Queue()
    room = threading.Semaphore(PIECES_WAITING)

    def read_input() -> None:
        data = b"?"
        while data:
            room.acquire()
            try:
                data = os.read(0, PIECE)
            except OSError:
                data = b""
            try:
                loop.call_soon_threadsafe(waiting.put_nowait, data)
            except RuntimeError:
                return  # The loop is closed: nobody waits for input any more.

    # A thread, since not every standard input can be watched by a loop; a daemon, since it may wait for ever.
    threading.Thread(target=read_input, name="standard input", daemon=True).start()
    with contextlib.suppress(SuitorError, ConnectionError):
        while data := await waiting.get():
            room.release()
            writer.write(data)
            await writer.drain()
        writer.write_eof()


def _tell_agreed(peer: Any, info: ConnectionInfo, as_json: bool) -> None:
    if as_json:
        facts = {"schema": SCHEMA, "event": "connected", "address": place(peer), **info.to_dict()}
        print(json_text.dumps(facts), file=sys.stderr)
        return
    rows = [("connected to", place(peer)), *agreed(info)]
    if not sys.stderr.isatty():
        for label, value in rows:
            print(f"{label}: {value}", file=sys.stderr)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column()
    unchecked = info.peer is not None and not info.peer.verified
    for label, value in rows:
        table.add_row(label, value, style="bold red" if label == "peer" and unchecked else None)
    Console(stderr=True, highlight=False, markup=False).print(table)


def _tell_trouble(facts: dict[str, Any], line: str, as_json: bool) -> None:
    if as_json:
        print(json_text.dumps({"schema": SCHEMA, "event": "failed", **facts}), file=sys.stderr)
    else:
        print(f"suitor: {line}", file=sys.stderr)
