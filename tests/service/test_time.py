"""What a report says when a phase ran out of time."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from testwright.judge.stability import judge_candidates
from testwright.service import GenerateRequest, UnitTestGenerationService
from testwright.settings import Options

SHOP = "def double(number: int) -> int:\n    return 2 * number\n"


@pytest.mark.parametrize("in_time", [True, False])
async def test_a_judge_without_time_is_told_as_wall(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, in_time: bool
) -> None:
    # Only then may the same seed give another file, so the report must not say that the search alone has ended it.
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "shop.py").write_text(SHOP)
    monkeypatch.setenv("TESTWRIGHT_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("TESTWRIGHT_STATE_DIR", str(tmp_path / "state"))

    async def hurried(*arguments: Any, deadline: float, **options: Any) -> Any:
        return await judge_candidates(*arguments, deadline=deadline if in_time else time.monotonic(), **options)

    monkeypatch.setattr("testwright.service.proving.judge_candidates", hurried)
    request = GenerateRequest(workspace=tmp_path, path=tmp_path / "shop.py", settings=Options(budget=60.0))
    report = await UnitTestGenerationService().run(request)

    assert report.success is in_time, report.error
    assert (report.stopped_by == "wall") is not in_time
