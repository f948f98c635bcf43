"""Other people's programs: found or skipped, run to their end or talked to, never left behind."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import random
import re
import shutil
import socket
import subprocess
import termios
import threading
import time
from array import array
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest
from attrs import define, field

PATIENCE = 20.0
"""Seconds that anything here may take."""

_VERSION_OPTIONS = {"openssl": ["version"], "java": ["-version"]}
_OF_NSS = ("certutil", "pk12util", "selfserv", "tstclnt")

versions: dict[str, str] = {}
"""The first line that each program says of itself, for those that tests have asked for."""


def program(name: str) -> str:
    """The path of a program. Skips the test when there is none."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    if name in _OF_NSS:
        versions["NSS"] = _version_of_nss()
    elif name not in versions:
        versions[name] = _version(path, _VERSION_OPTIONS.get(name, ["--version"]))
    return path


@cache
def _version_of_nss() -> str:
    """Its programs don't tell, the library does."""
    try:
        ask = ctypes.CDLL("libnss3.so").NSS_GetVersion
    except (OSError, AttributeError):
        return "of unknown version"
    ask.restype = ctypes.c_char_p
    version: bytes = ask()
    return version.decode()


def _version(path: str, options: Sequence[str]) -> str:
    done = run([path, *options])
    lines = done.text.strip().splitlines()
    return lines[0] if done.code == 0 and lines else "of unknown version"


def random_ports() -> Iterator[int]:
    """Ports to try, below the range that systems take outgoing connections' from."""
    while True:
        yield random.randrange(20_000, 32_000)


def listen() -> socket.socket:
    """A listening socket on a free port."""
    for port in random_ports():
        with contextlib.suppress(OSError):
            return socket.create_server(("127.0.0.1", port))
    raise AssertionError


def free_port() -> int:
    """A port that nobody listened on a moment ago, for a program that wants to be told one."""
    with listen() as sock:
        port: int = sock.getsockname()[1]
        return port


@define(frozen=True)
class Finished:
    """A program that has ended."""

    code: int
    out: bytes
    err: bytes

    @property
    def text(self) -> str:
        """Everything that it wrote."""
        return (self.out + self.err).decode(errors="replace")


def run(arguments: Sequence[str | Path], stdin: bytes = b"", cwd: Path | None = None) -> Finished:
    """Run a program to its end, which must come soon."""
    done = subprocess.run(
        list(map(str, arguments)),
        input=stdin,
        capture_output=True,
        timeout=PATIENCE,
        cwd=cwd,
        env=_environment(),
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


def _environment() -> dict[str, str]:
    """Ours, without what would change a peer's mind about roots or logs."""
    unwanted = ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE", "OPENSSL_CONF", "JAVA_TOOL_OPTIONS")
    return {name: value for name, value in os.environ.items() if name not in unwanted} | {"LC_ALL": "C"}


@define
class Talk:
    """A program that runs: what it writes as it comes, and its standard input."""

    process: subprocess.Popen[bytes]
    port: int = 0
    _said: bytearray = field(factory=bytearray)
    _heard: int = 0
    _news: threading.Condition = field(factory=threading.Condition)
    _ended: bool = False

    def read(self) -> None:
        assert self.process.stdout is not None
        while piece := os.read(self.process.stdout.fileno(), 65_536):
            with self._news:
                self._said += piece
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    @property
    def said(self) -> bytes:
        """Everything so far."""
        with self._news:
            return bytes(self._said)

    def hear(self, pattern: str) -> re.Match[bytes]:
        """Wait for ``pattern`` in what has not been heard yet."""
        compiled = re.compile(pattern.encode())
        deadline = time.monotonic() + PATIENCE
        with self._news:
            while True:
                found = compiled.search(self._said, self._heard)
                if found:
                    self._heard = found.end()
                    # A match borrows what it was found in, which must be free to grow.
                    again = compiled.search(bytes(self._said[: found.end()]), found.start())
                    assert again is not None
                    return again
                left = deadline - time.monotonic()
                if self._ended or left <= 0:
                    raise AssertionError(f"no {pattern!r} in: {bytes(self._said).decode(errors='replace')}")
                self._news.wait(left)

    def say(self, line: str) -> None:
        """Write a line to its standard input, and wait until it is read: some peers look for a command only at
        the start of what they read at once. What it said last is still to be heard when it has ended."""
        stdin = self.process.stdin
        assert stdin is not None
        with contextlib.suppress(BrokenPipeError):
            stdin.write(line.encode() + b"\n")
        deadline = time.monotonic() + PATIENCE
        waiting = array("i", [1])
        while waiting[0] and self.process.poll() is None:
            fcntl.ioctl(stdin.fileno(), termios.FIONREAD, waiting)
            assert time.monotonic() < deadline, f"{line!r} is not read"

    def wait(self) -> int:
        """Wait until it ends by itself; its exit code."""
        return self.process.wait(PATIENCE)


@contextlib.contextmanager
def talking(arguments: Sequence[str | Path], port: int = 0, cwd: Path | None = None) -> Iterator[Talk]:
    """Start a program, and end it when the block does. ``port`` is only noted."""
    process = subprocess.Popen(
        list(map(str, arguments)),
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=cwd,
        env=_environment(),
    )
    talk = Talk(process, port)
    reader = threading.Thread(target=talk.read, daemon=True)
    reader.start()
    try:
        yield talk
    finally:
        process.kill()
        process.wait(PATIENCE)
        reader.join(PATIENCE)
        process.__exit__(None, None, None)


def wait_until_open(talk: Talk) -> None:
    """Wait for a server that does not say when it listens."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", talk.port), PATIENCE).close()
        except ConnectionRefusedError:
            if talk.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(talk.said.decode(errors="replace")) from None
            time.sleep(0.02)
        else:
            return
