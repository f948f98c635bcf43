"""An explanation, told to people."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from suitor import registry
from suitor.catalogue import Catalogue
from suitor.cli.report import alert_name, printable
from suitor.cli.tables import console, grid, section
from suitor.decision import Axis, Note, Verdict
from suitor.explain import Explanation, agreement_to_dict
from suitor.names import protocol_name
from suitor.notes import candidate_name
from suitor.remedy import Hurdle
from suitor.wire.extensions import extension_name
from suitor.wire.hello import ClientHello

_TITLES = {
    Axis.VERSION: "Version",
    Axis.SUITE: "Cipher suite",
    Axis.GROUP: "Key-exchange group",
    Axis.SIGNATURE: "Signature scheme",
    Axis.CREDENTIAL: "Certificate",
    Axis.ALPN: "Application protocol (ALPN)",
}

_STYLES = {
    Verdict.TAKEN: "bold green",
    Verdict.LESS_PREFERRED: "",
    Verdict.NO_SHARE: "",
    Verdict.NOT_IN_POLICY: "yellow",
    Verdict.BELOW_FLOOR: "yellow",
    Verdict.NO_KEY: "yellow",
    Verdict.NO_SCHEME: "yellow",
    Verdict.NOT_INSTALLED: "red",
    Verdict.NOT_SPOKEN: "red",
}
"""What a reader can do something about stands out; the rest is dim."""

_NEEDS_SHOWN = 5


def show_explanation(
    explanation: Explanation,
    catalogue: Catalogue,
    hello: ClientHello,
    title: str,
    streams: Sequence[str],
    policy: str,
) -> None:
    """Print the ClientHello, every candidate, and the outcome; ``policy`` is as it was given."""
    out = console()
    out.print(f"ClientHello: {printable(title)}", style="bold")
    if len(streams) > 1:
        for number, name in enumerate(streams, 1):
            out.print(f"  --stream {number}  {name}", style="dim")
    out.print(Padding.indent(_hello(hello), 2))
    out.print()
    for axis, heading in _TITLES.items():
        notes = [note for note in explanation.decision.notes if note.axis is axis]
        if notes:
            section(out, heading, _axis(notes, catalogue))
    _outcome(out, explanation, policy)


def _hello(hello: ClientHello) -> Table:
    offer = hello.offer
    table = grid(2)
    table.add_row("server name", printable(offer.server_name) if offer.server_name else "none")
    table.add_row("versions", _list(Axis.VERSION, offer.versions))
    table.add_row("suites", _list(Axis.SUITE, offer.suites))
    table.add_row("groups", _list(Axis.GROUP, offer.groups, offer.shares))
    missing = Text("the extension is missing", style="yellow")
    table.add_row(
        "signatures", missing if offer.signatures is None else _list(Axis.SIGNATURE, offer.signatures)
    )
    if offer.certificate_signatures is not None:
        table.add_row("in certificates", _list(Axis.SIGNATURE, offer.certificate_signatures))
    if offer.alpn:
        table.add_row("alpn", ", ".join(_text(protocol) for protocol in offer.alpn))
    table.add_row("extensions", _words((extension_name(code), code) for code in hello.extensions))
    return table


def _list(axis: Axis, codes: Sequence[int], shares: Sequence[int] = ()) -> Text:
    words = ((candidate_name(axis, code) + (" (share)" if code in shares else ""), code) for code in codes)
    return _words(words) if codes else Text("none", style="yellow")


def _words(named: Iterable[tuple[str, int]]) -> Text:
    """Names in a row, GREASE by its name and dim."""
    text = Text()
    for name, code in named:
        grease = registry.is_grease(code)
        if text:
            text.append(", ")
        text.append(f"GREASE 0x{code:04X}" if grease else name, style="dim" if grease else "")
    return text


def _axis(notes: Sequence[Note], catalogue: Catalogue) -> Table:
    table = grid(4)
    for note in notes:
        table.add_row(
            "*" if note.verdict is Verdict.TAKEN else "",
            printable(note.candidate),
            "" if note.code is None else f"0x{note.code:04X}",
            printable(_reason(note, catalogue)),
            style=_STYLES.get(note.verdict, "dim"),
        )
    return table


def _reason(note: Note, catalogue: Catalogue) -> str:
    reason = note.verdict.value
    if note.detail:
        reason += f" ({note.detail})"
    dark = catalogue.dark.get(note.code) if note.axis is Axis.SUITE and note.code is not None else None
    if note.verdict is Verdict.NOT_INSTALLED and dark is not None:
        reason += f": needs {', '.join(dark.missing)}"
    return reason


def _outcome(out: Console, explanation: Explanation, policy: str) -> None:
    agreement = agreement_to_dict(explanation.decision.agreement)
    refusal = explanation.decision.refusal
    if agreement is not None:
        out.print(Text("Agreed: ", style="bold green").append(_agreed(agreement), style="not bold default"))
        return
    if refusal is not None:
        alert = "" if refusal.alert is None else f"alert {alert_name(refusal.alert)}, "
        out.print(
            Text("Refused: ", style="bold red").append(
                f"{refusal.text} ({alert}{refusal.section})", style="not bold default"
            )
        )
    change = explanation.smallest_change
    if change is not None:
        spec = shlex.quote(", ".join([policy, *change.edits]))
        out.print(Text("Smallest change: ", style="bold").append(f"--policy {spec}", style="not bold cyan"))
        changed = agreement_to_dict(change.decision.agreement)
        if changed is not None:
            out.print(f"  it would agree on {_agreed(changed)}")
    for hurdle in explanation.hurdles:
        _show_hurdle(out, hurdle)


def _agreed(agreement: dict[str, object]) -> str:
    words = [agreement[key] for key in ("version", "suite", "group", "signature", "alpn")]
    text = ", ".join(printable(str(word)) for word in words if word)
    text += f", with {printable(str(agreement['credential']))}" if agreement["credential"] else ""
    return text + (" (after a HelloRetryRequest)" if agreement["retry"] else "")


def _show_hurdle(out: Console, hurdle: Hurdle) -> None:
    heading = f"No policy can help ({_TITLES[hurdle.axis].lower()}): "
    out.print(Text(heading, style="bold").append(hurdle.obstacle.value, style="not bold default"))
    for need in hurdle.needs[:_NEEDS_SHOWN]:
        words = printable(", ".join(need.words))
        out.print(
            f"  {printable(need.candidate)} needs {words}" if hurdle.axis is Axis.SUITE else f"  {words}"
        )
    if len(hurdle.needs) > _NEEDS_SHOWN:
        out.print(f"  and {len(hurdle.needs) - _NEEDS_SHOWN} more (--json lists them)", style="dim")


def _text(protocol: bytes) -> str:
    return printable(protocol_name(protocol))
