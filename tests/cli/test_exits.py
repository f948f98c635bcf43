"""Exit codes, and the command line's own manners."""

from __future__ import annotations

import re
import subprocess
import sys
import time

import pytest

from suitor.cli import COMMANDS, EXTRA
from suitor.cli.exits import Exit, exit_for
from suitor.errors import (
    Alert,
    ConnectionEnded,
    Ended,
    LocalError,
    LocalMistake,
    NegotiationError,
    NoAgreement,
    PeerMisbehaved,
    ProtocolError,
    SuitorError,
    Untrusted,
    VerificationError,
)
from tests.cli.running import COMMAND, Files, environment, suitor


def alerted(code: int) -> ConnectionEnded:
    return ConnectionEnded(Ended.PEER_ALERT, "", code)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (LocalError(LocalMistake.BAD_PEM), Exit.LOCAL),
        (VerificationError(Untrusted.EXPIRED), Exit.VERIFICATION),
        (NegotiationError(NoAgreement.NO_COMMON_SUITE), Exit.NEGOTIATION),
        (ProtocolError(PeerMisbehaved.BAD_FINISHED), Exit.PROTOCOL),
        (ConnectionEnded(Ended.TRUNCATED), Exit.NETWORK),
        (ConnectionEnded(Ended.TIMED_OUT), Exit.NETWORK),
        (ConnectionEnded(Ended.CLOSED_DURING_HANDSHAKE), Exit.NETWORK),
        (alerted(Alert.UNKNOWN_CA), Exit.VERIFICATION),
        (alerted(Alert.CERTIFICATE_REQUIRED), Exit.VERIFICATION),
        (alerted(Alert.HANDSHAKE_FAILURE), Exit.NEGOTIATION),
        (alerted(Alert.PROTOCOL_VERSION), Exit.NEGOTIATION),
        (alerted(Alert.INSUFFICIENT_SECURITY), Exit.NEGOTIATION),
        (alerted(Alert.DECODE_ERROR), Exit.PROTOCOL),
        (alerted(250), Exit.PROTOCOL),
    ],
)
def test_exit_for(error: SuitorError, code: Exit) -> None:
    assert exit_for(error) is code


def test_codes_are_what_is_documented() -> None:
    assert {exit.name: exit.value for exit in Exit} == {
        "SUCCESS": 0,
        "PROBLEMS": 1,
        "LOCAL": 2,
        "VERIFICATION": 3,
        "NEGOTIATION": 4,
        "NETWORK": 5,
        "PROTOCOL": 6,
        "INTERRUPTED": 130,
        "BROKEN_PIPE": 141,
    }


def test_help_names_every_command_and_is_quick() -> None:
    # The best of three: the machine may be busy with something else.
    times = []
    for _ in range(3):
        started = time.perf_counter()
        done = suitor("--help")
        times.append(time.perf_counter() - started)
    assert done.code == 0
    for name, _, _ in COMMANDS:
        assert name in done.out.decode()
    assert min(times) < 1


def test_help_imports_no_subcommand() -> None:
    code = (
        "import sys; from suitor.cli import main; main(['--help']); "
        "sys.exit(any(name in sys.modules for name in "
        "('asyncio', 'cryptography.x509', 'h11', 'suitor_plugins', 'suitor.cli.demo', 'suitor.cli.ca')))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("name", [name for name, _, _ in COMMANDS])
def test_every_command_describes_itself(name: str) -> None:
    done = suitor(name, "--help")
    assert (done.code, done.err) == (0, "")
    assert b"Usage: suitor " + name.encode() in done.out


def test_version() -> None:
    done = suitor("--version")
    assert done.code == 0
    assert done.out.startswith(b"suitor ")


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["--nonsense"],
        ["connect"],
        ["connect", "localhost", "--nonsense"],
        ["connect", "localhost:notaport"],
        ["connect", "localhost:0"],
        ["connect", "[::1:443"],
        ["connect", ":443"],
        ["connect", "localhost", "--ca", "roots.pem", "--insecure"],
        ["connect", "localhost", "--cert", "only.pem"],
        ["connect", "localhost", "--ca", "/nonexistent/roots.pem"],
        ["connect", "localhost", "--insecure", "--policy", "nonsense"],
        ["connect", "localhost", "--insecure", "--policy", "modern, only ffdhe9"],
        ["connect", "localhost", "--insecure", "--alpn", "x" * 256],
        ["connect", "localhost", "--insecure", "--keylog", "/nonexistent/directory/keys"],
        ["connect", "bad..name", "--insecure"],
        ["connect", "x" * 300, "--name", "localhost", "--insecure"],
        ["connect", "localhost", "--timeout", "0"],
        ["demo", "--policy", "nonsense"],
        ["serve"],
        ["serve", "--cert", "x", "--key", "x", "--port", "65536"],
        ["serve", "--cert", "/nonexistent.pem", "--key", "/nonexistent.key"],
    ],
    ids=" ".join,
)
def test_mistakes_on_this_side_exit_with_2(arguments: list[str]) -> None:
    done = suitor(*arguments)
    assert done.code == Exit.LOCAL
    assert done.out == b""
    assert done.err
    assert "Traceback" not in done.err


def test_serve_mistakes_exit_with_2(files: Files) -> None:
    pair = files.pair("localhost")
    mismatched = [*pair[:3], files.pair("other")[3]]
    for arguments in (
        [*pair, "--www", "/nonexistent"],
        [*pair, "--client-auth", "required"],
        [*pair, *files.pair("other")[:2]],
        mismatched,
        [*pair, "--host", "203.0.113.1", "--port", "0"],
    ):
        done = suitor("serve", *arguments)
        assert (done.code, done.out) == (Exit.LOCAL, b"")
        assert done.err.startswith("suitor: ")
        assert done.err.count("\n") == 1


def test_a_missing_extra_is_one_line() -> None:
    code = (
        "import importlib.util as u, sys; real = u.find_spec; "
        "u.find_spec = lambda name: None if name in ('cyclopts', 'rich') else real(name); "
        "from suitor.cli import main; sys.exit(main(['demo']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == Exit.LOCAL
    assert done.stderr == "suitor: the command needs cyclopts, rich: pip install 'suitor[cli]'\n"


def test_the_extra_is_what_the_package_declares() -> None:
    from importlib.metadata import requires

    declared = {
        re.split(r"[^\w-]", line)[0].replace("-", "_")
        for line in requires("suitor") or ()
        if "extra ==" in line
    }
    assert declared == set(EXTRA)


def test_a_reader_that_goes_away_is_no_trouble() -> None:
    process = subprocess.Popen(
        [*COMMAND, "demo", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    )
    assert process.stdout is not None
    assert process.stderr is not None
    with process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == Exit.BROKEN_PIPE
