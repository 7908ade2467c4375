from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pytest

from testwright.models.backoff import SHORTEST_TOLD
from testwright.models.breaker import FAILURES, FIRST_OPEN, LONGEST_OPEN
from testwright.models.budget import TOKENS_OF_UNKNOWN_ANSWER
from testwright.models.course import (
    FIRST_REST,
    LONGEST_REST,
    MOST_REPEATS,
    ONCE_MORE,
    ROUNDS,
)
from testwright.models.policy import DAY, HOUR, LONGEST_TOLD_WAIT, RULES, Lesson, Rule, lesson
from testwright.models.values import FaultKind

DOCUMENT = Path(__file__, "../../../../docs/models-errors.md").resolve()

DONE = {
    "stop": "It ends",
    "next": "The next model",
    "larger": "The next model whose context is larger, or not known",
    "again": "The same model once more after a backoff, then the next",
    "again-if-told": "The same model once more after a short Retry-After, then the next",
    "wait-or-stop": "The same model after the Retry-After; without one it ends",
    "wait": "The same model when the account may ask again",
    "other-account": "The next model that another account pays for",
}
SPOILT = {"nothing": "-", "question": "this question", "run": "this run"}


def learnt(rule: Rule) -> str:
    if rule.teaches is None:
        return "-"
    if rule.taught_for is None:
        return f"`{rule.teaches}` until the time that the provider says"
    return f"`{rule.teaches}` for {rule.taught_for / HOUR:.0f} hours"


def rows() -> dict[str, list[str]]:
    found = {}
    for line in DOCUMENT.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 7 and cells[0].startswith("`"):
            found[cells[0].strip("`")] = cells
    return found


def test_there_is_a_rule_and_a_row_for_each_fault() -> None:
    assert set(RULES) == set(get_args(FaultKind))
    assert list(rows()) == list(RULES)


@pytest.mark.parametrize("kind", get_args(FaultKind))
def test_the_documented_row_is_the_rule(kind: FaultKind) -> None:
    rule = RULES[kind]
    assert rows()[kind][2:] == [
        DONE[rule.step],
        SPOILT[rule.spoils],
        "yes" if rule.counts else "no",
        learnt(rule),
        f"`{rule.error.slug}`",
    ]


@pytest.mark.parametrize(
    ("sentence", "numbers"),
    [
        (r"for (\d+) hours with tools, and for (\d+) hour with `deny`", (DAY / HOUR, HOUR / HOUR)),
        (r"at least (\d+) second\.", (SHORTEST_TOLD,)),
        (r"same model is waited for up to (\d+) seconds", (LONGEST_TOLD_WAIT,)),
        (r"\*\*Else (\d+) seconds\*\* before the same model", (ONCE_MORE,)),
        (
            r"between rounds (\d+) seconds, doubled for each failure of the model, up to (\d+)\.",
            (FIRST_REST, LONGEST_REST),
        ),
        (r"There are (\d+) rounds at most, and (\d+) requests at most that repeat", (ROUNDS, MOST_REPEATS)),
        (r"fails (\d+) times in a row .* alone for (\d+) seconds by", (FAILURES, FIRST_OPEN)),
        (r"the time doubles, up to (\d+) seconds", (LONGEST_OPEN,)),
        (r"else at ([\d,]+) tokens", (TOKENS_OF_UNKNOWN_ANSWER,)),
    ],
)
def test_the_documented_numbers_are_those_of_the_code(sentence: str, numbers: tuple[float, ...]) -> None:
    text = " ".join(DOCUMENT.read_text().split())
    match = re.search(sentence, text)
    assert match is not None
    assert tuple(float(number.replace(",", "")) for number in match.groups()) == numbers


def test_the_errors_are_explained() -> None:
    for slug in {rule.error.slug for rule in RULES.values()} | {"model-budget"}:
        assert re.search(rf"^\| `{slug}` \| .+ \| .+ \|$", DOCUMENT.read_text(), re.MULTILINE), slug


@pytest.mark.parametrize(
    ("kind", "asked", "expected"),
    [
        ("gone", {"with_tools": False, "data_collection": "allow"}, Lesson("gone", DAY)),
        ("gone", {"with_tools": True, "data_collection": "allow"}, Lesson("incompatible", DAY, "tools")),
        (
            "gone",
            {"with_tools": False, "data_collection": "deny"},
            Lesson("incompatible", HOUR, "data_collection deny"),
        ),
        (
            "gone",
            {"with_tools": True, "data_collection": "deny"},
            Lesson("incompatible", HOUR, "tools and data_collection deny"),
        ),
        ("upstream-limit", {"with_tools": True, "data_collection": "deny"}, Lesson("rate_limited", None)),
        ("down", {"with_tools": False, "data_collection": "allow"}, None),
    ],
)
def test_a_404_teaches_no_more_than_it_says(kind: FaultKind, asked: dict[str, Any], expected: Lesson | None) -> None:
    assert lesson(kind, **asked) == expected
