"""A small project in a real box, for the judge to work on."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from testwright.boxes.bubblewrap import BubblewrapBox
from testwright.boxes.protocol import World
from testwright.boxes.session import INSIDE_NAME, Session, install_inside
from testwright.boxes.snapshot import make_snapshot
from testwright.judge.importing import ImportCheck, check_import
from testwright.judge.stability import Judgement, judge_candidates
from testwright.model import Candidate, CoverageSets, Import, Project, Style, Target, Verdict

SOURCE = """\
def sign(number):
    if number < 0:
        return -1
    if number > 0:
        return 1
    return 0
"""


class File(NamedTuple):
    text: str
    names: Mapping[str, str]
    skipped: Mapping[str, str]


class Trial:
    """A workspace with a module ``signs``, an interpreter, and what the judge says of tests of it."""

    def __init__(self, root: Path, overlay: Path) -> None:
        root.chmod(0o755)
        self.root = root
        self.overlay = overlay
        self.workspace = root / "work space é"
        self.workspace.mkdir()
        self.python = own_interpreter()
        self.weakened: list[tuple[str, str, str]] = []
        self.write({"signs.py": SOURCE})

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.workspace / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def weaken(self, module: str, measure: str, instead: str) -> None:
        """Take a measure out of the programs in the box, to show that a test notices."""
        self.weakened.append((module, measure, instead))

    def session(self) -> Session:
        snapshot = self.root / f"snapshot-{time.monotonic_ns()}"
        make_snapshot(self.workspace, snapshot)
        library = self.root / f"library-{time.monotonic_ns()}"
        install_inside(library)
        for module, measure, instead in self.weakened:
            path = library / INSIDE_NAME / f"{module}.py"
            text = path.read_text(encoding="utf-8")
            assert text.count(measure) == 1, f"{measure!r} is not in {module}.py exactly once"
            path.write_text(text.replace(measure, instead), encoding="utf-8")
        prefixes = dict.fromkeys((self.python.parent.parent, Path(self.python.resolve()).parent.parent))
        world = World(self.workspace, snapshot, (*prefixes, library, self.overlay))
        return Session(BubblewrapBox(), world, self.python, library, self.overlay, (self.workspace,))

    def target(self, module: str = "signs") -> Target:
        path = self.workspace / (module.replace(".", "/") + ".py")
        text = path.read_text(encoding="utf-8")
        return Target(self.workspace, path, module, self.workspace, None, 1, text.count("\n"), text)

    def project(self) -> Project:
        tests = self.workspace / "tests"
        return Project(self.workspace, (self.workspace,), (tests,) if tests.is_dir() else (), None, Style())

    async def check(self, module: str = "signs", *, seconds: float = 60.0) -> ImportCheck:
        return await check_import(self.session(), self.target(module), seconds=seconds)

    async def goals(self, module: str = "signs") -> CoverageSets:
        return (await self.check(module)).coverage

    async def judge(
        self,
        tests: Mapping[str, str],
        *,
        imports: str = "from signs import sign",
        test_seconds: float = 20.0,
        seconds: float = 120.0,
        module: str = "signs",
        read: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Judgement:
        """Judge functions given by their bodies; what is read of them beforehand is harmless, or changed by ``read``."""
        candidates = [
            replace(
                Candidate(
                    name,
                    "sign",
                    "",
                    (),
                    "sign(1)",
                    "result",
                    ("result == 1",),
                    None,
                    None,
                    (Import("signs", "sign"),),
                    (),
                    "x",
                ),
                **(read or {}).get(name, {}),
            )
            for name in tests
        ]
        text = imports + "\n\n"
        for name, body in tests.items():
            signature = ", ".join(
                fixture
                for fixture in ("tmp_path", "monkeypatch", "capsys", "request", "project_fixture")
                if fixture in body
            )
            text += f"def test_{name}({signature}):\n" + "".join(f"    {line}\n" for line in body.splitlines()) + "\n"
        return await judge_candidates(
            self.session(),
            self.target(module),
            self.workspace / "tests",
            candidates,
            File(text, {f"test_{name}": name for name in tests}, {}),
            await self.goals(module),
            seed=0,
            deadline=time.monotonic() + seconds,
            test_seconds=test_seconds,
        )

    async def verdicts(self, tests: Mapping[str, str], **options: Any) -> dict[str, Verdict]:
        judgement = await self.judge(tests, **options)
        return {verdict.candidate.id: verdict for verdict in judgement.verdicts}


def own_interpreter() -> Path:
    return Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"


def other_interpreters() -> list[Path]:
    """Further versions that we support, where the machine keeps them in folders beside our own."""
    own = Path(sys.base_prefix)
    found = {path.parent.parent.name.rpartition(".")[0]: path for path in own.parent.glob("3.*/bin/python")}
    return [path for version, path in sorted(found.items()) if version in ("3.10", "3.12", "3.13", "3.14")]


@pytest.fixture
def trial(tmp_path: Path, overlay: Path) -> Trial:
    return Trial(tmp_path, overlay)


@pytest.fixture(
    params=[
        pytest.param(path, marks=pytest.mark.interpreters, id=path.parent.parent.name) for path in other_interpreters()
    ]
    or [pytest.param(None, marks=[pytest.mark.interpreters, pytest.mark.skip(reason="no further Python here")])]
)
def other_python(request: pytest.FixtureRequest, trial: Trial) -> Path:
    trial.python = request.param
    return trial.python
