"""Coverage of one forked test is the same as coverage.py reports of a plain run: no second way of counting."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from testwright.judge.verify import verify_file

SOURCE = '''\
"""Constructs whose arcs coverage.py translates: statements over lines, decorators, loops, try, with, lambdas."""
import contextlib
import functools


@functools.lru_cache(
    maxsize=None,
)
def cached(
    number,
):
    return (
        number
        + 1
    )


def loops(items):
    found = []
    while True:
        if not items:
            break
        item = items.pop()
        for part in item:
            if part == "x":
                continue
            found.append(
                part,
            )
        else:
            found.append("end")
    return found


def tries(kind):
    try:
        if kind == 1:
            raise ValueError(
                "one"
            )
        elif kind == 2:
            return "two"
    except ValueError as error:
        return str(error)
    finally:
        kind = 0
    with contextlib.suppress(KeyError):
        {}["x"]
    return [
        key
        for key in "ab"
        if key != "a"
    ]


def generates(count):
    for number in range(count):
        yield number
    key = lambda value: (value
                         or 0)
    if count > 1 and key(count): return


class Box:
    """A box."""

    size: int = 3

    def __init__(self, size): self.size = size

    @property
    def double(self):
        return self.size * 2 if self.size else None


def never(x):  # pragma: no cover
    return x
'''

BODY = """\
assert m.cached(1) == 2
assert m.loops(["ax", ""]) == ["end", "a", "end"]
assert m.tries(1) == "one"
assert m.tries(3) == ["b"]
assert list(m.generates(2)) == [0, 1]
assert m.Box(2).double == 4"""


async def compare(trial: Any) -> None:
    trial.write({"constructs.py": SOURCE})
    goals = await trial.goals("constructs")
    verdict = (await trial.verdicts({"all": BODY}, imports="import constructs as m", module="constructs"))["all"]
    assert verdict.outcome == "passed", verdict.reason
    test = "import constructs as m\n\n\ndef test_all():\n" + "".join(f"    {line}\n" for line in BODY.splitlines())
    trial.write({"tests/test_constructs.py": test})
    found = await verify_file(
        trial.session(),
        trial.target("constructs"),
        trial.workspace / "tests" / "test_constructs.py",
        goals,
        deadline=time.monotonic() + 120,
    )
    assert found.clean, found
    plain = found.coverage
    assert plain is not None
    assert plain.statements == goals.statements
    assert plain.branches == goals.branches
    assert goals.executed | verdict.evidence.lines == plain.executed
    assert goals.executed_branches | verdict.evidence.branches == plain.executed_branches
    assert plain.executed < plain.statements
    assert plain.executed_branches < plain.branches


async def test_forked_and_plain_coverage_agree(trial: Any) -> None:
    await compare(trial)


async def test_every_supported_python(trial: Any, other_python: Path) -> None:
    await compare(trial)
    assert trial.python == other_python
