"""The documentation's pages, and what is in them: fenced blocks, links and headings.

A comment before a block may say how its test goes::

    <!-- docs: not run: it needs the network -->       left alone, for a reason
    <!-- docs: background -->                          runs until the page ends (a server)
    <!-- docs: exits 4 -->                             the last command's exit code, when it is not 0
    <!-- docs: file ours.toml -->                      the block is written to that file
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

ROOT = Path(__file__).parents[2]

_MARK = re.compile(r"<!-- docs: (.+) -->")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`[^`]*`")


def pages() -> list[Path]:
    """Every page for people, in a fixed order."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@frozen
class Block:
    """A fenced block. ``mark`` is the comment's word on it, empty without one."""

    language: str
    mark: str
    line: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return "".join(f"{line}\n" for line in self.lines)


def blocks(page: Path) -> Iterator[Block]:
    mark, fence, start = "", None, 0
    inside: list[str] = []
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if fence is not None:
            if line == "```":
                yield Block(fence, mark, start, tuple(inside))
                mark, fence, inside = "", None, []
            else:
                inside.append(line)
        elif line.startswith("```"):
            fence, start = line[3:].strip(), number
        elif line.strip():
            found = _MARK.fullmatch(line.strip())
            mark = found[1] if found else ""


def _prose(page: Path) -> Iterator[str]:
    fenced = False
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("```"):
            fenced = not fenced
        elif not fenced:
            yield line


def links(page: Path) -> list[str]:
    """Targets of links, outside of code."""
    return [target for line in _prose(page) for target in _LINK.findall(_CODE.sub("``", line))]


def anchors(page: Path) -> set[str]:
    """What a link may point to within a page: its headings, as GitHub and others name them."""
    headings = (line.lstrip("#").strip() for line in _prose(page) if line.startswith("#"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
