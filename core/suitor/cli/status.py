"""The page that shows a visitor what was negotiated with it."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from suitor.cli.report import agreed, printable
from suitor.decision import Verdict
from suitor.events import ConnectionInfo

SCHEMA = "suitor.status/1"

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .25rem .75rem .25rem 0; vertical-align: top; }
th { font-weight: 500; opacity: .7; white-space: nowrap; }
tr { border-bottom: 1px solid color-mix(in srgb, currentColor 15%, transparent); }
.taken { font-weight: 600; } .other { opacity: .65; }
"""


def status(info: ConnectionInfo) -> dict[str, Any]:
    """What was agreed and why, as plain JSON data."""
    return {
        "schema": SCHEMA,
        **info.to_dict(),
        "candidates": [note.to_dict() for note in info.decision.notes],
    }


def status_json(info: ConnectionInfo) -> bytes:
    return (json.dumps(status(info), indent=2) + "\n").encode()


def status_html(info: ConnectionInfo) -> bytes:
    rows = "".join(f"<tr><th>{escape(label)}<td>{escape(value)}" for label, value in agreed(info))
    return (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        '<meta name=viewport content="width=device-width">'
        f"<title>Negotiated by Suitor</title><style>{_STYLE}</style>"
        f"<h1>{escape(info.version)} with {escape(info.suite)}</h1>"
        f"<table>{rows}</table>{_candidates(info)}"
        "<p><a href=/status.json>The same as JSON</a>\n"
    ).encode()


def _candidates(info: ConnectionInfo) -> str:
    parts = []
    axis = None
    for note in info.decision.notes:
        if note.axis is not axis:
            parts.append("</table>" if axis else "")
            parts.append(f"<h2>Why this {escape(note.axis.value)}</h2><table>")
            axis = note.axis
        style = "taken" if note.verdict is Verdict.TAKEN else "other"
        reason = f"{note.verdict.value}: {note.detail}" if note.detail else note.verdict.value
        parts.append(
            f"<tr class={style}><td>{escape(printable(note.candidate))}<td>{escape(printable(reason))}"
        )
    return "".join(parts) + ("</table>" if axis else "")
