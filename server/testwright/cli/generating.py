"""``testwright generate``: one run after the other, with progress, results and cancelling."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from testwright.analysis.targets import parse_request
from testwright.cli.errors import own_error
from testwright.cli.output import console, print_json, print_json_line, print_view
from testwright.cli.views import diff_view, report_view
from testwright.errors import TestwrightError
from testwright.model import RunEvent, RunReport
from testwright.rendering import INTERNAL_SLUG, event_to_json, exit_code, report_to_json, unfinished_report
from testwright.service import GenerateRequest, UnitTestGenerationService
from testwright.settings import Options, Settings
from testwright.specification import OpenHandsIntegrationConfig

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


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


def generate_all(
    wanted: Sequence[Wanted], *, workspace: Path | None, options: dict[str, Any], as_json: bool, events: bool
) -> int:
    """Do all that is wanted, print it, and return the exit code: the worst of the runs.

    Args:
        wanted: At least one target.
        workspace: Root of the project, None to find it from each target.
        options: Values of the command line by the name of their setting.
        as_json: Whether one JSON object is printed at the end: the report, or ``{"runs": [...]}`` for several targets.
        events: Whether events are printed as JSON lines.
    """
    # By identity: a seed or a threshold of 0 is something that was said.
    said = Options(**{name: None if value is False or value == () else value for name, value in options.items()})
    reports = asyncio.run(_run_all(wanted, workspace, said, _Reporter(as_json, events)))
    if as_json:
        objects = [report_to_json(report) for report in reports]
        print_json(objects[0] if len(wanted) == 1 else {"runs": objects})
    return max(exit_code(report) for report in reports)


async def _run_all(
    wanted: Sequence[Wanted], workspace: Path | None, options: Options, reporter: _Reporter
) -> list[RunReport]:
    """An error of one does not keep the next from being done; cancelling does."""
    service = UnitTestGenerationService(OpenHandsIntegrationConfig.from_env())
    reports: list[RunReport] = []
    with _cancelled_by_signals():
        for target in wanted:
            try:
                with reporter.progress(target.text) as on_event:
                    report = await service.run(target.request(workspace, options), on_event)
            except asyncio.CancelledError:
                message = f"Cancelled: nothing was written for {target.text}."
                report = _unfinished("cancelled", target, options, "cancelled", message)
            except TestwrightError as error:
                report = _unfinished("failed", target, options, error.slug, str(error))
            except Exception as error:  # noqa: BLE001 - told in a sentence, and the next target still gets its turn
                report = _unfinished("failed", target, options, INTERNAL_SLUG, own_error(error))
            reports.append(report)
            reporter.show(target.text, report)
            if report.status == "cancelled":
                break
    return reports


def _unfinished(
    status: Literal["cancelled", "failed"], target: Wanted, options: Options, slug: str, message: str
) -> RunReport:
    threshold = Settings().coverage_threshold if options.coverage_threshold is None else options.coverage_threshold
    return unfinished_report(status, target.text, threshold=threshold, slug=slug, message=message)


@contextmanager
def _cancelled_by_signals() -> Iterator[None]:
    """The first signal cancels the run, which kills its boxes; a second one ends the process at once."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()

    def restore() -> None:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)

    def cancel() -> None:
        restore()
        if task is not None:
            task.cancel()

    for number in _SIGNALS:
        loop.add_signal_handler(number, cancel)
    try:
        yield
    finally:
        restore()


class _Reporter:
    """Shows the progress and the result of runs: for a person, or as JSON."""

    def __init__(self, as_json: bool, events: bool) -> None:  # noqa: FBT001 - both are the user's switches
        self._as_json = as_json
        self._events = events
        self._output = console()
        self._errors = console(stderr=True)
        self._shown = 0

    def progress(self, named: str) -> AbstractContextManager[Callable[[RunEvent], None]]:
        """Give the function that takes the events of one run."""
        if self._events:
            return nullcontext(lambda event: print_json_line(event_to_json(event, named)))
        if self._errors.is_terminal:
            return self._spinner(named)
        return nullcontext(lambda _: None)

    @contextmanager
    def _spinner(self, named: str) -> Iterator[Callable[[RunEvent], None]]:
        # The text comes last: it is the one that may be cut off where the terminal ends.
        columns = (SpinnerColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
        with Progress(*columns, console=self._errors, transient=True) as progress:
            bar = progress.add_task(named, total=None)
            yield lambda event: progress.update(bar, description=f"{named}: {event.phase}, {event.message}")

    def show(self, named: str, report: RunReport) -> None:
        """Print the result of one run; as JSON it is printed when all are done."""
        if report.error is not None:
            slug = report.error_slug or "error"
            if self._events:
                print_json_line({"kind": "error", "target": named, "slug": slug, "message": report.error})
            else:
                self._errors.print(f"testwright: {report.error}", style="red", soft_wrap=True)
        if self._as_json or not report.success:
            return
        if report.diff:
            # The diff alone is the output, so that it can be piped into `git apply`.
            self._output.print(diff_view(report.diff), end="", soft_wrap=True)
            if not self._events:
                self._errors.print()
                print_view(self._errors, report_view(report))
            return
        if self._shown:
            self._output.print()
        self._shown += 1
        print_view(self._output, report_view(report))
