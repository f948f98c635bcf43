"""Every hook does what its page says: what it brings is in the catalogue."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import suitor
from suitor.plug import StageFactory, Suite, hookimpl, hookspecs
from suitor_plugins import algorithms, stages
from tests.docs.pages import ROOT, blocks
from tests.docs.running import Run

HOOKS = sorted(name for name in vars(hookspecs) if name.startswith("suitor_"))
PRIVATE = 0xFFD0


def nothing(*_: Any) -> None:
    return None


EXTENSION = SimpleNamespace(name="docs", code=PRIVATE, offer=nothing, answer=nothing, accept=nothing)
SUITE = Suite(PRIVATE, "TLS_DOCS", "", "", "AES_128_GCM", "SHA256", 0x0304, 0x0304, "N", "")

BROUGHT: dict[str, tuple[list[Any], str]] = {
    "suitor_groups": (list(algorithms.suitor_groups()), "groups"),
    "suitor_ciphers": (list(algorithms.suitor_ciphers()), "ciphers"),
    "suitor_block_ciphers": (list(algorithms.suitor_block_ciphers()), "block_ciphers"),
    "suitor_key_exchanges": (list(algorithms.suitor_key_exchanges()), "key_exchanges"),
    "suitor_hashes": (list(algorithms.suitor_hashes()), "hashes"),
    "suitor_signatures": (list(algorithms.suitor_signatures()), "signatures"),
    "suitor_compressions": (list(algorithms.suitor_compressions()), "compressions"),
    "suitor_extensions": ([EXTENSION], "extensions"),
    "suitor_stages": (list(stages.suitor_stages()), "stages"),
}


@pytest.mark.parametrize("hook", sorted(BROUGHT))
def test_what_a_hook_brings_is_in_the_catalogue(hook: str) -> None:
    things, place = BROUGHT[hook]
    plugin = SimpleNamespace(**{hook: hookimpl(lambda: things)})
    catalogue = suitor.load_catalogue(entry_points=(), plugins=[("docs", plugin)])
    assert catalogue.problems == ()
    assert list(getattr(catalogue, place).values()) == sorted(
        things, key=lambda thing: (getattr(thing, "code", 0), _name(thing))
    )


def _name(thing: Any) -> str:
    return f"{thing.kind} {thing.name}" if isinstance(thing, StageFactory) else str(thing.name)


def test_a_private_suite_lights_up() -> None:
    plugin = SimpleNamespace(suitor_suites=hookimpl(lambda: [SUITE]))
    plugins = [("suitor", algorithms), ("docs", plugin)]
    catalogue = suitor.load_catalogue(entry_points=(), plugins=plugins)
    assert catalogue.problems == ()
    assert catalogue.suites[PRIVATE].suite is SUITE


def test_every_hook_is_tested() -> None:
    assert sorted([*BROUGHT, "suitor_suites"]) == HOOKS


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_is_documented(hook: str) -> None:
    text = getattr(hookspecs, hook).__doc__
    assert text
    page = (ROOT / "docs" / "reference" / "hooks.md").read_text()
    section = page.partition(f"## `{hook}`\n")[2]
    assert section
    assert re.sub(r"\W+", " ", text).split()[0] in section


def test_the_packaged_example_is_found_through_its_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(tmp_path)
    for block in blocks(ROOT / "docs" / "how-to" / "add-an-algorithm.md"):
        if block.mark.startswith("file "):
            run.block(block, None)
    monkeypatch.syspath_prepend(tmp_path)
    groups = tomllib.loads((tmp_path / "pyproject.toml").read_text())["project"]["entry-points"]
    points = [EntryPoint(name, value, "suitor") for name, value in groups["suitor"].items()]
    catalogue = suitor.load_catalogue(entry_points=points)
    sys.modules.pop("modp_group")
    assert catalogue.problems == ()
    assert [group.name for group in catalogue.groups.values()] == ["modp1536"]
