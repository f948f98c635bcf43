"""Writes docs/reference from the code: ``python docs/build_reference.py``.

With ``--check`` it only says which pages are not what the code says, and exits with 1 if there are any.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from docstrings import (
    Function,
    Member,
    Module,
    constructor,
    docstring,
    is_enum,
    is_property,
    markdown,
    members,
    methods,
    one_line,
    signature,
    table,
)

DOCS = Path(__file__).parent
CORE = DOCS.parent / "core" / "suitor"
PLUGINS = DOCS.parent / "plugins" / "suitor_plugins"
NOTICE = "<!-- Made by docs/build_reference.py from the code: change it there. -->"

Lines = Iterable[str]


def core(module: str) -> Module:
    return Module.read(CORE / f"{module}.py")


# --- pieces of pages --------------------------------------------------------------------------------------


def function_entry(node: Function, level: str = "###") -> Lines:
    yield from (f"{level} `{node.name}`", "", "```text", signature(node), "```", "", docstring(node), "")


def class_entry(node: ast.ClassDef, level: str = "##") -> Lines:
    yield from (f"{level} `{node.name}`", "")
    if made := constructor(node):
        yield from ("```text", made, "```", "")
    yield docstring(node)
    yield from field_table(members(node), "value" if is_enum(node) else "default")
    for method in methods(node):
        text = docstring(method)
        yield from (f"**`{_flat(method)}`**{' (property)' if is_property(method) else ''}", "", text)


def _flat(node: Function) -> str:
    return signature(node).replace("\n    ", " ").replace(",\n)", ")").replace("( ", "(")


def field_table(fields: Iterable[Member], value: str = "value") -> Lines:
    fields = list(fields)
    if not fields:
        return
    head = ["name", "type", value]
    rows = [[code(f.name), code(f.annotation), code(f.default)] for f in fields]
    if any(field.text for field in fields):
        head.append("meaning")
        rows = [[*row, one_line(field.text)] for row, field in zip(rows, fields, strict=True)]
    keep = [i for i in range(len(head)) if i == 0 or any(row[i] for row in rows)]
    yield from table(*([row[i] for i in keep] for row in [head, *rows]))
    yield ""


def code(text: str) -> str:
    escaped = text.replace("|", "\\|")
    return f"`{escaped}`" if text else ""


def classes(module: Module, *names: str, level: str = "##") -> Lines:
    for node in [module.class_named(name) for name in names] or module.classes():
        yield from class_entry(node, level)


def functions(module: Module, *names: str, level: str = "##") -> Lines:
    for node in [module.function_named(name) for name in names] or module.functions():
        yield from function_entry(node, level)


# --- pages ------------------------------------------------------------------------------------------------


def hooks() -> Lines:
    module = core("plug/hookspecs")
    yield from ("# Hooks", "", module.text)
    yield from (
        "What the hooks bring follows the [interfaces](interfaces.md).",
        "[Add an algorithm](../how-to/add-an-algorithm.md) tells how to write and package a plugin.",
        "",
    )
    yield from functions(module)


def interfaces() -> Lines:
    module = core("plug/interfaces")
    yield from ("# Interfaces", "", module.text)
    yield from ("Everything here can be imported from `suitor.plug`.", "")
    yield from classes(module)
    yield from ("## What is checked when a plugin is loaded", "", core("plug/check").text)
    yield from field_table(m for m in core("plug/check").constants() if m.name.startswith("MINIMUM"))
    yield from ("## Loading", "", core("plug/loader").text)
    yield from functions(core("plug/loader"), level="###")
    yield from classes(core("catalogue"), level="###")
    yield from functions(core("catalogue"), level="###")


def errors() -> Lines:
    from suitor import errors as e

    module = core("errors")
    yield from ("# Errors", "", module.text, "## Exceptions", "")
    for node in module.classes():
        if any("Error" in ast.unparse(base) or "Exception" in ast.unparse(base) for base in node.bases):
            bases = ", ".join(ast.unparse(base) for base in node.bases)
            yield from (f"### `{node.name}({bases})`", "", docstring(node))
            for method in methods(node):
                yield from (f"**`{signature(method)}`** (property)", "", docstring(method))
    yield from ("## Reasons", "", docstring(module.class_named("Reason")))
    kinds: tuple[type[e.Reason], ...] = (
        e.PeerMisbehaved,
        e.NoAgreement,
        e.Untrusted,
        e.Ended,
        e.LocalMistake,
    )
    for kind in kinds:
        yield from (f"### `{kind.__name__}`", "", docstring(module.class_named(kind.__name__)))
        yield from table(("reason", "what happened", "alert sent", "section"), *map(_reason, kind))
        yield ""
    yield from ("## `Alert`", "", docstring(module.class_named("Alert")))
    yield from table(("code", "name"), *((str(int(alert)), f"`{alert.name}`") for alert in e.Alert))


def _reason(reason: Any) -> tuple[str, ...]:
    alert = f"`{reason.alert.name}` ({int(reason.alert)})" if reason.alert is not None else ""
    return f"`{reason.name}`", reason.text.replace("|", "\\|"), alert, reason.section


def cli() -> Lines:
    from suitor.cli import COMMANDS, build_app

    yield from ("# The command", "", "`suitor COMMAND --help` says the same at the terminal.", "")
    yield from table(
        ("command", ""), *((f"[`suitor {name}`](#suitor-{name})", text) for name, _, text in COMMANDS)
    )
    yield from ("", "## Exit codes", "", docstring(core("cli/exits").class_named("Exit")))
    codes = members(core("cli/exits").class_named("Exit"))
    yield from table(
        ("code", "name", "meaning"), *((c.default, f"`{c.name}`", one_line(c.text)) for c in codes)
    )
    for name, place, _ in COMMANDS:
        module = core(f"cli/{place.partition(':')[0]}")
        text, told = _numpydoc(ast.get_docstring(module.function_named(name)) or "")
        yield from ("", f"## `suitor {name}`", "", markdown(text))
        options = build_app(name)[name].assemble_argument_collection()
        yield from table(("option", "value", "default", "meaning"), *(_option(o, told) for o in options))


def _option(option: Any, told: Mapping[str, str]) -> tuple[str, ...]:
    default = option.field_info.default
    hint = str(option.hint)
    if option.field_info.default is option.field_info.empty:
        default = "required" if option.required else ""
    elif default is None or default is False:
        default = ""
    else:
        default = f"`{default.value if isinstance(default, Enum) else default}`"
    known = {"bool": "", "int": "a whole number", "float": "a number", "Path": "a path", "str": "text"}
    value = next((word for kind, word in known.items() if kind in hint), "")
    choices = option.get_choices() or ()
    if choices:
        value = ", ".join(f"`{choice}`" for choice in choices)
    if "list[" in hint or "tuple[" in hint:
        value += ", may be repeated"
    return " ".join(map(code, option.names)), value, default, told[option.field_info.name]


def _numpydoc(text: str) -> tuple[str, dict[str, str]]:
    """A command's text, and its parameters' texts by name."""
    text, _, rest = text.partition("\nParameters\n----------\n")
    told: dict[str, str] = {}
    name = ""
    for line in rest.splitlines():
        if line.startswith("    "):
            told[name] = f"{told[name]} {line.strip()}".strip()
        else:
            name = line
            told[name] = ""
    return text, {name: one_line(said) for name, said in told.items()}


def policy() -> Lines:
    from suitor.policy import PRESETS

    model = core("policy/model")
    yield from ("# Policies", "", core("policy/__init__").text)
    yield from classes(model, "Policy", "Preference", "HelloRetry", "Limits")
    yield from ("## Presets", "")
    texts = {member.name: member.text for member in core("policy/presets").constants()}
    for name, preset in PRESETS.items():
        yield from (f"### `{name}`", "", markdown(texts[name.upper()]))
        lists = ("versions", "suites", "groups", "signatures")
        rows = [(axis, ", ".join(f"`{entry}`" for entry in getattr(preset, axis))) for axis in lists]
        yield from table(("axis", "best first"), *rows, ("minimum_cipher", f"{preset.minimum_cipher} bits"))
        yield ""
    yield from ("## Edits", "", core("policy/edits").text)
    yield from functions(core("policy/edits"), level="###")
    yield from ("## Files", "", core("policy/toml").text)
    yield from functions(core("policy/toml"), level="###")


def registry() -> Lines:
    from suitor import registry as data

    module = core("registry/__init__")
    yield from ("# The registry", "", module.text)
    tables: Mapping[str, Callable[[], Mapping[int, Any]]] = {
        "cipher_suites.csv": data.suites,
        "groups.csv": data.groups,
        "signature_schemes.csv": data.schemes,
        "extensions.csv": data.extensions,
        "alerts.csv": data.alerts,
        "certificate_compressions.csv": data.compressions,
    }
    rows = ((f"`{file}`", str(len(read())), f"`{read.__name__}()`") for file, read in tables.items())
    yield from table(("file", "entries", "look-up"), *rows)
    yield from ("", "## Constants", "")
    yield from field_table(module.constants())
    yield from classes(module)
    yield from functions(module)


def events() -> Lines:
    yield from ("# Events", "", core("events").text)
    yield from classes(core("events"))


def negotiation() -> Lines:
    yield from ("# Negotiation", "", core("negotiate").text)
    yield from functions(core("negotiate"), "negotiate")
    yield from ("## Words", "", core("decision").text)
    yield from classes(core("decision"), level="###")
    yield from ("## The client's half", "", core("answer").text)
    yield from classes(core("answer"), level="###")
    yield from functions(core("answer"), "judge_answer", level="###")
    yield from ("## Explanations", "", core("explain").text)
    yield from functions(core("explain"), "explain", level="###")
    yield from classes(core("explain"), level="###")
    yield from classes(core("remedy"), "Change", "Obstacle", "Need", "Hurdle", level="###")


def connection() -> Lines:
    yield from ("# Connections", "", "## Set-up", "", core("config").text)
    yield from classes(core("config"), level="###")
    yield from ("## The engine", "", core("connection").text)
    yield from classes(core("connection"), "Connection", level="###")
    for title, name in (("Blocking sockets", "io/sockets"), ("asyncio", "io/streams")):
        yield from (f"## {title}", "", core(name).text)
        yield from functions(core(name), level="###")
        yield from classes(core(name), level="###")
    yield from field_table(m for m in core("io/protocol").constants() if "efault" in m.text)
    yield from classes(core("io/protocol"), "TLSReader", level="###")
    stages = Module.read(PLUGINS / "stages.py")
    yield from ("## Built-in stages", "", "Made by `catalogue.stage(kind, name).make(...)`.", "")
    yield from classes(Module.read(PLUGINS / "credentials.py"), "SniCredentials", level="###")
    yield from functions(Module.read(PLUGINS / "credentials.py"), "load_credential", level="###")
    yield from functions(stages, "sni", "web", "private", "insecure", level="###")
    yield from classes(Module.read(PLUGINS / "verification.py"), level="###")


PAGES: Mapping[str, Callable[[], Lines]] = {
    "cli": cli,
    "connection": connection,
    "errors": errors,
    "events": events,
    "hooks": hooks,
    "interfaces": interfaces,
    "negotiation": negotiation,
    "policy": policy,
    "registry": registry,
}


def build() -> Iterator[tuple[Path, str]]:
    """Every page and its text."""
    for name, page in PAGES.items():
        title, *rest = page()
        text = "\n".join([title, "", NOTICE, *rest])
        while "\n\n\n" in text:
            text = text.replace("\n\n\n", "\n\n")
        yield DOCS / "reference" / f"{name}.md", text.strip() + "\n"


def main(arguments: list[str]) -> int:
    stale = [
        (path, text)
        for path, text in build()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    for path, text in stale:
        print(path.relative_to(DOCS.parent))
        if "--check" not in arguments:
            path.write_text(text, encoding="utf-8")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
