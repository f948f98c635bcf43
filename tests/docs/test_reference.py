"""The reference is that of the code, and leaves nothing out."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from suitor.cli import COMMANDS
from suitor.errors import Ended, LocalMistake, NoAgreement, PeerMisbehaved, Reason, Untrusted
from tests.docs.pages import ROOT
from tests.docs.running import environment


def test_the_pages_are_what_the_code_says() -> None:
    command = [sys.executable, "docs/build_reference.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (
        f"python docs/build_reference.py writes them anew: {done.stdout}{done.stderr}"
    )


@pytest.mark.parametrize("kind", [PeerMisbehaved, NoAgreement, Untrusted, Ended, LocalMistake])
def test_every_reason_is_in_the_table(kind: type[Reason]) -> None:
    page = (ROOT / "docs" / "reference" / "errors.md").read_text()
    for reason in kind:
        assert f"| `{reason.name}` | {reason.text} |" in page


@pytest.mark.parametrize("command", [name for name, _, _ in COMMANDS])
def test_the_command_page_has_the_options_of_help(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "suitor", command, "--help"],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    rows = re.findall(r"^│ (?:\*  |   )?(-.*)$", done.stdout, re.MULTILINE)
    told = {option for row in rows for option in re.findall(r"(?<![\w-])--?[a-z][a-z-]*", row.split("  ")[0])}
    page = (ROOT / "docs" / "reference" / "cli.md").read_text()
    section = page.partition(f"## `suitor {command}`")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| ((?:`[^`]+` ?)+)\|", section, re.MULTILINE)
    listed = {option for cell in cells for option in re.findall(r"`(-[^`]+)`", cell)}
    assert listed == told - {"--help", "-h"}
    assert listed
