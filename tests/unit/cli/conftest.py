"""The command line over a service that answers with prepared reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from testwright.cli import run
from testwright.model import CoverageFigures, DiscardedTest, KeptTest, RunEvent, RunReport
from testwright.service.result import ModuleCoverage, RunResult

REPORT = RunReport(
    status="written",
    module="shop.cart",
    path="/work/shop/src/shop/cart.py",
    symbol=None,
    test_file="/work/shop/tests/test_cart.py",
    threshold=70.0,
    threshold_reached=True,
    coverage_before=CoverageFigures(10.0, 0.0, 7.5, (3, 4, 5, 9), ((3, 4),)),
    coverage_after=CoverageFigures(90.0, 75.0, 85.0, (9,), ((9, 12), (14, -1))),
    kept=(
        KeptTest("test_total", "Cart.total", "embedded:search", (3, 4), ()),
        KeptTest("test_total_empty", "Cart.total", "embedded:search", (5,), ()),
        KeptTest("test_add", "Cart.add", "embedded:doctest", (), ((3, 4),)),
    ),
    discarded=(
        DiscardedTest("Cart.add", "adds nothing to what is covered already", "..."),
        DiscardedTest("Cart.add", "adds nothing to what is covered already", "..."),
        DiscardedTest("Cart.add", "failed with another hash seed: AssertionError: assert 1 == 2", "..."),
    ),
    seconds={"analyse": 0.1, "explore": 3.4},
    box="bubblewrap",
    interpreter="/work/shop/.venv/bin/python",
    python_version="3.12.1",
    seed=0,
    stopped_by="plateau",
    diff="",
    error=None,
    error_slug=None,
)


def failed(slug: str, message: str = "It failed. Do this.") -> RunReport:
    return replace(
        REPORT,
        status="failed",
        test_file=None,
        threshold_reached=False,
        kept=(),
        coverage_after=None,
        error=message,
        error_slug=slug,
    )


@dataclass
class FakeService:
    """Stands for the service: keeps the requests, answers with the next of ``answers``."""

    answers: list[RunReport | Exception] = field(default_factory=lambda: [REPORT])
    requests: list[Any] = field(default_factory=list)
    coverage: ModuleCoverage | None = None
    tests: bytes | None = None
    notes: tuple[str, ...] = ()

    def __call__(self, *_: object) -> FakeService:
        return self

    async def generate(self, request: Any, on_event: Callable[[RunEvent], None]) -> RunResult:
        self.requests.append(request)
        on_event(RunEvent("phase", "explore", "trying inputs", 0.25, {"cases": 12}))
        for note in self.notes:
            on_event(RunEvent("note", "explore", note, 0.3))
        answer = self.answers[min(len(self.requests), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return RunResult(answer, self.coverage, None, self.tests)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> FakeService:
    fake = FakeService()
    monkeypatch.setattr("testwright.cli.generating.UnitTestGenerationService", fake)
    return fake


@dataclass(frozen=True)
class Outcome:
    code: int
    stdout: str
    stderr: str


@pytest.fixture
def testwright(capfd: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    def call(*arguments: str) -> Outcome:
        code = run(arguments)
        captured = capfd.readouterr()
        return Outcome(code, captured.out, captured.err)

    return call
