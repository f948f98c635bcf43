"""``suitor demo``: a handshake on this machine, told step by step."""

from __future__ import annotations

import json as json_text
import os
from itertools import groupby
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from suitor.catalogue import default_catalogue
from suitor.cli.exits import Exit, exit_for
from suitor.cli.report import agreed, failure_line
from suitor.cli.story import SERVER_NAME, Step, Story, collect
from suitor.decision import Axis, Note, Verdict
from suitor.events import TraceKind
from suitor.policy import find_policy

WIDTH = 110
"""Columns where there is no terminal to ask."""

_OFFER_LABELS = {
    "versions": "versions",
    "suites": "cipher suites",
    "groups": "groups",
    "key_shares": "key shares",
    "signatures": "signatures",
    "server_name": "server name",
    "alpn": "protocols",
}

_AXIS_LABELS = {
    Axis.VERSION: "version",
    Axis.SUITE: "cipher suite",
    Axis.GROUP: "group",
    Axis.SIGNATURE: "signature",
    Axis.CREDENTIAL: "certificate",
    Axis.ALPN: "protocol",
}

_POSSIBLE = frozenset({Verdict.LESS_PREFERRED, Verdict.NO_SHARE, Verdict.NOT_CHOSEN})
"""Verdicts on candidates that would have done."""


def demo(*, policy: str = "modern", json: Annotated[bool, Parameter(negative=())] = False) -> int:
    """Run a handshake on this machine and tell it step by step.

    Makes an authority and certificates in memory, starts a server on 127.0.0.1, connects to it, and shows the
    offer, every candidate's fate, the messages and keys, and the data exchanged. Needs no network and leaves
    no files.

    Exit codes: 0 the handshake succeeded; 2 a mistake on this side; otherwise as 'suitor connect'.

    Parameters
    ----------
    policy
        What both sides accept: a preset or a policy file, then edits: "modern, only x25519".
    json
        Print the same as JSON ("schema": "suitor.demo/1").
    """
    rules = find_policy(policy)
    story = collect(rules, default_catalogue(rules))
    if json:
        print(json_text.dumps(story.to_dict(), indent=2))
    else:
        plain = "NO_COLOR" in os.environ
        console = Console(highlight=False, color_system=None if plain else "auto")
        if not console.is_terminal:
            console = Console(highlight=False, color_system=None, width=WIDTH)
        console.print(render(story))
    return Exit.SUCCESS if story.error is None else exit_for(story.error)


def render(story: Story) -> RenderableType:
    """The story for people."""
    parts: list[RenderableType] = [
        Text.assemble(("A TLS handshake, step by step", "bold"), f", by the policy {story.policy}"),
        *_section("The server has these certificates", _certificates(story)),
        *_section("The client offers", _offer(story)),
        *_section("The server weighs every candidate", _candidates(story.server_notes)),
        *_section("What happened, in milliseconds", _timeline(story.steps)),
    ]
    if story.error is not None:
        parts += _section("It failed", Text(failure_line(story.error), "bold red"))
    if story.info is not None:
        parts += _section("The two agreed on", _agreement(story))
        said = [Text(f"the {side} says: {data.decode('ascii')}") for side, data in story.exchanged]
        parts += _section("Protected by those keys", Group(*said))
    return Group(*parts)


def _section(title: str, body: RenderableType) -> list[RenderableType]:
    return [Text(), Text(title, "bold cyan"), Padding(body, (0, 0, 0, 2), expand=False)]


def _grid(*styles: str) -> Table:
    table = Table.grid(padding=(0, 2))
    for style in styles:
        table.add_column(style=style)
    return table


def _certificates(story: Story) -> RenderableType:
    table = _grid("", "dim")
    for label, names in story.certificates:
        table.add_row(Text(label), Text(f"for {', '.join(names)}"))
    return table


def _offer(story: Story) -> RenderableType:
    table = _grid("dim", "")
    for key, names in story.offered().items():
        if names:
            table.add_row(_OFFER_LABELS[key], Text(", ".join(names)))
    return table


def _candidates(notes: tuple[Note, ...]) -> RenderableType:
    table = _grid("dim", "", "", "")
    for axis, group in groupby(notes, key=lambda note: note.axis):
        label = _AXIS_LABELS[axis]
        for note in group:
            mark, style = _look(note.verdict)
            reason = f"{note.verdict.value} ({note.detail})" if note.detail else note.verdict.value
            table.add_row(label, Text(mark, style), Text(note.candidate, style), Text(reason, style))
            label = ""
    return table


def _look(verdict: Verdict) -> tuple[str, str]:
    """A mark and a style for a candidate's fate."""
    if verdict is Verdict.TAKEN:
        return "*", "bold green"
    return ("+", "") if verdict in _POSSIBLE else ("-", "dim")


def _timeline(steps: tuple[Step, ...]) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="dim")
    table.add_column(no_wrap=True)
    table.add_column()
    for step in steps:
        who, what, style = _told(step)
        table.add_row(f"{step.at:.2f}", Text(who, style), Text(what, style))
    return table


def _told(step: Step) -> tuple[str, str, str]:
    """Who, what, and its style."""
    if step.kind in (TraceKind.MESSAGE, TraceKind.ALERT):
        who = "client --> server" if step.side == "client" else "client <-- server"
        took = "" if step.arrived is None else f", there after {step.arrived - step.at:.2f}"
        kind = "alert " if step.kind is TraceKind.ALERT else ""
        return who, f"{kind}{step.name}, {step.size} bytes{took}", "bold" if not kind else "yellow"
    # A column of its own for each side's doings.
    who = step.side if step.side == "client" else f"{step.side:>17}"
    if step.kind is TraceKind.KEYS:
        return who, f"{'writes' if step.sent else 'reads'} with {step.name}", "magenta"
    return who, f"asks stage {step.name}: {step.detail}", "blue"


def _agreement(story: Story) -> RenderableType:
    assert story.info is not None
    table = _grid("dim", "")
    for label, value in agreed(story.info):
        table.add_row(label, Text(value))
    if story.handshake_time is not None:
        table.add_row("time", f"{story.handshake_time:.1f} ms for both sides, certificates checked")
    table.add_row("reached", Text(f"{SERVER_NAME}, over a socket of 127.0.0.1"))
    return table
