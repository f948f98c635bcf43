"""``suitor plugins``: what is installed, and what is dark for want of what."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from attrs import frozen

import suitor_plugins.algorithms
from suitor.catalogue import Catalogue, default_catalogue
from suitor.cli import main, plugins
from suitor.cli.exits import Exit
from suitor.plug import hookimpl
from suitor.plug.loader import load_catalogue
from suitor.registry import suites


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["plugins", "--json", *arguments]) == Exit.SUCCESS
    facts: dict[str, Any] = json.loads(capsys.readouterr().out)
    return facts


def test_everything_installed_is_told_with_its_distribution(capsys: pytest.CaptureFixture[str]) -> None:
    catalogue = default_catalogue()
    facts = run_json(capsys)
    assert facts["schema"] == plugins.SCHEMA
    for kind, things in (
        ("groups", catalogue.groups),
        ("ciphers", catalogue.ciphers),
        ("hashes", catalogue.hashes),
        ("signatures", catalogue.signatures),
        ("compressions", catalogue.compressions),
        ("extensions", catalogue.extensions),
        ("stages", catalogue.stages),
        ("suites", catalogue.suites),
        ("dark", catalogue.dark),
    ):
        assert len(facts[kind]) == len(things), kind
    x25519 = next(group for group in facts["groups"] if group["name"] == "x25519")
    assert (x25519["code"], x25519["distribution"]) == (0x001D, "suitor")
    assert x25519["version"]
    ours = next(entry for entry in facts["distributions"] if entry["name"] == "suitor")
    assert set(ours["entry_points"]) >= {"algorithms", "stages"}
    assert ours["brings"]["group"] == sum(group["distribution"] == "suitor" for group in facts["groups"])


def test_lit_and_dark_suites_are_the_whole_registry(capsys: pytest.CaptureFixture[str]) -> None:
    facts = run_json(capsys)
    lit, dark = ({entry["code"] for entry in facts[which]} for which in ("suites", "dark"))
    assert not lit & dark
    assert lit | dark >= {code for code, suite in suites().items() if not suite.signalling}
    assert all(entry["missing"] for entry in facts["dark"])


def test_missing_words_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    facts = run_json(capsys)
    for row in facts["missing"]:
        lacking = [entry["missing"] for entry in facts["dark"] if row["word"] in entry["missing"]]
        assert row["suites"] == len(lacking)
        assert row["alone"] == sum(len(missing) == 1 for missing in lacking)
    assert {row["word"] for row in facts["missing"]} == {
        w for entry in facts["dark"] for w in entry["missing"]
    }


def test_the_text_names_everything_installed(capsys: pytest.CaptureFixture[str]) -> None:
    facts = run_json(capsys)
    assert main(["plugins"]) == Exit.SUCCESS
    text = capsys.readouterr().out
    for kind in ("groups", "ciphers", "hashes", "signatures", "compressions", "stages", "suites"):
        for thing in facts[kind]:
            assert thing["name"] in text
    assert "0x001D" in text
    assert f"{len(facts['suites'])} lit, {len(facts['dark'])} dark" in text
    assert facts["missing"][0]["word"] in text


def test_dark_and_lit_lists(capsys: pytest.CaptureFixture[str]) -> None:
    facts = run_json(capsys)
    assert main(["plugins", "--dark", "--suites"]) == Exit.SUCCESS
    text = capsys.readouterr().out
    assert [entry["name"] for entry in facts["dark"] if entry["name"] not in text] == []
    assert "AES_128_GCM + SHA256" in text


# --- strangers' plugins -----------------------------------------------------------------------------------


@frozen(eq=False)
class Toy:
    name: str
    code: int
    strength: int = 128
    post_quantum: bool = True
    client_share_size: int = 1
    server_share_size: int = 1

    def start(self) -> tuple[Any, bytes]:
        return None, b"c"

    def answer(self, client_share: bytes) -> tuple[bytes, bytes]:
        return b"s", b"secret"

    def finish(self, private: Any, server_share: bytes) -> bytes:
        return b"secret"


class Stranger:
    """Brings one group that fits, one that collides with a built-in, and a hook that raises."""

    @hookimpl
    def suitor_groups(self) -> list[Toy]:
        return [Toy("toy", 0xFE42), Toy("x25519", 0x001D)]

    @hookimpl
    def suitor_hashes(self) -> Iterator[Any]:
        raise RuntimeError("no [bold]hash[/bold] today")


@pytest.fixture
def strange(monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    catalogue = load_catalogue(
        plugins=[("suitor", suitor_plugins.algorithms), ("stranger", Stranger())], entry_points=()
    )
    monkeypatch.setattr(plugins, "default_catalogue", lambda: catalogue)
    return catalogue


def test_problems_are_told_and_strict_counts_them(
    capsys: pytest.CaptureFixture[str], strange: Catalogue
) -> None:
    assert main(["plugins"]) == Exit.SUCCESS
    text = capsys.readouterr().out
    for problem in strange.problems:
        assert problem.distribution in text
        assert problem.subject in text
    assert "[bold]hash" in text
    assert main(["plugins", "--strict"]) == Exit.PROBLEMS
    capsys.readouterr()
    facts = run_json(capsys)
    assert {problem["distribution"] for problem in facts["problems"]} == {"suitor", "stranger"}
    assert "toy" in [group["name"] for group in facts["groups"] if group["distribution"] == "stranger"]
    assert "x25519" not in [group["name"] for group in facts["groups"]]


def test_strict_without_problems(monkeypatch: pytest.MonkeyPatch) -> None:
    clean = load_catalogue(plugins=[("suitor", suitor_plugins.algorithms)], entry_points=())
    monkeypatch.setattr(plugins, "default_catalogue", lambda: clean)
    assert main(["plugins", "--strict"]) == Exit.SUCCESS


def test_with_no_plugin_at_all(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    empty = load_catalogue(entry_points=())
    monkeypatch.setattr(plugins, "default_catalogue", lambda: empty)
    assert main(["plugins"]) == Exit.SUCCESS
    assert "no plugin is installed" in capsys.readouterr().out
    assert run_json(capsys)["suites"] == []
