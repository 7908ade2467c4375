"""The shifted clock, in a box, under each Python that is here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from testwright.boxes.protocol import Command
from testwright.boxes.session import Session

PROGRAM = """\
import datetime, os, pickle, sys, time
from datetime import date, datetime as moment
sys.path.insert(0, {library!r})
from testwright_inside import clock
real, real_ns, mono = time.time(), time.time_ns(), time.monotonic()
shift = {shift}
assert clock.shift(shift) == "datetime-patch"

def near(value, expected):
    assert abs(value - expected) < 5, (value, expected)

near(time.time(), real + shift)
near(time.time_ns() / 1e9, real + shift)
near(time.mktime(time.localtime()), real + shift)
near(time.mktime(time.strptime(time.ctime())), real + shift)
near(time.mktime(time.strptime(time.asctime())), real + shift)
near(int(time.strftime("%s")), real + shift)
near(moment.now().timestamp(), real + shift)
near(moment.today().timestamp(), real + shift)
near(moment.now(datetime.timezone.utc).timestamp(), real + shift)
assert date.today() == moment.now().date()
assert time.gmtime(0).tm_year == 1970 and time.ctime(864000).endswith("1970")
near(time.monotonic(), mono)

class Mine(moment):
    pass

class Clock:
    read = time.time

assert type(Mine.now()) is Mine and type(Mine.today()) is Mine and type(moment.now()) is moment
near(Clock().read(), real + shift)
assert isinstance(moment.now(), datetime.datetime) and datetime.datetime is moment
assert pickle.loads(pickle.dumps(moment(2020, 1, 2))) == moment(2020, 1, 2)
assert pickle.loads(pickle.dumps(time.time)) is time.time
import warnings
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    near(moment.utcnow().replace(tzinfo=datetime.timezone.utc).timestamp(), real + shift)
    assert type(Mine.utcnow()) is Mine
print("held")
"""


async def run(session: Session, program: str, *, zone: str = "UTC") -> str:
    process = await session.box.start(
        session.world, Command((str(session.python), "-c", program), environment={"TZ": zone})
    )
    async with process:
        lines = [line.decode() async for line in process.lines()]
        ended = await process.wait()
    return "\n".join(lines) or ended.stderr


@pytest.mark.parametrize("shift", [400 * 86400 + 5 * 3600, -(3 * 86400 + 7 * 3600)])
@pytest.mark.parametrize("zone", ["UTC", "XST-05:45", "XWT+09:30"])
async def test_every_clock_moves_and_types_stay(trial: Any, shift: int, zone: str) -> None:
    session = trial.session()
    assert await run(session, PROGRAM.format(library=str(session.library), shift=shift), zone=zone) == "held"


async def test_every_supported_python(trial: Any, other_python: Path) -> None:
    session = trial.session()
    program = PROGRAM.format(library=str(session.library), shift=400 * 86400)
    assert await run(session, program) == "held", other_python


CANNOT = """\
import sys, time
sys.path.insert(0, {library!r})
sys.modules["ctypes"] = None  # an interpreter that was built without it
from testwright_inside import clock
before, real = time.time, time.time()
print(clock.shift(86400.0), time.time is before, abs(time.time() - real) < 5)
"""


async def test_an_interpreter_that_does_not_allow_it_is_left_as_it_was(trial: Any) -> None:
    session = trial.session()
    assert await run(session, CANNOT.format(library=str(session.library))) == "none True True"


def test_no_shift_changes_nothing() -> None:
    import time  # noqa: PLC0415 - what is compared

    from testwright.inside import clock  # noqa: PLC0415 - nothing of it is patched here

    before = time.time
    assert clock.shift(0) == "none"
    assert time.time is before
