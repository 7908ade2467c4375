"""Real editors on a real module: Neovim and Emacs, each with the configuration that the documents tell a user."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Protocol

import pytest
from emacs_driver import Emacs, StartEmacs
from neovim_driver import Neovim, StartNeovim
from real_project import RealProject
from surroundings import Surroundings, configuration, emacs_program, neovim_program


class HasLog(Protocol):
    """An editor."""

    @property
    def log(self) -> str:
        """What it and the server have logged."""
        ...


EDITORS = pytest.StashKey[list[HasLog]]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("editors")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        for editor in item.stash.get(EDITORS, []):
            report.sections.append(("log of the editor and the server", editor.log[-20_000:]))
    return report


@pytest.fixture
def surroundings(tmp_path: Path) -> Surroundings:
    made = Surroundings(tmp_path)
    made.temporary.mkdir()
    return made


@pytest.fixture
def project(tmp_path: Path) -> RealProject:
    return RealProject.make(tmp_path / "project")


@pytest.fixture
def neovim(request: pytest.FixtureRequest, surroundings: Surroundings, project: RealProject) -> Iterator[StartNeovim]:
    """Start Neovim; given are Lua that the user has added to the documented configuration, and variables."""
    program = neovim_program()
    if program is None:
        pytest.skip("Neovim is not there: run .ci/install-editors")
    started: list[Neovim] = []
    request.node.stash[EDITORS] = started

    def start(more: str = "", **variables: str) -> Neovim:
        config, environment = configuration("lua") + more, surroundings.environment(**variables)
        editor = Neovim(program, config, surroundings.folder / "nvim", environment, project.root)
        started.append(editor)
        editor.wait_until_ready()
        return editor

    yield start
    for editor in started:
        editor.close()
    surroundings.wait_until_nothing_runs()


@pytest.fixture
def emacs(request: pytest.FixtureRequest, surroundings: Surroundings, project: RealProject) -> Iterator[StartEmacs]:
    """Start Emacs; what is given is Emacs Lisp that the user has added to the documented configuration."""
    program = emacs_program()
    if program is None:
        pytest.skip("Emacs with eglot is not there: run .ci/install-editors")
    started: list[Emacs] = []
    request.node.stash[EDITORS] = started

    def start(more: str = "") -> Emacs:
        config = configuration("elisp") + more
        editor = Emacs(program, config, surroundings.folder / "emacs", surroundings.environment(), project.root)
        started.append(editor)
        editor.wait_until_ready()
        return editor

    yield start
    for editor in started:
        editor.close()
    surroundings.wait_until_nothing_runs()
