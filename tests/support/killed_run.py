"""A run that hangs at the beginning of a phase, so that it can be killed there. It has an agent that a test plays.

Usage: killed_run.py WORKSPACE MODULE PHASE AGENT_FILE
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from acted_agent import ActedAgents

from testwright.model import RunEvent
from testwright.service import GenerateRequest, UnitTestGenerationService
from testwright.settings import Options


def main() -> None:
    """Do it, and say on standard output when the phase has begun."""
    workspace, module, phase, file = sys.argv[1:]

    def hang(event: RunEvent) -> None:
        if event.kind == "phase" and event.phase == phase:
            print(phase, flush=True)  # noqa: T201 - a program of its own
            time.sleep(3600)

    agents = ActedAgents([Path(file).read_text(encoding="utf-8")] * 3)
    request = GenerateRequest(workspace=Path(workspace), path=Path(workspace, module), settings=Options(budget=60.0))
    result = asyncio.run(UnitTestGenerationService(agents=agents).generate(request, hang))
    print(result.report.status, result.report.error)  # noqa: T201


if __name__ == "__main__":
    main()
