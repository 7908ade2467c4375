"""``testwright judge``: one judgement after the other, and their results."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from testwright.cli.judge_views import judge_view
from testwright.cli.output import console, print_reports, print_view
from testwright.cli.running import Messages, OnEvent, Wanted, run_each, said
from testwright.judge_rendering import judge_exit_code, judge_report_to_json, unfinished_judge_report
from testwright.model import JudgeReport
from testwright.service import UnitTestGenerationService
from testwright.specification import OpenHandsIntegrationConfig


def judge_all(
    wanted: Sequence[Wanted], *, workspace: Path | None, options: dict[str, Any], as_json: bool, events: bool
) -> int:
    """Judge the tests of all that is wanted, print it, and return the exit code: the worst of them.

    Args:
        wanted: At least one module.
        workspace: Root of the project, None to find it from each module.
        options: Values of the command line by the name of their setting.
        as_json: Whether one JSON object is printed at the end: the report, or ``{"runs": [...]}`` for several modules.
        events: Whether events are printed as JSON lines.
    """
    settings = said(options)
    service = UnitTestGenerationService(OpenHandsIntegrationConfig.from_env())
    output, is_first = console(), True

    async def judge(target: Wanted, on_event: OnEvent) -> JudgeReport:
        return await service.judge(target.request(workspace, settings), on_event)

    def show(report: JudgeReport) -> None:
        nonlocal is_first
        if as_json or report.status != "judged":
            return
        if not is_first:
            output.print()
        is_first = False
        print_view(output, judge_view(report))

    running = run_each(
        wanted,
        judge,
        unfinished=unfinished_judge_report,
        messages=Messages(events=events),
        show=show,
        cancelled="nothing was judged",
    )
    reports = asyncio.run(running)
    if as_json:
        print_reports([judge_report_to_json(report) for report in reports], len(wanted))
    return max(judge_exit_code(report) for report in reports)
