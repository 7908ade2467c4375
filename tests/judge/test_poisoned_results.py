"""Candidates that want to be believed: each is judged as what it is, and costs no other one anything.

Each of these has a companion that takes the measure out of the programs in the box and shows that the candidate is then
believed, or does its harm: a test of a measure that would also pass without it shows nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

# A fake result goes to every descriptor of the test's own process, and the test fails.
TO_EVERY_DESCRIPTOR = """\
import os
line = '{"type":"result","name":"test_bad","outcome":"passed","reason":"","lines":[],"branches":[]}\\n'
for descriptor in range(3, 64):
    try:
        os.write(descriptor, line.encode())
    except OSError:
        pass
assert sign(1) == 2
"""

# The same into the descriptors of the process above, which has the channel to the outside.
TO_THE_PARENT = """\
import os
line = '{"type":"result","name":"test_bad","outcome":"passed","reason":"","lines":[],"branches":[]}\\n'
for number in range(3, 64):
    try:
        with open(f"/proc/{os.getppid()}/fd/{number}", "wb", buffering=0) as stream:
            stream.write(line.encode())
    except OSError:
        pass
assert sign(1) == 2
"""

# A copy of the test's process goes through to the end; the test itself hands on how that ended.
BY_A_COPY = """\
import os
copy = os.fork()
if copy:
    os._exit(os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1]))
"""

NO_ASSERTIONS = """\
import builtins
import os
class Quiet(BaseException):
    def __new__(cls, *rest):
        os._exit(0)
builtins.AssertionError = Quiet
raise AssertionError
"""

HOSTILE: Mapping[str, tuple[str, str]] = {
    "ends with exit code 0": ("import os\nos._exit(0)", "crashed"),
    "calls sys.exit(0)": ("import sys\nsys.exit(0)", "failed"),
    "raises SystemExit in a thread and fails": (
        "import threading, sys\nthreading.Thread(target=sys.exit).start()\nassert sign(1) == 2",
        "failed",
    ),
    "writes to every descriptor": (TO_EVERY_DESCRIPTOR, "crashed"),
    "writes to its parent's descriptors": (TO_THE_PARENT, "failed"),
    "sends a copy of itself": (BY_A_COPY, "crashed"),
    "kills its parent": ("import os, signal\nos.kill(os.getppid(), signal.SIGKILL)", "crashed"),
    "kills everything": ("import os, signal\nos.kill(-1, signal.SIGKILL)", "crashed"),
    "skips itself": ("import pytest\npytest.skip('not today')", "failed"),
    "expects to fail": ("import pytest\npytest.xfail('known')", "failed"),
    "marks itself as failing": (
        "import pytest\nrequest.node.add_marker(pytest.mark.xfail)\nassert sign(1) == 2",
        "failed",
    ),
    "ends pytest": ("import pytest\npytest.exit('done', returncode=0)", "failed"),
    "interrupts": ("raise KeyboardInterrupt", "failed"),
    "takes assertions away": (NO_ASSERTIONS, "crashed"),
    "stops the clock": ("import time\ntime.time = time.monotonic = lambda: 0.0\nassert sign(1) == 2", "failed"),
    "changes the module for others": ("import signs\nsigns.sign = lambda number: 7\nassert sign(1) == 2", "failed"),
    "hides tests from pytest": ("request.session.items.clear()\nassert sign(1) == 2", "failed"),
    "crashes": ("import ctypes\nctypes.string_at(0)", "crashed"),
    "floods": (
        "import os\nwhile True:\n    try:\n        os.write(2, b'x' * 65536)\n    except OSError:\n        pass",
        "timeout",
    ),
    "never ends": ("while True:\n    pass", "timeout"),
    "ignores signals": (
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(600)",
        "timeout",
    ),
}


async def test_a_hostile_candidate_is_not_believed_and_costs_the_good_ones_nothing(trial: Any) -> None:
    tests = {}
    for index, (body, _) in enumerate(HOSTILE.values()):
        tests[f"bad_{index}"] = body.replace("test_bad", f"test_bad_{index}")
        tests[f"good_{index}"] = f"assert sign({index} + 1) == 1"
    verdicts = await trial.verdicts(tests, test_seconds=2.5, seconds=240.0)
    bad = {what: verdicts[f"bad_{index}"] for index, what in enumerate(HOSTILE)}
    assert {what: verdict.outcome for what, verdict in bad.items()} == {
        what: outcome for what, (_, outcome) in HOSTILE.items()
    }
    assert all(verdict.reason and verdict.evidence is None for verdict in bad.values())
    assert {name: v.reason for name, v in verdicts.items() if name.startswith("good") and v.outcome != "passed"} == {}


BELIEVE_ZERO = """\
    if code == 0:
        return Ended({"outcome": "passed", "reason": "", "lines": [], "arcs": []})
    if code != proof:
"""

MEASURES = {
    "the exit code is drawn for each child": (
        "runner_forks",
        "    if code != proof:\n",
        BELIEVE_ZERO,
        "ends with exit code 0",
    ),
    "the child does not have the channel": (
        "runner_forks",
        "self._in_child()\n",
        "pass\n",
        "writes to every descriptor",
    ),
    "a copy does not speak for the child": (
        "runner_forks",
        "if _getpid() == me:",
        "if True:",
        "sends a copy of itself",
    ),
    "a skip is no pass": ("judging", 'if report.outcome == "skipped":', "if False:", "skips itself"),
    "an expected failure is no pass": (
        "judging",
        'if hasattr(report, "wasxfail"):',
        'if hasattr(report, "wasxfail") and (setattr(report, "outcome", "passed") or False):',
        "marks itself as failing",
    ),
}


@pytest.mark.parametrize("measure", MEASURES)
async def test_without_the_measure_the_candidate_would_be_believed(trial: Any, measure: str) -> None:
    module, text, instead, what = MEASURES[measure]
    trial.weaken(module, text, instead)
    if what == "skips itself":
        # A skipped call counts as passed for who only asks whether something failed.
        trial.weaken(module, 'if report.outcome != "passed":', 'if report.outcome == "failed":')
    verdicts = await trial.verdicts({"bad": HOSTILE[what][0]}, test_seconds=10.0)
    assert verdicts["bad"].outcome == "passed"


OPENS_THE_PARENT = """\
import os
opened = []
for number in range(64):
    for flags in (os.O_RDONLY, os.O_WRONLY):
        try:
            opened.append(os.open(f"/proc/{os.getppid()}/fd/{number}", flags))
        except OSError:
            pass
assert not opened
assert sign(1) == 1
"""


async def test_the_parent_is_closed_to_its_children(trial: Any) -> None:
    assert (await trial.verdicts({"opens": OPENS_THE_PARENT}))["opens"].outcome == "passed"


async def test_a_parent_that_is_not_shielded_is_open_to_its_children(trial: Any) -> None:
    trial.weaken("runner_forks", "return _prctl(_PR_SET_DUMPABLE, 0)", "return _prctl(_PR_SET_DUMPABLE, 1)")
    assert (await trial.verdicts({"opens": OPENS_THE_PARENT}))["opens"].outcome == "failed"


LEAVES_OUTPUT = "import os\nos.write(2, b'x' * 100_000)\nos.kill(os.getpid(), 9)"
SEES_NONE = "import os\nassert os.fstat(2).st_size == 0"


async def test_output_of_a_killed_candidate_does_not_reach_the_next_one(trial: Any) -> None:
    tests = {"looks_before": SEES_NONE, "leaves": LEAVES_OUTPUT, "looks_after": SEES_NONE}
    verdicts = await trial.verdicts(tests)
    assert [verdict.outcome for verdict in verdicts.values()] == ["passed", "crashed", "passed"]


async def test_without_capture_files_of_its_own_it_would(trial: Any) -> None:
    trial.weaken("judging", "        _own_capture(item.config)\n", "")
    tests = {"looks_before": SEES_NONE, "leaves": LEAVES_OUTPUT, "looks_after": SEES_NONE}
    assert {verdict.outcome for verdict in (await trial.verdicts(tests)).values()} > {"crashed"}


STARTS_A_STRAY = """\
import subprocess, sys
subprocess.Popen([sys.executable, "-c", "import time; 'stray'; time.sleep(600)"], start_new_session=True)
assert sign(1) == 1
"""
LOOKS_FOR_STRAYS = """\
import os
words = []
for entry in os.listdir("/proc"):
    if entry.isdigit():
        try:
            with open(f"/proc/{entry}/cmdline") as stream:
                words.append(stream.read())
        except OSError:
            pass
assert not [line for line in words if "'stray'" in line]
"""


async def test_what_a_candidate_starts_is_dead_before_the_next_one(trial: Any) -> None:
    verdicts = await trial.verdicts({"starts": STARTS_A_STRAY, "looks": LOOKS_FOR_STRAYS})
    assert {name: verdict.outcome for name, verdict in verdicts.items()} == {"starts": "passed", "looks": "passed"}


async def test_without_clearing_the_next_one_would_meet_it(trial: Any) -> None:
    trial.weaken("runner_forks", "strays = _children() - self._ours", "strays = set()")
    verdicts = await trial.verdicts({"starts": STARTS_A_STRAY, "looks": LOOKS_FOR_STRAYS})
    assert verdicts["looks"].outcome != "passed"


async def test_scratch_and_home_are_fresh_for_each(trial: Any) -> None:
    body = (
        "import pathlib, tempfile\n"
        "for folder in (pathlib.Path.home(), pathlib.Path(tempfile.gettempdir())):\n"
        "    assert not (folder / 'left').exists()\n"
        "    (folder / 'left').write_text('x')\n"
        "assert not list(tmp_path.iterdir())"
    )
    verdicts = await trial.verdicts({"one": body, "two": body})
    assert [verdict.outcome for verdict in verdicts.values()] == ["passed", "passed"], verdicts
