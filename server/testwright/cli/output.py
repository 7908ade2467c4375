"""Where the command line prints: consoles for persons, JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click
from rich.console import Console, RenderableType
from rich.text import Text

PIPE_WIDTH = 120
"""Columns of a file or a pipe, which has none of its own."""


def console(*, stderr: bool = False) -> Console:
    """A console that takes no text for markup; colours only on a terminal, and not with ``NO_COLOR``."""
    made = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not made.is_terminal:
        made.width = PIPE_WIDTH
    return made


def note_view(note: str) -> Text:
    """A sentence that the user should read."""
    return Text.assemble(("note  ", "yellow"), note)


def print_view(target: Console, view: RenderableType) -> None:
    """Print a view; in a file or a pipe without the blanks that fill up the columns."""
    if target.is_terminal:
        target.print(view)
        return
    with target.capture() as captured:
        target.print(view)
    target.print("\n".join(line.rstrip() for line in captured.get().splitlines()), soft_wrap=True)


def print_json(value: object) -> None:
    """One JSON object on standard output; ASCII, so that no terminal and no name can break it."""
    click.echo(json.dumps(value, indent=2))


def print_reports(reports: Sequence[object], targets: int) -> None:
    """Reports as one JSON object: the report itself for one target, ``{"runs": [...]}`` when several were named."""
    print_json(reports[0] if targets == 1 else {"runs": reports})


def print_json_line(value: object) -> None:
    """One JSON line on standard error."""
    click.echo(json.dumps(value, separators=(",", ":")), err=True)
