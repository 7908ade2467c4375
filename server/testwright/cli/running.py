"""What commands that run something have in common: targets, progress, cancelling, one run after the other."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from rich.progress import Progress, ProgressColumn, SpinnerColumn, Task
from rich.table import Column
from rich.text import Text

from testwright.analysis.targets import parse_request
from testwright.cli.errors import own_error
from testwright.cli.output import console, note_view, print_json_line
from testwright.cli.signals import cancelled_by_signals
from testwright.errors import TestwrightError
from testwright.model import RunEvent
from testwright.progress_rendering import progress_line
from testwright.rendering import INTERNAL_SLUG, event_to_json
from testwright.service import GenerateRequest
from testwright.settings import Options

OnEvent = Callable[[RunEvent], None]


class Report(Protocol):
    """What a run ends with."""

    @property
    def status(self) -> str:
        """How it ended."""
        ...

    @property
    def error(self) -> str | None:
        """A sentence, when it failed."""
        ...

    @property
    def error_slug(self) -> str | None:
        """Stable name of the error."""
        ...

    @property
    def notes(self) -> Sequence[str]:
        """Sentences for the user."""
        ...


_R = TypeVar("_R", bound=Report)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One target as the user named it: ``PATH[::Class.method]``, or a module's name."""

    text: str
    is_module_name: bool = False

    def request(self, workspace: Path | None, options: Options) -> GenerateRequest:
        """The service's request for it.

        Raises:
            UsageError: The text names no file.
        """
        if self.is_module_name:
            return GenerateRequest(workspace=workspace, path=None, symbol=None, module=self.text, settings=options)
        named = parse_request(self.text)
        return GenerateRequest(workspace=workspace, path=named.path, symbol=named.symbol, module=None, settings=options)


def all_wanted(targets: Sequence[str], modules: Sequence[str]) -> list[Wanted]:
    """What was named on the command line: targets, then names of modules."""
    return [*(Wanted(target) for target in targets), *(Wanted(name, is_module_name=True) for name in modules)]


def said(options: dict[str, Any]) -> Options:
    """What was said on the command line, by the name of its setting; a flag or list that was not given says nothing."""
    # By identity: a seed or a threshold of 0 is something that was said.
    return Options(**{name: None if value is False or value == () else value for name, value in options.items()})


class Unfinished(Protocol):
    """Makes the report of a run that ended without one: cancelled, or by an error."""

    def __call__(
        self, status: Literal["cancelled", "failed"], named: str, *, slug: str, message: str, notes: Sequence[str]
    ) -> Any:
        """Make it, of how the run ended, the target as it was named, the error's name and sentence, and all notes."""
        ...


async def run_each(  # noqa: PLR0913 - what a command has of its own
    wanted: Sequence[Wanted],
    work: Callable[[Wanted, OnEvent], Awaitable[_R]],
    *,
    unfinished: Unfinished,
    messages: Messages,
    show: Callable[[_R], None],
    cancelled: str,
) -> list[_R]:
    """Do one run after the other. An error of one does not keep the next from being done; cancelling does.

    Args:
        wanted: At least one target.
        work: Does the run of a target.
        unfinished: Makes the report where ``work`` has raised.
        messages: Shows progress and errors.
        show: Shows a report.
        cancelled: What cancelling means, as the end of a sentence: ``nothing was written``.
    """
    reports: list[_R] = []
    with cancelled_by_signals():
        for target in wanted:
            notes: list[str] = []
            try:
                with messages.progress(target.text) as on_event:
                    report = await work(target, _keeping(notes, on_event))
            except asyncio.CancelledError:
                message = f"Cancelled: {cancelled} for {target.text}."
                report = unfinished("cancelled", target.text, slug="cancelled", message=message, notes=notes)
            except TestwrightError as error:
                report = unfinished("failed", target.text, slug=error.slug, message=str(error), notes=notes)
            except Exception as error:  # noqa: BLE001 - told in a sentence, and the next target still gets its turn
                report = unfinished("failed", target.text, slug=INTERNAL_SLUG, message=own_error(error), notes=notes)
            reports.append(report)
            messages.error(target.text, report)
            show(report)
            if report.status == "cancelled":
                break
    return reports


def _keeping(notes: list[str], on_event: OnEvent) -> OnEvent:
    """Keep the notes of a run, which has no report to put them in when it is cut off."""

    def take(event: RunEvent) -> None:
        if event.kind == "note":
            notes.append(event.message)
        on_event(event)

    return take


class Messages:
    """Progress and errors on standard error: for a person, or as JSON lines.

    Args:
        events: Whether events are printed as JSON lines.
    """

    def __init__(self, *, events: bool) -> None:
        self._events = events
        self.console = console(stderr=True)

    def progress(self, named: str) -> AbstractContextManager[OnEvent]:
        """Give the function that takes the events of one run."""
        if self._events:
            return nullcontext(lambda event: print_json_line(event_to_json(event, named)))
        if self.console.is_terminal:
            return self._spinner(named)
        return nullcontext(lambda _: None)

    @contextmanager
    def _spinner(self, named: str) -> Iterator[OnEvent]:
        followed = _Followed()
        with Progress(SpinnerColumn(), followed, console=self.console, transient=True) as progress:
            progress.add_task(named, total=None)
            yield followed.take

    def error(self, named: str, report: Report) -> None:
        """Tell the error of a run, if it has one, and what it has told before."""
        if report.error is None:
            return
        if self._events:
            slug = report.error_slug or "error"
            print_json_line({"kind": "error", "target": named, "slug": slug, "message": report.error})
            return
        self.console.print(f"testwright: {report.error}", style="red", soft_wrap=True)
        for note in report.notes:
            self.console.print(note_view(note), soft_wrap=True)


class _Followed(ProgressColumn):
    """The line of a run, whose times go on while no event comes."""

    def __init__(self) -> None:
        super().__init__(table_column=Column(no_wrap=True))  # what a narrow terminal has no room for is cut off
        self._event: RunEvent | None = None
        self._at = 0.0

    def take(self, event: RunEvent) -> None:
        """Show an event from now on."""
        if event.kind not in ("note", "finished"):
            self._event, self._at = event, time.monotonic()

    def render(self, task: Task) -> Text:
        """The line as it is now."""
        if self._event is None:
            return Text(task.description)
        line = progress_line(self._event, later=time.monotonic() - self._at)
        return Text(f"{task.description}: {line}")
