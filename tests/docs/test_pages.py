"""What the documentation says is true: its code runs, its output is the real one, its links lead somewhere."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, anchors, blocks, links, name_of, pages
from tests.docs.running import Run, compare

RUNNABLE = ("python", "console")
LANGUAGES = (*RUNNABLE, "text", "toml", "json")


def runs(page: Path) -> bool:
    return any(block.language in RUNNABLE and not block.mark.startswith("not run") for block in blocks(page))


@pytest.mark.parametrize("page", [page for page in pages() if runs(page)], ids=name_of)
def test_the_code_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    modules = set(sys.modules)
    run = Run(tmp_path)
    try:
        for block, following in pairwise([*blocks(page), None]):
            assert block is not None
            if not block.mark.startswith("not run"):
                run.block(block, following.lines if following and following.language == "text" else None)
        run.finish()
    finally:
        run.abandon()
        for name in set(sys.modules) - modules:
            if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
                del sys.modules[name]


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_blocks_are_marked_as_the_tests_know_them(page: Path) -> None:
    for block in blocks(page):
        assert block.language in LANGUAGES, f"line {block.line}"
        kind, _, argument = block.mark.partition(" ")
        assert kind in ("", "not", "background", "exits", "file"), f"line {block.line}"
        assert kind != "not" or argument.startswith("run: "), f"line {block.line} needs a reason"


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for target in links(page):
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), target
        assert there.is_relative_to(ROOT), target
        assert not anchor or anchor in anchors(there), target


def test_every_page_can_be_reached_from_the_index() -> None:
    reached, waiting = set[Path](), [ROOT / "docs" / "README.md"]
    while waiting:
        page = waiting.pop()
        if page not in reached and page.suffix == ".md":
            reached.add(page)
            targets = (target.partition("#")[0] for target in links(page) if "://" not in target)
            waiting += [(page.parent / target).resolve() for target in targets if target]
    assert set(pages()) <= reached


@pytest.mark.parametrize(
    ("shown", "real"),
    [
        (["one 12.5"], ["one  7"]),
        (["one … four"], ["one two three four"]),
        (["one", "…"], ["one", "two", "three"]),
        (["…", "two", "…", "four"], ["one", "two", "three", "four"]),
        (["…", "b", "c", "…"], ["b", "x", "b", "c", "d"]),
    ],
)
def test_output_that_is_as_shown(shown: list[str], real: list[str]) -> None:
    compare(shown, real)


@pytest.mark.parametrize(
    ("shown", "real"),
    [
        (["one"], ["two"]),
        (["secp256r1 5"], ["secp384r1 5"]),
        (["one … four"], ["one two three"]),
        (["one"], ["one", "two"]),
        (["two"], ["one", "two"]),
        (["one", "three"], ["one", "two", "three"]),
        (["…", "three", "…", "two"], ["one", "two", "three"]),
    ],
)
def test_output_that_is_not_as_shown(shown: list[str], real: list[str]) -> None:
    with pytest.raises(AssertionError):
        compare(shown, real)
