"""The ``suitor`` command. Each subcommand's module is imported only when it runs."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

from suitor.cli.exits import Exit, exit_for
from suitor.errors import SuitorError

if TYPE_CHECKING:
    from cyclopts import App

EXTRA = ("cyclopts", "dpkt", "h11", "rich", "tomli_w")
"""What the ``cli`` extra brings, by import name."""

COMMANDS = (
    ("demo", "demo:demo", "Run a handshake on this machine and tell it step by step."),
    ("serve", "serve:serve", "Answer TLS connections with a page that shows what was negotiated."),
    ("connect", "connect:connect", "Open a TLS connection: standard input to the peer, the peer to output."),
    ("explain", "explain:explain", "Say what would be negotiated for a ClientHello, and why."),
    ("plugins", "plugins:plugins", "Show what is installed and which suites that lights up."),
    ("ca", "ca:app", "Make certificates for trying things out."),
)


def build_app(chosen: str | None = None) -> App:
    """The command line's tree. Only the module of the ``chosen`` subcommand will be imported: it describes
    itself, at length, while the others are listed with their summaries."""
    from cyclopts import App

    app = App(
        name="suitor",
        help="TLS negotiation out of plugins: every algorithm a plugin, every choice explained.",
        help_format="plaintext" if chosen is None else "markdown",
        version=_version,
        result_action="return_value",
        exit_on_error=False,
        suppress_keyboard_interrupt=False,
    )
    for name, place, summary in COMMANDS:
        app.command(f"suitor.cli.{place}", name=name, help=None if name == chosen else summary)
    return app


def _version() -> str:
    from importlib.metadata import version

    return f"suitor {version('suitor')}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code (:class:`~suitor.cli.exits.Exit`)."""
    missing = [name for name in EXTRA if find_spec(name) is None]
    if missing:
        print(
            f"suitor: the command needs {', '.join(missing)}: pip install 'suitor[cli]'",
            file=sys.stderr,
        )
        return Exit.LOCAL
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A name from the network must not fail on a terminal that lacks its letters.
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _run(sys.argv[1:] if arguments is None else arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        from suitor.cli.report import stop_output

        stop_output()
        return Exit.BROKEN_PIPE
    return code


def _run(arguments: Sequence[str]) -> int:
    from cyclopts import CycloptsError

    chosen = arguments[0] if arguments and not arguments[0].startswith("-") else None
    names = [name for name, _, _ in COMMANDS]
    if chosen is not None and chosen not in names:
        print(f"suitor: there is no command {chosen!r}; there are {', '.join(names)}", file=sys.stderr)
        return Exit.LOCAL
    try:
        result = build_app(chosen)(arguments)
    except CycloptsError:
        # It has been printed, with the usage.
        return Exit.LOCAL
    except SuitorError as error:
        print(f"suitor: {error}", file=sys.stderr)
        return exit_for(error)
    except BrokenPipeError:
        raise
    except OSError as error:
        text = error.strerror or str(error)
        print(f"suitor: {error.filename}: {text}" if error.filename else f"suitor: {text}", file=sys.stderr)
        return Exit.LOCAL
    return result if isinstance(result, int) else Exit.SUCCESS
