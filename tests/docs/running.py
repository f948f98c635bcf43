"""Runs a page's blocks in order, in a directory of their own, and holds the output shown against the real one."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import define, field

from tests.docs.pages import Block

PORT = "8443"
"""The port that the pages speak of; a free one takes its place."""

PATIENCE = 30.0
"""Seconds for a command, and for a server to say its first line."""

_NUMBER = re.compile(r"(?<![\w.])\d+(\.\d+)?(?!\w)")
"""Times and sizes; what is part of a name (secp256r1, TLSv1.3, 0x001D) is not one."""

_BASH = 'set -o pipefail; suitor() { "$SUITOR_PYTHON" -m suitor "$@"; }; '


@define
class _Server:
    block: Block
    process: subprocess.Popen[bytes]
    output: Path
    shown: Sequence[str]


@define
class Run:
    """One page's run. Python blocks share their names; every block shares the directory."""

    directory: Path
    names: dict[str, Any] = field(factory=lambda: {"__name__": "__docs__"})
    port: str = field(factory=lambda: _free_port())
    servers: list[_Server] = field(factory=list)

    def block(self, block: Block, shown: Sequence[str] | None) -> None:
        """Run one block. ``shown`` is the output that stands in a text block after a Python one."""
        kind, _, argument = block.mark.partition(" ")
        if kind == "file":
            path = self.directory / argument
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text.replace(PORT, self.port), encoding="utf-8")
        elif block.language == "python":
            self._python(block, shown)
        elif block.language == "console":
            self._console(block, kind, int(argument) if kind == "exits" else 0)

    def _python(self, block: Block, shown: Sequence[str] | None) -> None:
        text = "\n" * block.line + block.text.replace(PORT, self.port)
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec(compile(text, "<documentation>", "exec"), self.names)
        if shown is not None:
            compare(shown, said.getvalue().splitlines())

    def _console(self, block: Block, kind: str, exit_code: int) -> None:
        commands = _commands(block)
        for number, (command, shown) in enumerate(commands, 1):
            if kind == "background":
                self._start(block, command, shown)
                continue
            done = subprocess.run(
                ["bash", "-c", _BASH + command.replace(PORT, self.port)],
                cwd=self.directory,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=PATIENCE,
                check=False,
            )
            output = done.stdout.decode()
            expected = exit_code if number == len(commands) else 0
            assert done.returncode == expected, f"{command} exits with {done.returncode}: {output}"
            if shown:
                compare(shown, output.splitlines())

    def _start(self, block: Block, command: str, shown: Sequence[str]) -> None:
        program, *arguments = shlex.split(command.replace(PORT, self.port).replace("\\\n", " "))
        assert program == "suitor"
        if arguments[0] == "serve":
            arguments += ["--port", self.port]
        output = self.directory / f".output-{len(self.servers)}"
        with output.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "suitor", *arguments],
                cwd=self.directory,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        self.servers.append(_Server(block, process, output, shown))
        deadline = time.monotonic() + PATIENCE
        while not output.read_bytes().endswith(b"\n"):
            assert process.poll() is None, output.read_text()
            assert time.monotonic() < deadline, f"{command} says nothing"
            time.sleep(0.02)

    def finish(self) -> None:
        """Stop the servers and look at what they said."""
        for server in self.servers:
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(PATIENCE) == 0, server.output.read_text()
            if server.shown:
                compare(server.shown, server.output.read_text().splitlines())

    def abandon(self) -> None:
        for server in self.servers:
            if server.process.poll() is None:
                server.process.kill()
                server.process.wait()


def _free_port() -> str:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return str(sock.getsockname()[1])


def environment() -> dict[str, str]:
    """For commands: the same output on every machine."""
    kept = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "PY_COLORS")}
    return {**kept, "SUITOR_PYTHON": sys.executable, "NO_COLOR": "1", "COLUMNS": "110", "TERM": "dumb"}


def _commands(block: Block) -> list[tuple[str, list[str]]]:
    """The commands of a console block, each with the output shown below it."""
    found: list[tuple[str, list[str]]] = []
    goes_on = False
    for line in block.lines:
        if goes_on:
            command, shown = found[-1]
            found[-1] = (f"{command}\n{line}", shown)
        elif line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
        goes_on = line.endswith(("\\", "|")) and (goes_on or line.startswith("$ "))
    return found


def compare(shown: Sequence[str], real: Sequence[str]) -> None:
    """What a page shows must be what was printed, but for numbers and spaces. "…" stands for what is left out:
    lines where it stands alone, else a part of its line."""
    lines = [_plain(line) for line in real]
    at, skipping = 0, False
    for part in _parts(shown):
        if part is None:
            skipping = True
            continue
        places = range(at, len(lines) - len(part) + 1) if skipping else [at]
        found = next((place for place in places if _alike(part, lines[place : place + len(part)])), None)
        assert found is not None, "\n".join(["shown:", *part, "", "real:", *lines[at:]])
        at, skipping = found + len(part), False
    assert skipping or not any(lines[at:]), "\n".join(["not shown:", *lines[at:]])


def _alike(shown: Sequence[str], real: Sequence[str]) -> bool:
    patterns = (".*".join(map(re.escape, line.split("…"))) for line in shown)
    return len(shown) == len(real) and all(map(re.fullmatch, patterns, real))


def _plain(line: str) -> str:
    return " ".join(_NUMBER.sub("N", line).split())


def _parts(shown: Sequence[str]) -> list[list[str] | None]:
    parts: list[list[str] | None] = []
    for line in shown:
        if line.strip() == "…":
            parts.append(None)
        elif parts and parts[-1] is not None:
            parts[-1].append(_plain(line))
        else:
            parts.append([_plain(line)])
    return parts
