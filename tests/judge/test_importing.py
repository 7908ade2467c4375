"""Importing the module under test in a box: what it covers, and each way in which it fails as one sentence."""

from __future__ import annotations

import venv
from pathlib import Path
from typing import Any

import pytest

from testwright.errors import BoxFailure, ImportFailure, TestwrightError

OWN_RESULT = """\
import os
for descriptor in range(3, 20):
    try:
        os.write(descriptor, b'{"type":"imported"}\\n')
    except OSError:
        pass
os._exit(0)
"""

FAILURES = {
    "missing dependency": ("import os\nimport no_such_package.part\n", r"needs the module no_such_package.*line 2"),
    "syntax": ("x = 1\ndef f(:\n", r"SyntaxError.*signs\.py, line 2"),
    "syntax elsewhere": ("import helper\n", r"SyntaxError.*helper\.py, line 1"),
    "exception": ("x = 1\n\nint('one')\n", r"ValueError: invalid literal.*signs\.py, line 3"),
    "exception in a helper": ("def load():\n    raise OSError('no')\n\nload()\n", r"OSError: no \(signs\.py, line 2\)"),
    "exit": ("import sys\nsys.exit('bye')\n", r"ends the program.*SystemExit\('bye'\).*line 2"),
    "hard exit": ("import os\nos._exit(3)\n", r"ends the process when it is imported \(exit code 3\)"),
    "hard exit with 0": ("import os\nos._exit(0)\n", r"ends the process when it is imported \(exit code 0\)"),
    "sleep": ("import time\ntime.sleep(600)\n", r"did not finish importing within 3 seconds"),
    "loop": ("while True:\n    pass\n", r"did not finish importing within 3 seconds"),
    "recursion": ("def f():\n    return f()\nf()\n", r"calls itself without end.*line [12]"),
    "crash": ("import ctypes\nctypes.string_at(0)\n", r"crashes the interpreter .*\(signal 11\)"),
    "memory": ("data = bytearray(10 * 1024 ** 3)\n", r"needs more memory at import"),
    "memory bit by bit": (
        "data = []\nwhile True:\n    data.append(bytearray(1 << 26))\n",
        r"needs more memory at import",
    ),
    "fork bomb": (
        "import os\nwhile True:\n    os.fork()\n",
        r"starts more processes at import|did not finish importing|ends the process",
    ),
    "cannot import name": ("from math import no_such_name\n", r"ImportError: cannot import name.*line 1"),
    "a result of its own making": (OWN_RESULT, r"does not fit|no message"),
}


@pytest.mark.parametrize("what", FAILURES)
async def test_a_module_that_cannot_be_imported_is_told_in_a_sentence(trial: Any, what: str) -> None:
    source, sentence = FAILURES[what]
    trial.write({"signs.py": source, "helper.py": "def broken(\n"})
    expected: type[TestwrightError] = BoxFailure if what.startswith("a result") else ImportFailure
    with pytest.raises(expected, match=sentence) as caught:
        # A loaded machine needs its time for all but those that never end.
        await trial.check(seconds=3.0 if what in ("sleep", "loop", "fork bomb") else 30.0)
    assert caught.value.next_step
    assert "Traceback" not in str(caught.value)
    assert "testwright_inside" not in str(caught.value)


async def test_an_installed_copy_is_not_the_workspace_file(trial: Any) -> None:
    trial.write({"deep/signs.py": "x = 1\n"})
    target = trial.target("deep.signs")
    session = trial.session()
    from testwright.judge.importing import check_import  # noqa: PLC0415 - beside the one use
    from testwright.model import Target  # noqa: PLC0415

    wrong = Target(target.workspace, target.path, "signs", target.workspace, None, 1, 1, target.source)
    with pytest.raises(ImportFailure, match=r"does not lead to .*deep/signs\.py but to .*signs\.py"):
        await check_import(session, wrong)


@pytest.mark.parametrize("name", ["packaging", "tomli", "iniconfig"])
async def test_a_package_that_our_own_tools_use_is_still_the_workspace_one(trial: Any, name: str) -> None:
    trial.write({f"{name}/__init__.py": "", f"{name}/version.py": "def f():\n    return 1\n"})
    checked = await trial.check(f"{name}.version")
    assert checked.coverage.executed == {1}
    assert checked.coverage.statements == {1, 2}


async def test_what_an_import_covers(trial: Any) -> None:
    checked = await trial.check()
    assert checked.coverage.statements == {1, 2, 3, 4, 5, 6}
    assert checked.coverage.executed == {1}
    assert checked.coverage.branches == {(2, 3), (2, 4), (4, 5), (4, 6)}
    assert checked.coverage.executed_branches == frozenset()
    assert checked.python.count(".") == 2
    assert checked.pytest
    assert checked.coverage_version


async def test_an_empty_module_has_nothing_to_cover(trial: Any) -> None:
    trial.write({"signs.py": ""})
    checked = await trial.check()
    assert (checked.coverage.statements, checked.coverage.branches) == (frozenset(), frozenset())


async def test_what_the_project_excludes_from_coverage_is_left_out(trial: Any) -> None:
    trial.write(
        {
            ".coveragerc": "[run]\nbranch = False\nplugins = not_there\n[report]\nexclude_lines =\n    never mind\n",
            "signs.py": "def f(x):\n    if x:  # never mind\n        return 1\n    return 2\n",
        }
    )
    checked = await trial.check()
    assert checked.coverage.statements == {1, 4}
    assert checked.coverage.branches == frozenset()


@pytest.mark.parametrize("old", [("pytest",), ("coverage",), ("pytest", "coverage")])
async def test_tools_of_the_project_that_are_too_old_are_not_used(trial: Any, old: tuple[str, ...]) -> None:
    environment = trial.workspace / ".venv"
    venv.create(environment, symlinks=True)
    site = next(environment.glob("lib/python3*/site-packages"))
    for tool in old:
        (site / tool).mkdir()
        (site / tool / "__init__.py").write_text("raise RuntimeError('too old')\n")
        (site / f"{tool}-5.0.dist-info").mkdir()
        (site / f"{tool}-5.0.dist-info" / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {tool}\nVersion: 5.0\n")
    trial.python = environment / "bin" / "python"
    checked = await trial.check()
    assert set(checked.overlay_used) == {"pytest", "coverage"}
    assert not checked.pytest.startswith("5.")
    assert not checked.coverage_version.startswith("5.")
    verdicts = await trial.verdicts({"good": "assert sign(1) == 1", "bad": "assert sign(1) == 2"})
    assert [verdict.outcome for verdict in verdicts.values()] == ["passed", "failed"]


async def test_every_supported_python(trial: Any, other_python: Path) -> None:
    checked = await trial.check()
    assert other_python.parent.parent.name == checked.python
    assert checked.coverage.executed == {1}
