"""``suitor plugins``: what is installed, who brought it, and which suites that lights up."""

from __future__ import annotations

import json as json_text
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console

from suitor.catalogue import Catalogue, Origin, default_catalogue
from suitor.cli.exits import Exit
from suitor.cli.report import printable
from suitor.cli.tables import console, grid, section

SCHEMA = "suitor.plugins/1"

_BROUGHT = {
    "group": "Key-exchange groups",
    "cipher": "Ciphers",
    "block cipher": "Block ciphers of TLS 1.2",
    "key exchange": "Key exchanges of TLS 1.2",
    "hash": "Hashes",
    "signature": "Signature schemes",
    "compression": "Certificate compressions",
    "extension": "Extensions",
    "stage": "Stages",
}
_PLURALS = {"hash": "hashes"}

_WORDS_SHOWN = 20
"""Missing words that are listed without --dark; the rest is far from lighting anything."""


def plugins(
    *,
    suites: Annotated[bool, Parameter(negative=())] = False,
    dark: Annotated[bool, Parameter(negative=())] = False,
    strict: Annotated[bool, Parameter(negative=())] = False,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Show what is installed: every algorithm and stage, its code point and the distribution that brought it;
    which cipher suites that lights up, and what the dark ones lack. Plugins that were refused are told with
    the reason.

    Exit codes: 0; with --strict 1 when a plugin was refused; 2 wrong usage.

    Parameters
    ----------
    suites
        List every lit suite with its words.
    dark
        List every dark suite with the words it lacks.
    strict
        Exit with 1 when a plugin, or a part of one, was refused.
    json
        Print everything as JSON.
    """
    catalogue = default_catalogue()
    if json:
        print(json_text.dumps(to_dict(catalogue), indent=2))
    else:
        _show(catalogue, suites=suites, dark=dark)
    return Exit.PROBLEMS if strict and catalogue.problems else Exit.SUCCESS


def to_dict(catalogue: Catalogue) -> dict[str, Any]:
    """The whole catalogue as plain JSON data, of the schema ``suitor.plugins/1``."""
    return {
        "schema": SCHEMA,
        "distributions": [
            {"name": origin.distribution, "version": origin.version, "entry_points": points, "brings": brings}
            for origin, points, brings in _distributions(catalogue)
        ],
        **{_plural(kind).replace(" ", "_"): list(_things(catalogue, kind)) for kind in _BROUGHT},
        "suites": [
            {
                "name": lit.name,
                "code": lit.code,
                "cipher": lit.suite.cipher,
                "hash": lit.suite.hash,
                **_from(catalogue.origin("suite", lit.name)),
            }
            for lit in catalogue.suites.values()
        ],
        "dark": [
            {"name": entry.suite.name, "code": code, "missing": list(entry.missing)}
            for code, entry in catalogue.dark.items()
        ],
        "missing": [
            {"word": word, "suites": count, "alone": alone} for word, count, alone in _missing(catalogue)
        ],
        "problems": [
            {"distribution": problem.distribution, "subject": problem.subject, "text": problem.text}
            for problem in catalogue.problems
        ],
    }


def _from(origin: Origin | None) -> dict[str, Any]:
    """A suite of the registry has no origin; only its words have."""
    return {
        "distribution": origin.distribution if origin else None,
        "version": origin.version if origin else None,
    }


def _distributions(catalogue: Catalogue) -> Iterable[tuple[Origin, list[str], dict[str, int]]]:
    """Each distribution, its entry points, and how many things of each kind it brings."""
    by_name: dict[tuple[str, str], list[tuple[str, Origin]]] = {}
    for (kind, _), origin in catalogue.origins.items():
        by_name.setdefault((origin.distribution, origin.version), []).append((kind, origin))
    for found in by_name.values():
        points = dict.fromkeys(origin.entry_point for _, origin in found if origin.entry_point)
        yield found[0][1], list(points), dict(Counter(kind for kind, _ in found))


def _things(catalogue: Catalogue, kind: str) -> Iterable[dict[str, Any]]:
    """Everything of one kind, with what there is to know of it before it is used."""
    facts: Mapping[str, tuple[Iterable[Any], tuple[str, ...]]] = {
        "group": (catalogue.groups.values(), ("code", "strength", "post_quantum")),
        "cipher": (catalogue.ciphers.values(), ("strength", "key_size", "nonce_size", "tag_size")),
        "block cipher": (catalogue.block_ciphers.values(), ("strength", "key_size", "block_size")),
        "key exchange": (catalogue.key_exchanges.values(), ("forward_secret",)),
        "hash": (catalogue.hashes.values(), ("digest_size",)),
        "signature": (catalogue.signatures.values(), ("code", "strength", "handshake13")),
        "compression": (catalogue.compressions.values(), ("code",)),
        "extension": (catalogue.extensions.values(), ("code",)),
        "stage": (catalogue.stages.values(), ("kind", "summary")),
    }
    things, attributes = facts[kind]
    for thing in things:
        name = f"{thing.kind} {thing.name}" if kind == "stage" else thing.name
        yield {
            "name": thing.name,
            **{attribute: getattr(thing, attribute) for attribute in attributes},
            **_from(catalogue.origin(kind, name)),
        }


def _missing(catalogue: Catalogue) -> list[tuple[str, int, int]]:
    """The words that dark suites lack: how many suites lack each, and how many lack nothing else. Those that
    are nearest to lighting a suite come first."""
    lacking: Counter[str] = Counter()
    alone: Counter[str] = Counter()
    nearest: dict[str, int] = {}
    for entry in catalogue.dark.values():
        size = len(entry.missing)
        for word in entry.missing:
            lacking[word] += 1
            alone[word] += size == 1
            nearest[word] = min(size, nearest.get(word, size))
    ordered = sorted(lacking, key=lambda word: (nearest[word], -alone[word], -lacking[word], word))
    return [(word, lacking[word], alone[word]) for word in ordered]


# --- for people -------------------------------------------------------------------------------------------


def _show(catalogue: Catalogue, *, suites: bool, dark: bool) -> None:
    out = console()
    _show_distributions(out, catalogue)
    for kind, heading in _BROUGHT.items():
        _show_kind(out, catalogue, kind, heading)
    out.print(f"Cipher suites: {len(catalogue.suites)} lit, {len(catalogue.dark)} dark\n", style="bold")
    _show_lit(out, catalogue, words=suites)
    if dark:
        _show_dark(out, catalogue)
    else:
        _show_missing(out, catalogue)
    if catalogue.problems:
        table = grid(3)
        for problem in catalogue.problems:
            cells = (problem.distribution, problem.subject, problem.text)
            table.add_row(*map(printable, cells), style="red")
        section(out, "Refused", table)


def _show_distributions(out: Console, catalogue: Catalogue) -> None:
    table = grid(3)
    for origin, points, brings in _distributions(catalogue):
        counted = ", ".join(
            f"{count} {_plural(kind) if count > 1 else kind}" for kind, count in sorted(brings.items())
        )
        name = f"{origin.distribution} {origin.version}".strip()
        table.add_row(printable(name), printable(", ".join(points)), counted)
    if not table.row_count:
        table.add_row("none: no plugin is installed")
    section(out, "Distributions", table)


def _plural(kind: str) -> str:
    return _PLURALS.get(kind, f"{kind}s")


def _show_kind(out: Console, catalogue: Catalogue, kind: str, heading: str) -> None:
    table = grid(4)
    for thing in _things(catalogue, kind):
        name = f"{thing['kind']}: {thing['name']}" if kind == "stage" else thing["name"]
        code = f"0x{thing['code']:04X}" if "code" in thing else ""
        where = f"{thing['distribution'] or ''} {thing['version'] or ''}".strip()
        table.add_row(*map(printable, (name, code, _remark(kind, thing), where)))
    if table.row_count:
        section(out, heading, table)


def _remark(kind: str, thing: Mapping[str, Any]) -> str:
    words = [f"{thing['strength']} bits"] if "strength" in thing else []
    if thing.get("post_quantum"):
        words.append("post-quantum")
    if thing.get("handshake13") is False:
        words.append("in certificates only")
    if kind == "hash":
        words.append(f"{thing['digest_size']} bytes")
    if kind == "stage":
        words.append(thing["summary"])
    return ", ".join(words)


def _show_lit(out: Console, catalogue: Catalogue, *, words: bool) -> None:
    table = grid(4)
    for lit in catalogue.suites.values():
        means = f"{lit.suite.cipher} + {lit.suite.hash}" if words else ""
        origin = catalogue.origin("suite", lit.name)
        where = f"private, from {origin.distribution}" if origin else ""
        table.add_row(*map(printable, (lit.name, f"0x{lit.code:04X}", means, where)), style="green")
    section(out, "Lit: every word is installed", table)


def _show_dark(out: Console, catalogue: Catalogue) -> None:
    table = grid(3)
    for code, entry in catalogue.dark.items():
        table.add_row(printable(entry.suite.name), f"0x{code:04X}", printable(", ".join(entry.missing)))
    section(out, "Dark, and the words they lack", table)


def _show_missing(out: Console, catalogue: Catalogue) -> None:
    table = grid(3)
    missing = _missing(catalogue)
    for word, count, alone in missing[:_WORDS_SHOWN]:
        lights = f"would light {alone} by itself" if alone else ""
        table.add_row(printable(word), f"{count} suite{'s' if count > 1 else ''}", lights)
    if len(missing) > _WORDS_SHOWN:
        table.add_row(f"and {len(missing) - _WORDS_SHOWN} more words", style="dim")
    if missing:
        section(out, "Dark for want of (--dark lists the suites)", table)
