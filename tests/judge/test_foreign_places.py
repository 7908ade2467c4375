"""Whole functions that change files which are not their own, by names that no reader sees: they are seen when they run."""

from __future__ import annotations

from typing import Any

from testwright.model import RawTest

SIGN = "assert sign(1) == 1"

# What is read of each beforehand is harmless, so that only the run can show it.
FOREIGN = {
    "deletes its home": "import pathlib, shutil\nshutil.rmtree(pathlib.Path.home(), ignore_errors=True)",
    "deletes what is not there": "import os\ntry:\n    os.remove('/srv/notes.txt')\nexcept OSError:\n    pass",
    "writes into its home": "import pathlib\n(pathlib.Path.home() / '.profile').write_text('exit')",
    "writes into its working folder": "try:\n    open('conftest.py', 'a')\nexcept OSError:\n    pass",
    "moves something away": "import os\ntry:\n    os.rename('/etc/hosts', '/tmp/hosts')\nexcept OSError:\n    pass",
    "empties something": "import os\ntry:\n    os.truncate('/etc/hosts', 0)\nexcept OSError:\n    pass",
    "lets the code do it": "from signs import clear\nclear()",
}
OWN = {
    "its own folder": "(tmp_path / 'x').write_text('x')\n(tmp_path / 'x').unlink()",
    "a temporary file": "import tempfile\nwith tempfile.TemporaryDirectory() as name:\n    open(name + '/x', 'w').close()",
    "a home of its own": (
        "import pathlib\nmonkeypatch.setenv('HOME', str(tmp_path))\n(pathlib.Path.home() / '.profile').write_text('x')"
    ),
    "a working folder of its own": "monkeypatch.chdir(tmp_path)\nopen('x', 'w').close()",
    "a cache": (
        "import pathlib\nfolder = pathlib.Path.home() / '.cache' / 'fonts'\nfolder.mkdir(parents=True)\n"
        "(folder / 'x').write_text('x')"
    ),
    "nothing": "open('/dev/null', 'w').close()\nopen('/etc/hosts').close()",
}
CLEARS = "\n\ndef clear():\n    import pathlib, shutil\n    shutil.rmtree(pathlib.Path.home() / '.signs', ignore_errors=True)\n"


def as_whole_functions(tests: dict[str, str]) -> dict[str, dict[str, Any]]:
    return {name: {"source": RawTest("test_it", f"def test_it():\n    {SIGN}\n")} for name in tests}


async def judged(trial: Any, tests: dict[str, str]) -> dict[str, tuple[str, str]]:
    bodies = {f"t{number}": f"{body}\n{SIGN}" for number, body in enumerate(tests.values())}
    judgement = await trial.judge(bodies, read=as_whole_functions(bodies))
    verdicts = {verdict.candidate.id: verdict for verdict in judgement.verdicts}
    return {what: (verdicts[f"t{number}"].outcome, verdicts[f"t{number}"].reason) for number, what in enumerate(tests)}


async def test_who_changes_what_is_not_its_own_has_not_passed(trial: Any) -> None:
    source = (trial.workspace / "signs.py").read_text(encoding="utf-8")
    trial.write({"signs.py": source + CLEARS})
    found = await judged(trial, FOREIGN | OWN)
    assert {what: outcome for what, (outcome, _) in found.items()} == dict.fromkeys(FOREIGN, "failed") | dict.fromkeys(
        OWN, "passed"
    ), found
    assert all("not in its own temporary folder" in found[what][1] for what in FOREIGN), found


async def test_without_the_watch_it_would_have(trial: Any) -> None:
    trial.weaken("runner_places", "        sys.addaudithook(self._hear)\n", "")
    what = "deletes its home"
    assert (await judged(trial, {what: FOREIGN[what]}))[what] == ("passed", "")
