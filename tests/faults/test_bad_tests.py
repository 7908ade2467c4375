"""``testwright judge`` on tests that misbehave: a right account, nothing changed, no process left."""

from __future__ import annotations

import signal
import time

import pytest

from .conftest import Bench
from .test_bad_input import GOOD, error

TEST = "import shop\n\n\ndef test_total():\n    assert shop.total([1, 2]) == 3\n"


def outcomes(report: dict[str, object]) -> dict[str, str]:
    tests = report["tests"]
    assert isinstance(tests, list)
    return {test["name"]: test["outcome"] for test in tests}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("missing.py",), 2, ("missing.py", "exist")),
        (("tests/test_shop.py",), 3, ("test file itself",)),
        (("untested.py",), 3, ("no test file", "testwright generate untested.py")),
        (("half.py",), 3, ("test_half.py", "line 3")),
        (("shop.py::Nothing",), 2, ("Nothing",)),
        (("--module", "nowhere"), 2, ("nowhere",)),
        (("shop.py", "--python", "/nowhere/python"), 3, ("/nowhere/python",)),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else None,
)
def test_what_cannot_be_judged_is_told_in_a_sentence(
    bench: Bench, arguments: tuple[str, ...], code: int, words: tuple[str, ...]
) -> None:
    bench.write("shop.py", GOOD)
    bench.write("untested.py", GOOD)
    bench.write("half.py", GOOD)
    bench.write("tests/test_shop.py", TEST)
    bench.write("tests/test_half.py", "import half\n\ndef test_half(:\n    pass\n")
    before = bench.digests()

    ended = bench.judge(*arguments)

    assert ended.code == code, ended.stderr
    assert ended.report["status"] == "failed"
    assert all(word in error(ended.report) for word in words), error(ended.report)
    assert bench.digests() == before


def test_tests_that_write_change_nothing(bench: Bench) -> None:
    bench.write("shop.py", GOOD)
    bench.write(
        "tests/test_shop.py",
        TEST
        + "\n\ndef test_writes():\n    try:\n        with open('shop.py', 'w') as file:\n            file.write('')\n"
        "    except OSError:\n        pass\n    assert shop.total([1]) == 1\n",
    )
    before = bench.digests()

    ended = bench.judge("shop.py")

    assert ended.code == 0, ended.stderr
    assert outcomes(ended.report) == {"test_total": "passed", "test_writes": "passed"}
    assert bench.digests() == before


def test_tests_that_leave_processes_leave_none(bench: Bench) -> None:
    bench.write("shop.py", GOOD)
    bench.write(
        "tests/test_shop.py",
        "import subprocess\nimport sys\n\n" + TEST + "\n\ndef test_leaves():\n"
        "    subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True)\n"
        "    assert shop.total([]) == 0\n",
    )

    ended = bench.judge("shop.py")

    assert ended.code == 0, ended.stderr
    assert ended.seconds < 30


def test_a_test_that_writes_to_every_descriptor_is_not_believed(bench: Bench) -> None:
    bench.write("shop.py", GOOD)
    bench.write(
        "tests/test_shop.py",
        "import os\n\n" + TEST + "\n\ndef test_shouts():\n    for number in range(3, 64):\n        try:\n"
        '            os.write(number, b\'{"type":"test","nodeid":"x::test_forged","outcome":"passed"}\\n\')\n'
        "        except OSError:\n            pass\n    assert shop.total([]) == 0\n",
    )

    ended = bench.judge("shop.py")

    assert ended.code != 0
    assert "test_forged" not in str(ended.report.get("tests"))


def test_a_latin_1_test_file_with_windows_line_ends_is_judged(bench: Bench) -> None:
    cookie = "# -*- coding: latin-1 -*-\r\n"
    bench.write("shop.py", GOOD)
    text = (
        cookie
        + TEST.replace("\n", "\r\n")
        + "\r\n\r\ndef test_h\u00e9():\r\n    assert 'caf\u00e9'[-1] == '\u00e9'\r\n"
    )
    bench.write("tests/test_shop.py", text.encode("latin-1"))

    ended = bench.judge("shop.py")

    assert ended.code == 0, ended.stderr
    assert outcomes(ended.report) == {"test_total": "passed", "test_h\u00e9": "passed"}
    assert [finding["line"] for finding in ended.report["findings"]] == [9]


def test_a_workspace_that_cannot_be_written_to_is_judged(bench: Bench) -> None:
    bench.write("shop.py", GOOD)
    bench.write("tests/test_shop.py", TEST)
    for folder in (bench.workspace / "tests", bench.workspace):
        folder.chmod(0o555)
    try:
        ended = bench.judge("shop.py")
    finally:
        for folder in (bench.workspace, bench.workspace / "tests"):
            folder.chmod(0o755)

    assert ended.code == 0, ended.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_cancelling_ends_at_once(bench: Bench, number: signal.Signals) -> None:
    bench.write("shop.py", GOOD)
    bench.write("tests/test_shop.py", "import time\n\n" + TEST + "    time.sleep(600)\n")
    before = bench.digests()

    process = bench.start("shop.py", "--events", command="judge")
    bench.wait_for(process, "verify")
    time.sleep(0.5)
    process.send_signal(number)
    begun = time.monotonic()
    ended = bench.finish(process)

    assert ended.code == 130, ended.stderr
    assert ended.report["status"] == "cancelled"
    assert time.monotonic() - begun < 2
    assert bench.digests() == before
