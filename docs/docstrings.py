"""Docstrings into Markdown, read from the source, so that every Python builds the same pages."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from attrs import frozen

Function = ast.FunctionDef | ast.AsyncFunctionDef

_ROLE = re.compile(r":[a-z]+:`~?(?:[\w.]*\.)?(\w+)`")
_BORDER = re.compile(r"=+( +=+)+")
_PLACE = re.compile(r" *\n *")


def markdown(text: str | None) -> str:
    """A docstring's reStructuredText (paragraphs, literals, roles, bullets, literal blocks, simple tables)."""
    return "\n".join(_blocks((text or "").splitlines())).strip() + "\n" if text else ""


def one_line(text: str | None) -> str:
    """For a table's cell."""
    return _PLACE.sub(" ", markdown(text).strip()).replace("|", "\\|")


def _inline(line: str) -> str:
    return _ROLE.sub(r"`\1`", line).replace("``", "`")


def _blocks(lines: Sequence[str]) -> Iterator[str]:
    at = 0
    while at < len(lines):
        line = lines[at]
        if _BORDER.fullmatch(line):
            end = max(i for i in range(at, len(lines)) if _BORDER.fullmatch(lines[i])) + 1
            yield from _table(lines[at:end])
            at = end
        elif line.endswith("::"):
            yield _inline(line[:-1])
            end = at + 1
            while end < len(lines) and (not lines[end] or lines[end].startswith("    ")):
                end += 1
            block = [part[4:] for part in lines[at + 1 : end]]
            yield from ("", "```text", *"\n".join(block).strip("\n").splitlines(), "```", "")
            at = end
        else:
            yield _inline(line)
            at += 1


def _table(lines: Sequence[str]) -> Iterator[str]:
    """A simple table: two columns, a row to a line."""
    second = lines[0].index(" =") + 1
    rows = [(line[:second], line[second:]) for line in lines if not _BORDER.fullmatch(line)]
    yield from table(*([_inline(cell.strip()).replace("|", "\\|") for cell in row] for row in rows))


def table(*rows: Iterable[str]) -> list[str]:
    """A Markdown table; the first row is its head."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    columns = lines[0].replace("\\|", "").count("|") - 1
    return [lines[0], "| " + " | ".join(["---"] * columns) + " |", *lines[1:]]


@frozen
class Member:
    """A class's field, constant or enum member."""

    name: str
    annotation: str
    default: str
    text: str


@frozen
class Module:
    """One module's source."""

    tree: ast.Module

    @classmethod
    def read(cls, path: Path) -> Module:
        return cls(ast.parse(path.read_text(encoding="utf-8")))

    @property
    def text(self) -> str:
        return markdown(ast.get_docstring(self.tree))

    def functions(self) -> list[Function]:
        return _public(self.tree.body)

    def classes(self) -> list[ast.ClassDef]:
        return [n for n in self.tree.body if isinstance(n, ast.ClassDef) and not n.name.startswith("_")]

    def class_named(self, name: str) -> ast.ClassDef:
        return next(node for node in self.classes() if node.name == name)

    def function_named(self, name: str) -> Function:
        return next(node for node in self.functions() if node.name == name)

    def constants(self) -> list[Member]:
        return list(_members(self.tree.body, documented=True))


def _public(body: Iterable[ast.stmt]) -> list[Function]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [node for node in body if isinstance(node, kinds) and not node.name.startswith("_")]


def methods(node: ast.ClassDef) -> list[Function]:
    """Public methods and properties, in the order of the source. What has no docstring is left out, for it is
    as its name says, or for other parts of the engine; but a Protocol's methods are all its reader's business."""
    contract = any("Protocol" in ast.unparse(base) for base in node.bases)
    return [m for m in _public(node.body) if contract or is_property(m) or ast.get_docstring(m)]


def constructor(node: ast.ClassDef) -> str:
    """How one is made, where the class says so itself."""
    made = next((m for m in node.body if isinstance(m, ast.FunctionDef) and m.name == "__init__"), None)
    if made is None:
        return ""
    return signature(made).replace("__init__", node.name, 1).removesuffix(" -> None")


def is_enum(node: ast.ClassDef) -> bool:
    return any(ast.unparse(base).endswith(("Enum", "Flag")) for base in node.bases)


def members(node: ast.ClassDef) -> list[Member]:
    """Fields and enum members."""
    return list(_members(node.body, documented=False))


def _members(body: Sequence[ast.stmt], *, documented: bool) -> Iterator[Member]:
    for index, node in enumerate(body):
        target: ast.expr
        value: ast.expr | None
        if isinstance(node, ast.AnnAssign):
            target, annotation, value = node.target, ast.unparse(node.annotation), node.value
        elif isinstance(node, ast.Assign):
            target, annotation, value = node.targets[0], "", node.value
        else:
            continue
        after = body[index + 1] if index + 1 < len(body) else None
        text = ""
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            text = str(after.value.value)
        if isinstance(target, ast.Name) and not target.id.startswith("_") and (text or not documented):
            yield Member(target.id, annotation, _default(value), text)


def _default(value: ast.expr | None) -> str:
    """A field's default as the source writes it, taken out of ``field(...)``."""
    if value is None:
        return ""
    if not (isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "field"):
        return ast.unparse(value)
    for keyword in value.keywords:
        if keyword.arg == "default" and not isinstance(keyword.value, ast.Call):
            return ast.unparse(keyword.value)
        if keyword.arg == "factory":
            return f"{ast.unparse(keyword.value)}()"
    return ""


def is_property(node: Function) -> bool:
    return any(isinstance(mark, ast.Name) and mark.id == "property" for mark in node.decorator_list)


def signature(node: Function) -> str:
    """``name(arguments) -> result`` without self and cls, on several lines when it is long."""
    result = f" -> {ast.unparse(node.returns)}" if node.returns is not None else ""
    if is_property(node):
        return f"{node.name}{result.replace(' ->', ':')}"
    start = f"async {node.name}" if isinstance(node, ast.AsyncFunctionDef) else node.name
    arguments = [argument for argument in _arguments(node.args) if argument not in ("self", "cls")]
    line = f"{start}({', '.join(arguments)}){result}"
    if len(line) <= 100:
        return line
    return "\n".join([f"{start}(", *(f"    {argument}," for argument in arguments), f"){result}"])


def _arguments(node: ast.arguments) -> Iterator[str]:
    positional = [*node.posonlyargs, *node.args]
    defaults = [None] * (len(positional) - len(node.defaults)) + list(node.defaults)
    for index, (argument, default) in enumerate(zip(positional, defaults, strict=True), 1):
        yield _argument(argument, default)
        if index == len(node.posonlyargs) and argument.arg != "self":
            yield "/"
    if node.vararg is not None:
        yield f"*{_argument(node.vararg, None)}"
    elif node.kwonlyargs:
        yield "*"
    for argument, default in zip(node.kwonlyargs, node.kw_defaults, strict=True):
        yield _argument(argument, default)
    if node.kwarg is not None:
        yield f"**{_argument(node.kwarg, None)}"


def _argument(argument: ast.arg, default: ast.expr | None) -> str:
    text = ast.unparse(argument)
    if default is None:
        return text
    return f"{text} = {ast.unparse(default)}" if argument.annotation else f"{text}={ast.unparse(default)}"


def docstring(node: ast.ClassDef | Function) -> str:
    return markdown(ast.get_docstring(node))
