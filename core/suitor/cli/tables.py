"""How the subcommands print tables: to standard output, without borders, ready for grep."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.table import Table

PIPE_WIDTH = 110
"""Characters a line may have when the output is no terminal."""


def console() -> Console:
    """Standard output. What a peer or a plugin calls itself is never taken for markup."""
    made = Console(highlight=False, markup=False, emoji=False)
    if not made.is_terminal:
        made.width = PIPE_WIDTH
    return made


def grid(columns: int) -> Table:
    """A table without lines and headings; long cells are folded, never cut."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for _ in range(columns):
        table.add_column(overflow="fold", min_width=1)
    return table


def section(out: Console, heading: str, table: Table) -> None:
    """Print a table under its heading, and an empty line."""
    out.print(heading, style="bold")
    out.print(Padding.indent(table, 2))
    out.print()
