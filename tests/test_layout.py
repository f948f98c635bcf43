"""The shape of the repository: what stands where, what may know what, and nothing that nobody uses."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from suitor import errors

ROOT = Path(__file__).parents[1]
CORE = ROOT / "core" / "suitor"
PLUGINS = ROOT / "plugins" / "suitor_plugins"

TOP_LEVEL = {
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "README.md",
    "SECURITY.md",
    "core",
    "docs",
    "plugins",
    "pyproject.toml",
    "tests",
    "tox.ini",
}

LONGEST = 450
"""Lines of a source file: more than one idea fits in no more."""

FOR_OTHERS = {errors.Untrusted.REVOKED}
"""Reasons that no built-in stage gives, for those that check what these do not."""


def sources(folder: Path) -> list[Path]:
    found = sorted(folder.rglob("*.py"))
    assert found
    return found


def imported(path: Path) -> Iterator[str]:
    """The modules that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield node.module or ""
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            if name in ("import_module", "__import__") and isinstance(node.args[0], ast.Constant):
                yield str(node.args[0].value)


def top(module: str) -> str:
    return module.partition(".")[0]


@pytest.mark.parametrize("path", sources(CORE), ids=lambda path: str(path.relative_to(CORE)))
def test_the_core_never_imports_a_plugin(path: Path) -> None:
    assert "suitor_plugins" not in {top(module) for module in imported(path)}


@pytest.mark.parametrize("path", sources(CORE), ids=lambda path: str(path.relative_to(CORE)))
def test_the_engine_knows_no_network_and_no_command(path: Path) -> None:
    part = path.relative_to(CORE).parts[0]
    if part in ("cli", "io", "testing"):
        return
    modules = set(imported(path))
    assert not {"socket", "ssl", "asyncio", "threading", "rich", "cyclopts", "h11", "dpkt"} & {
        top(module) for module in modules
    }
    if part not in ("__init__.py", "__main__.py"):
        assert not {module for module in modules if module.startswith(("suitor.io", "suitor.cli"))}


def test_the_top_level() -> None:
    # What is ignored or not added yet is no part of the repository; outside of git, everything counts.
    there = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    ignored = {line.rstrip("/") for line in (ROOT / ".gitignore").read_text().split()}
    assert there - ignored == TOP_LEVEL


@pytest.mark.parametrize(
    "path", [*sources(CORE), *sources(PLUGINS)], ids=lambda path: str(path.relative_to(ROOT))
)
def test_files_stay_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) < LONGEST


def test_the_package_imports_little() -> None:
    """Each of these would be paid by every program that only negotiates."""
    heavy = "asyncio ssl cyclopts rich dpkt cryptography.x509 suitor_plugins"
    code = f"import sys, suitor; print([m for m in {heavy.split()!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- reasons ----------------------------------------------------------------------------------------------

REASONS = (
    errors.PeerMisbehaved,
    errors.NoAgreement,
    errors.Untrusted,
    errors.Ended,
    errors.LocalMistake,
)


def test_every_reason_has_a_text_of_its_own() -> None:
    """Members of an enum with one value would be one member under two names."""
    rows = 0
    for node in ast.walk(ast.parse((CORE / "errors.py").read_text())):
        if isinstance(node, ast.ClassDef) and node.name in {kind.__name__ for kind in REASONS}:
            rows += sum(isinstance(row, ast.Assign) for row in node.body)
    members = [member for kind in REASONS for member in kind]
    assert len(members) == rows
    assert Counter(member.text for member in members).most_common(1)[0][1] == 1


@pytest.mark.parametrize("kind", REASONS)
def test_every_reason_is_given_somewhere(kind: type[errors.Reason]) -> None:
    used = {
        (node.value.id, node.attr)
        for path in (*sources(CORE), *sources(PLUGINS))
        if path.name != "errors.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    unused = {member for member in kind if (kind.__name__, member.name) not in used}
    assert unused - FOR_OTHERS == set()
    assert not {member for member in FOR_OTHERS if isinstance(member, kind)} - unused


@pytest.mark.parametrize("kind", [errors.PeerMisbehaved, errors.NoAgreement, errors.Untrusted])
def test_every_reason_about_a_peer_has_an_alert_and_a_rule(kind: type[errors.Reason]) -> None:
    for member in kind:
        assert isinstance(member.alert, errors.Alert), member
        assert member.section.startswith("RFC "), member
