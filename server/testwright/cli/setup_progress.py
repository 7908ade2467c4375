"""How far a set-up is, on standard error: one line that changes at a terminal, else a line now and then."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from testwright.cli.output import console

_LINE_SECONDS = 5.0
"""Between two lines about the same step, where there is no terminal."""


class Step(Protocol):
    """How far a set-up is."""

    @property
    def step(self) -> str:
        """What it is doing; ``done`` at the end."""
        ...

    @property
    def words(self) -> str:
        """The same for a person, with how far it is."""
        ...


@contextmanager
def setup_progress() -> Iterator[Callable[[Step], None]]:
    """Give the function that shows each step."""
    shown = console(stderr=True)
    if not shown.is_terminal:
        yield _Lines(shown).tell
        return
    columns = (SpinnerColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=shown, transient=True) as progress:
        bar = progress.add_task("", total=None)
        yield lambda event: progress.update(bar, description=event.words)


class _Lines:
    """Prints how far it is, a line for each step and not too many of the same."""

    def __init__(self, shown: Console) -> None:
        self._shown = shown
        self._step = ""
        self._at = 0.0

    def tell(self, event: Step) -> None:
        now = time.monotonic()
        is_news = event.step != self._step or now - self._at >= _LINE_SECONDS
        if is_news and event.step != "done":
            self._shown.print(event.words, soft_wrap=True, markup=False)
            self._step, self._at = event.step, now
