"""``testwright generate``: one run after the other, and their results."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from testwright.cli.keeping import keep_measurement
from testwright.cli.output import console, print_reports, print_view
from testwright.cli.running import Messages, OnEvent, Wanted, run_each, said
from testwright.cli.views import diff_view, report_view
from testwright.model import RunReport
from testwright.models.tape import check_files
from testwright.rendering import exit_code, report_to_json, unfinished_report
from testwright.service import UnitTestGenerationService
from testwright.settings import Settings
from testwright.specification import OpenHandsIntegrationConfig


def generate_all(
    wanted: Sequence[Wanted], *, workspace: Path | None, options: dict[str, Any], as_json: bool, events: bool
) -> int:
    """Do all that is wanted, print it, and return the exit code: the worst of the runs.

    Args:
        wanted: At least one target.
        workspace: Root of the project, None to find it from each target.
        options: Values of the command line by the name of their setting, and ``record`` and ``replay``.
        as_json: Whether one JSON object is printed at the end: the report, or ``{"runs": [...]}`` for several targets.
        events: Whether events are printed as JSON lines.

    Raises:
        UsageError: The file to record into, or to replay, cannot be used.
    """
    record, replay = options.pop("record"), options.pop("replay")
    check_files(record, replay)
    settings = said(options)
    threshold = Settings().coverage_threshold if settings.coverage_threshold is None else settings.coverage_threshold
    service = UnitTestGenerationService(OpenHandsIntegrationConfig.from_env())

    async def generate(target: Wanted, on_event: OnEvent) -> RunReport:
        request = replace(target.request(workspace, settings), record=record, replay=replay)
        result = await service.generate(request, on_event)
        problem = keep_measurement(result)
        report = result.report
        return report if problem is None else replace(report, notes=(*report.notes, problem))

    messages = Messages(events=events)
    results = _Results(messages, as_json=as_json, events=events)
    running = run_each(
        wanted,
        generate,
        unfinished=partial(unfinished_report, threshold=threshold),
        messages=messages,
        show=results.show,
        cancelled="nothing was written",
    )
    reports = asyncio.run(running)
    if as_json:
        print_reports([report_to_json(report) for report in reports], len(wanted))
    return max(exit_code(report) for report in reports)


class _Results:
    """Shows results for a person; as JSON they are printed when all are done."""

    def __init__(self, messages: Messages, *, as_json: bool, events: bool) -> None:
        self._as_json = as_json
        self._events = events
        self._errors = messages.console
        self._output = console()
        self._shown = 0

    def show(self, report: RunReport) -> None:
        """Print the result of one run."""
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
