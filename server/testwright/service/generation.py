"""The public API: a specification or a request in, a result with its report out."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from testwright.analysis.parse_lock import parse_one_at_a_time
from testwright.engines.embedded import EmbeddedEngine
from testwright.engines.protocol import Engine
from testwright.errors import TestwrightError
from testwright.model import JudgeReport, RunEvent, RunReport
from testwright.service.agent.sources import Agents, BoxedAgents
from testwright.service.delivery import Deliver, write_to_disk
from testwright.service.job import GenerateRequest
from testwright.service.judging import Judging
from testwright.service.measuring import Measurement
from testwright.service.result import MeasureResult, RunResult
from testwright.service.run import Run
from testwright.settings import Options
from testwright.specification import GenerationResult, OpenHandsIntegrationConfig, TestTaskSpecification


def _ignore(_: RunEvent) -> None:
    """Take an event and do nothing."""


class UnitTestGenerationService:
    """Writes tests. One object may do any number of runs, at the same time too.

    Args:
        config: Where the agent and its models are found; from the environment when None.
        engine: Proposes candidates before an agent does; the embedded one when None.
        agents: Where an agent comes from; from this machine when None.
    """

    def __init__(
        self,
        config: OpenHandsIntegrationConfig | None = None,
        *,
        engine: Engine | None = None,
        agents: Agents | None = None,
    ) -> None:
        parse_one_at_a_time()
        self.config = OpenHandsIntegrationConfig.from_env() if config is None else config
        self._agents: Agents = BoxedAgents() if agents is None else agents
        self._engine: Engine = EmbeddedEngine() if engine is None else engine

    async def generate_tests(
        self, spec: TestTaskSpecification, on_event: Callable[[RunEvent], None] = _ignore
    ) -> GenerationResult:
        """Write tests for one module.

        Args:
            spec: What is wanted.
            on_event: Called with each event of the run, in this task.

        Returns:
            What became of it; a failure is told in ``error`` and not raised.

        Raises:
            asyncio.CancelledError: The task was cancelled; no process is left and nothing was written.
        """
        request = GenerateRequest(
            workspace=None if spec.workspace is None else Path(spec.workspace),
            path=None if spec.module_path is None else Path(spec.module_path),
            module=spec.module_name,
            settings=Options(coverage_threshold=spec.coverage_threshold, max_iterations=spec.max_iterations),
        )
        report = await self.run(request, on_event)
        return GenerationResult(report.success, report.test_file, report.error, report)

    async def run(self, request: GenerateRequest, on_event: Callable[[RunEvent], None] = _ignore) -> RunReport:
        """Do one run that writes to the disk, and give its account alone: as ``generate``."""
        return (await self.generate(request, on_event)).report

    async def generate(
        self,
        request: GenerateRequest,
        on_event: Callable[[RunEvent], None] = _ignore,
        deliver: Deliver = write_to_disk,
    ) -> RunResult:
        """Do one run.

        Args:
            request: What a client asks for.
            on_event: Called with each event of the run, in this task.
            deliver: Takes the finished file to its place; awaited in this task, unless it is a dry run.

        Returns:
            What became of it; a failure is told in its report and not raised.

        Raises:
            asyncio.CancelledError: The task was cancelled; no process is left, and nothing was written unless by a
                ``deliver`` that was cut off.
        """
        environ = self.config.laid_over(os.environ)
        run = Run(request, on_event, deliver, engine=self._engine, agents=self._agents, environ=environ)
        return await _done(run)

    async def measure(self, request: GenerateRequest, on_event: Callable[[RunEvent], None] = _ignore) -> MeasureResult:
        """Measure what the existing tests cover of a module. Nothing is searched for, and nothing is written.

        Args:
            request: Which module; its whole budget may be used.
            on_event: Called with each event, in this task.

        Returns:
            What was found; a failure is told in ``error`` and not raised.

        Raises:
            asyncio.CancelledError: The task was cancelled; no process is left.
        """
        return await _done(Measurement(request, on_event))

    async def judge(self, request: GenerateRequest, on_event: Callable[[RunEvent], None] = _ignore) -> JudgeReport:
        """Judge the tests that a module has: which are sound, what they cover and what they notice.

        Nothing is written.

        Args:
            request: Which module; its whole budget may be used.
            on_event: Called with each event, in this task.

        Returns:
            What was found; a failure is told in ``error`` and not raised.

        Raises:
            asyncio.CancelledError: The task was cancelled; no process is left.
        """
        return await _done(Judging(request, on_event))


Account_co = TypeVar("Account_co", covariant=True)


class _Work(Protocol[Account_co]):
    """What a service does, and the account of it when it failed."""

    async def execute(self) -> Account_co: ...

    def failed(self, error: TestwrightError) -> Account_co: ...


async def _done(work: _Work[Account_co]) -> Account_co:
    """Do it; what fails is told in its account."""
    try:
        return await work.execute()
    except TestwrightError as error:
        return work.failed(error)
    except OSError as error:
        return work.failed(_disk_failure(error))


def _disk_failure(error: OSError) -> TestwrightError:
    name = f" ({os.fsdecode(error.filename)})" if error.filename else ""
    return TestwrightError(
        f"The operating system refused: {error.strerror or error}{name}.",
        next_step="Check that the workspace and the temporary folder can be read and have room.",
    )
