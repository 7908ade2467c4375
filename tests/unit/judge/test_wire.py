"""Messages from a box are believed only as far as they fit."""

from __future__ import annotations

from typing import Any

import pytest

from testwright.errors import BoxFailure
from testwright.judge.wire import MAX_NUMBERS, Result, importing_message, judging_message, plain_message

RESULT = {"type": "result", "name": "t", "outcome": "passed", "reason": "", "lines": [1], "branches": [[1, 2]]}


def test_a_result_that_fits() -> None:
    assert judging_message(RESULT) == Result(
        type="result", name="t", outcome="passed", reason="", lines=[1], branches=[(1, 2)]
    )


@pytest.mark.parametrize(
    "change",
    [
        {"type": "verdict"},
        {"outcome": "splendid"},
        {"name": None},
        {"reason": "x" * 2001},
        {"lines": ["one"]},
        {"lines": [10**9]},
        {"lines": [1] * (MAX_NUMBERS + 1)},
        {"branches": [[1]]},
        {"branches": [[1, 2, 3]]},
        {"more": 1},
    ],
)
def test_a_result_that_does_not_fit(change: dict[str, Any]) -> None:
    with pytest.raises(BoxFailure, match="does not fit"):
        judging_message({**RESULT, **change})


@pytest.mark.parametrize("parse", [importing_message, plain_message])
def test_a_message_of_another_task_does_not_fit(parse: Any) -> None:
    with pytest.raises(BoxFailure, match="does not fit"):
        parse(RESULT)
