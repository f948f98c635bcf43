"""Lines about connections, for people or as JSON lines: what was agreed, or why nothing was."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

from attrs import define

from suitor.errors import Alert, ConnectionEnded, SuitorError
from suitor.events import ConnectionInfo


def printable(text: str) -> str:
    """Without control characters: a peer's words must not drive the terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def alert_name(code: int) -> str:
    """The alert's name as the RFCs write it, or its number."""
    try:
        return Alert(code).name.lower()
    except ValueError:
        return str(code)


def place(address: Any) -> str:
    """A socket address as ``host:port``, brackets around IPv6."""
    if not isinstance(address, tuple) or len(address) < 2:
        return str(address)
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def agreed(info: ConnectionInfo) -> list[tuple[str, str]]:
    """What was agreed, as labels and values in reading order."""
    rows = [
        ("version", info.version),
        ("suite", info.suite),
        ("group", f"{info.group} (after a HelloRetryRequest)" if info.retried else info.group),
        ("signature", info.signature),
        ("server name", info.server_name),
        ("alpn", info.alpn),
        ("certificate", info.credential),
    ]
    if info.peer is not None:
        checked = f"verified by {info.peer.stage}" if info.peer.verified else "NOT VERIFIED"
        rows.append(("peer", f"{info.peer.subject} ({checked})" if info.peer.subject else checked))
    return [(label, printable(value)) for label, value in rows if value]


def failure(error: SuitorError) -> dict[str, Any]:
    """An error as plain data. ``alert`` is the one this side sent, ``peer_alert`` the one that came."""
    code = error.peer_alert if isinstance(error, ConnectionEnded) else None
    return {
        "reason": error.reason.name,
        "text": printable(str(error)),
        "alert": None if error.alert is None else alert_name(error.alert),
        "peer_alert": None if code is None else alert_name(code),
        "section": error.reason.section,
    }


def failure_line(error: SuitorError) -> str:
    """The same in one line."""
    facts = failure(error)
    alerts = [f"alert {facts['alert']} sent"] if facts["alert"] else []
    alerts += [f"alert {facts['peer_alert']} received"] if facts["peer_alert"] else []
    return ", ".join([facts["text"], *alerts])


def stop_output() -> None:
    """Let standard output lead nowhere: its reader is gone, and what is still buffered would fail again when
    the interpreter flushes it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@define
class StatusLines:
    """A server's log on standard output. Goes quiet when nobody reads it any more."""

    as_json: bool

    def listening(self, address: Any) -> None:
        host, port = address[:2]
        self._say({"event": "listening", "host": host, "port": port}, f"listening on {place(address)}")

    def connected(self, peer: Any, info: ConnectionInfo) -> None:
        words = [info.version, info.suite, info.group, info.signature]
        words += [f"sni={info.server_name}"] if info.server_name else []
        words += [f"alpn={info.alpn}"] if info.alpn else []
        if info.peer is not None:
            words.append(f"client={info.peer.subject}")
        line = printable(" ".join(word for word in words if word))
        self._say(
            {"event": "connected", "address": place(peer), **info.to_dict()},
            f"{place(peer)} {line}",
        )

    def failed(self, peer: Any, error: SuitorError) -> None:
        self._say(
            {"event": "failed", "address": place(peer), **failure(error)},
            f"{place(peer)} failed: {failure_line(error)}",
        )

    def stopped(self) -> None:
        self._say({"event": "stopped"}, "stopped")

    def _say(self, facts: dict[str, Any], line: str) -> None:
        try:
            if self.as_json:
                print(json.dumps({"time": round(time.time(), 3), **facts}), flush=True)
            else:
                print(time.strftime("%H:%M:%S"), line, flush=True)
        except BrokenPipeError:
            stop_output()
