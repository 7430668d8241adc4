"""What commands print: tables for people, JSON, YAML and names for programs (``-o``).

Tables are aligned columns without lines, as kubectl prints them. On a terminal they have colours and fold long
messages; into a pipe they are plain text, never cut and without trailing blanks. Everything that came from a
server is stripped of control characters first.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from tmc_syncer.cli.failures import printable

__all__ = [
    "Cell",
    "Output",
    "OutputFlag",
    "Style",
    "Table",
    "age",
    "as_yaml",
    "print_data",
    "print_table",
    "say",
]

Style = Literal["good", "bad", "warn", "dim", ""]
Output = Literal["table", "json", "yaml", "name"]
OutputFlag = Annotated[Output, Parameter(name=["--output", "-o"], help="How to print.")]

_PIPE_WIDTH = 1_000_000  # columns; into a pipe nothing is folded or cut
_STYLES = {"good": "green", "bad": "red", "warn": "yellow", "dim": "dim", "": ""}
_AGES = ((86_400 * 2, 86_400, "d"), (3_600 * 2, 3_600, "h"), (120, 60, "m"))


@dataclass(frozen=True, slots=True)
class Cell:
    """A value of a table. `style` is good, bad, warn, dim or empty."""

    text: str
    style: Style = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Columns and rows; a plain text stands for a cell without style."""

    columns: tuple[str, ...]
    rows: Sequence[Sequence[str | Cell]]
    title: str = ""


def print_data(data: Any, output: Output, text: str | Sequence[Table], names: Sequence[str] = ()) -> None:
    """Print `data` as JSON or YAML, or `text` (a sentence or tables) for people, or `names`, one a line."""
    match output:
        case "json":
            sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=False) + "\n")
        case "yaml":
            sys.stdout.write(as_yaml(data))
        case "name":
            sys.stdout.writelines(f"{name}\n" for name in names)
        case "table":
            if isinstance(text, str):
                say(text)
            else:
                for position, table in enumerate(text):
                    print_table(table, space_before=position > 0)


def say(text: str) -> None:
    """Print one line for a person."""
    sys.stdout.write(f"{printable(text)}\n")
    sys.stdout.flush()


def as_yaml(data: Any) -> str:
    """`data` as YAML in block style, keys in their order."""
    import yaml

    dumped: str = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=120)
    return dumped


def print_table(table: Table, *, space_before: bool = False) -> None:
    """Print one table, and its title when it has one."""
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    terminal = sys.stdout.isatty()
    console = Console(
        file=sys.stdout, width=None if terminal else _PIPE_WIDTH, highlight=False, soft_wrap=False
    )
    grid = RichTable(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold", show_edge=False)
    last = len(table.columns) - 1
    for position, column in enumerate(table.columns):
        grid.add_column(column, no_wrap=position != last, overflow="fold")
    for row in table.rows:
        cells = [cell if isinstance(cell, Cell) else Cell(cell) for cell in row]
        grid.add_row(*(Text(printable(cell.text), style=_STYLES[cell.style]) for cell in cells))
    with console.capture() as captured:
        if table.title:
            console.print(Text(table.title, style="bold"))
        console.print(grid)
    lines = captured.get().splitlines()
    sys.stdout.write("\n" * space_before + "\n".join(line.rstrip() for line in lines) + "\n")


def age(moment: str | None, now: datetime) -> str:
    """How long ago an RFC 3339 time was, as kubectl writes ages (``5m``); ``-`` when there is none."""
    if not moment:
        return "-"
    try:
        seconds = int((now - datetime.fromisoformat(moment).astimezone(UTC)).total_seconds())
    except ValueError:
        return "?"
    for least, unit, letter in _AGES:
        if seconds >= least:
            return f"{seconds // unit}{letter}"
    return f"{max(seconds, 0)}s"
