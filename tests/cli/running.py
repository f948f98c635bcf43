"""The command as its users run it: in a process of its own, with certificate files."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from attrs import define, field

from suitor.cli.pki import Issued, make_leaf

COMMAND = (sys.executable, "-W", "error", "-m", "suitor")
PATIENCE = 30.0


@define
class Files:
    """A root, and certificates by it, as PEM files in one directory."""

    directory: Path
    root: Issued

    @property
    def ca(self) -> Path:
        return self.directory / "root.pem"

    def add(self, label: str, names: list[str], **options: Any) -> tuple[Path, Path]:
        leaf = make_leaf(self.root, names, **options)
        cert, key = self.directory / f"{label}.pem", self.directory / f"{label}.key"
        cert.write_bytes(leaf.chain_pem())
        key.write_bytes(leaf.key_pem())
        return cert, key

    def pair(self, label: str) -> list[str]:
        return ["--cert", str(self.directory / f"{label}.pem"), "--key", str(self.directory / f"{label}.key")]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONUNBUFFERED": "1", **more}


@define
class Finished:
    """A command that has ended."""

    code: int
    out: bytes
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.err)


def suitor(*arguments: str | Path, stdin: bytes = b"", **env: str) -> Finished:
    """Run the command to its end."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        timeout=PATIENCE,
        env=environment(**env),
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr.decode())


@define
class Serving:
    """A ``suitor serve`` that runs, and its lines as they come."""

    process: subprocess.Popen[str]
    port: int = 0
    seen: list[dict[str, Any]] = field(factory=list)
    _lines: queue.Queue[str] = field(factory=queue.Queue)
    _errors: list[str] = field(factory=list)

    def start_reading(self) -> None:
        def read(stream: Any, take: Callable[[str], None]) -> None:
            for line in stream:
                take(line)

        for stream, take in (
            (self.process.stdout, self._lines.put),
            (self.process.stderr, self._errors.append),
        ):
            threading.Thread(target=read, args=(stream, take), daemon=True).start()

    def next(self, event: str) -> dict[str, Any]:
        """The next line about ``event``."""
        while True:
            facts: dict[str, Any] = json.loads(self._lines.get(timeout=PATIENCE))
            self.seen.append(facts)
            if facts["event"] == event:
                return facts

    def stop(self, number: int = signal.SIGINT) -> int:
        """Signal it and wait; its exit code. Fails if it ever wrote to standard error."""
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE)
        assert "".join(self._errors) == ""
        return code


Serve = Callable[..., Serving]


@contextmanager
def servers(files: Files) -> Iterator[Serve]:
    """Start servers, with the certificate for localhost unless others are given, and end them."""
    with ExitStack() as stack:

        def start(*options: str | Path) -> Serving:
            pair = [] if "--cert" in options else files.pair("localhost")
            process = stack.enter_context(
                subprocess.Popen(
                    [*COMMAND, "serve", "--json", "--port", "0", *pair, *map(str, options)],
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                    env=environment(),
                )
            )
            stack.callback(process.kill)
            serving = Serving(process)
            serving.start_reading()
            serving.port = serving.next("listening")["port"]
            return serving

        yield start
