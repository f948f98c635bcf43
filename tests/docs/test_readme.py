"""The README's two commands, and that the project's own checks use the one for tests to the letter."""

from __future__ import annotations

import os
from configparser import ConfigParser

from tests.docs.pages import ROOT, blocks


def commands() -> list[str]:
    """The README's command lines, in order."""
    consoles = (block for block in blocks(ROOT / "README.md") if block.language == "console")
    return [line[2:] for block in consoles for line in block.lines if line.startswith("$ ")]


def test_the_first_two_commands_install_and_test() -> None:
    install, test, *_ = commands()
    for command in (install, test):
        assert command.startswith("python3 -m venv ")
    assert install.endswith("suitor demo")
    assert test.endswith("tox")


def test_the_checks_run_the_command_of_the_readme() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    assert f"\n    {commands()[1]}\n" in script
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_tox_has_an_environment_for_each_python_and_each_check() -> None:
    tox = ConfigParser()
    tox.read(ROOT / "tox.ini")
    wanted = {"py311", "py312", "py313", "lint", "types", "docs"}
    assert {name.strip() for name in tox["tox"]["env_list"].split(",")} == wanted
    assert "testenv:bench" in tox
