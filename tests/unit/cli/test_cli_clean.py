from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from testwright.boxes.docker.reaping import Containers
from testwright.boxes.reaping import Reaped, Registry
from testwright.housekeeping import ASIDE, LEDGER, MARKER, STALE_SECONDS, STORE, cache_dir, state_dir
from testwright.provisioning.agent_environment import FOLDER
from testwright.provisioning.holding import held
from testwright.provisioning.images.names import MadeImage
from testwright.store import Store
from testwright.store.ledger import Ledger

from .test_cli_runs import noted

if TYPE_CHECKING:
    from testwright.provisioning.images.names import Contents


@pytest.fixture
def private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders of this test's own, and an engine that never answers; what is on a real one: tests/boxes/docker."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.setenv("TESTWRIGHT_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("TESTWRIGHT_STATE_DIR", str(tmp_path / "state"))
    return tmp_path


def test_all_is_removed_and_named(testwright: Any, private: Path) -> None:
    (cache_dir() / "overlay").mkdir()
    (cache_dir() / "overlay" / "file").write_text("x" * 2048)
    state_dir()
    scratch = private / "tmp" / f"testwright-run-{'0' * 32}"
    scratch.mkdir()
    os.utime(scratch, (0, scratch.stat().st_mtime - STALE_SECONDS - 1))
    outcome = testwright("clean")
    assert outcome.code == 0
    lines = outcome.stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [["Removed", "cache"], ["Removed", "state"], ["Removed", "scratch"]]
    assert "(2.1 KiB)" in lines[0]
    assert sorted(path.name for path in private.iterdir()) == ["tmp"]
    assert list((private / "tmp").iterdir()) == []
    assert testwright("clean").stdout == "Nothing is kept outside the workspace.\n"


async def test_what_a_set_up_of_the_agent_needs_is_left(testwright: Any, private: Path) -> None:
    async with held(cache_dir() / FOLDER, lambda: None):
        outcome = await asyncio.to_thread(testwright, "clean")
    assert outcome.stdout.startswith("Left cache ")
    assert "the agent is being set up there" in outcome.stdout
    assert (cache_dir() / FOLDER).is_dir()
    (cache_dir() / MARKER).unlink()  # what is in the folder is known for ours all the same
    outcome = await asyncio.to_thread(testwright, "clean")
    assert outcome.stdout.startswith("Removed cache ")
    assert ", with the agent that was set up)" in outcome.stdout


@pytest.mark.parametrize("runs", [1, 2])
def test_what_goes_with_the_state_is_said(testwright: Any, private: Path, runs: int) -> None:
    for number in range(runs):
        noted(state_dir(), f"{number:016}", tests=2)
    words = "a run that was" if runs == 1 else "2 runs that were"
    assert f", with what {words} cut off had proven)" in testwright("clean", "--dry-run").stdout
    assert testwright("clean").stdout.startswith("Removed state ")
    assert not (private / "state").exists()


def test_an_engine_that_does_not_answer_is_told_where_there_may_be_images(testwright: Any, private: Path) -> None:
    if not any(Path(folder, "docker").exists() for folder in os.environ["PATH"].split(os.pathsep)):
        pytest.skip("there is no docker program")
    assert "images" not in testwright("clean", "--dry-run").stdout
    (cache_dir() / FOLDER).mkdir()
    outcome = testwright("clean")
    assert outcome.code == 0
    assert "Left images of the agent, if there are any: The Docker engine does not answer" in outcome.stdout


def test_what_is_on_the_engine_is_named(testwright: Any, private: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine is asked for real in tests/boxes/docker; here it is what comes of its answers."""

    async def containers(_: object) -> Containers:
        return Containers(held=(), left=("testwright-stays",))

    async def images(_: object) -> tuple[MadeImage, ...]:
        return (MadeImage("testwright-agent:1", cast("Contents", None), 3 * 2**30, {}),)

    async def reaped(*_: object, **__: object) -> Reaped:
        return Reaped(0, (), ("testwright-gone", "testwright-stays"))

    for name, function in (("find_containers", containers), ("list_images", images), ("reap_all", reaped)):
        monkeypatch.setattr(f"testwright.cli.cleaning.{name}", function)
    monkeypatch.setattr("testwright.cli.cleaning.DockerClient.find", lambda *_: None)
    outcome = testwright("clean")
    assert outcome.code == 0
    assert outcome.stdout.splitlines() == [
        "Left container testwright-stays: the Docker engine would not remove it.",
        "Removed container testwright-gone, which a crash had left",
        "Left image testwright-agent:1 (3.0 GiB): `testwright setup docker --remove` removes it.",
    ]


def test_what_is_kept_of_earlier_runs_is_removed(testwright: Any, private: Path) -> None:
    with Store.open(state_dir()) as store:
        store.save_report(Path("/work/cart.py"), None, "{}", None)
        (state_dir() / STORE).rename(state_dir() / (STORE + ASIDE))
        store.save_report(Path("/work/cart.py"), None, "{}", None)
        (state_dir() / MARKER).unlink()  # what is in the folder is known for ours all the same
        outcome = testwright("clean")
        assert outcome.code == 0
        assert outcome.stdout.startswith("Removed state ")
        assert not (private / "state").exists()
        assert store.last_report() is None


def test_what_is_known_of_models_is_removed_and_consent_with_it(testwright: Any, private: Path) -> None:
    workspace = Path("/work")
    with Ledger.open(state_dir()) as ledger:
        ledger.give_consent(workspace, destination="openrouter.ai", data_collection="deny", now=1.0)
        (state_dir() / LEDGER).rename(state_dir() / (LEDGER + ASIDE))
        ledger.give_consent(workspace, destination="openrouter.ai", data_collection="deny", now=2.0)
        (state_dir() / MARKER).unlink()  # what is in the folder is known for ours all the same
        outcome = testwright("clean")
        assert outcome.code == 0
        assert outcome.stdout.startswith("Removed state ")
        assert not (private / "state").exists()
        assert ledger.consent(workspace) is None


def test_a_dry_run_removes_nothing(testwright: Any, private: Path) -> None:
    cache_dir()
    outcome = testwright("clean", "--dry-run")
    assert outcome.code == 0
    assert outcome.stdout.startswith("Would remove cache ")
    assert (private / "cache").is_dir()


def test_what_a_run_holds_stays(testwright: Any, private: Path) -> None:
    cache_dir()
    with Registry.default().private_folder(private / "tmp", "run") as folder:
        os.utime(folder, (0, 0))
        outcome = testwright("clean")
        assert outcome.code == 0
        assert [line.split()[:2] for line in outcome.stdout.splitlines()] == [
            ["Left", "cache"],
            ["Left", "state"],
            ["Left", "scratch"],
        ]
        assert folder.is_dir()


def test_what_a_crash_left_is_removed_at_once(testwright: Any, private: Path) -> None:
    crash = (
        "import os, sys, pathlib\n"
        "from testwright.boxes.reaping import Registry\n"
        "with Registry.default().private_folder(pathlib.Path(sys.argv[1]), 'run'):\n"
        "    os._exit(0)\n"
    )
    subprocess.run([sys.executable, "-c", crash, str(private / "tmp")], check=True)
    (left,) = (private / "tmp").iterdir()
    dry = testwright("clean", "--dry-run").stdout
    assert f"Would remove scratch {left}" in dry
    outcome = testwright("clean")
    assert f"Removed scratch {left}, which a crash had left" in outcome.stdout
    assert list((private / "tmp").iterdir()) == []
    assert not (private / "state").exists()


def test_a_removal_that_fails_is_told(testwright: Any, private: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    cache_dir()
    state_dir()
    monkeypatch.setattr("testwright.housekeeping.remove_tree", refuse)
    outcome = testwright("clean")
    assert outcome.code == 3
    assert "could not be removed: Permission denied." in outcome.stderr
    assert (private / "cache").is_dir()


def test_a_relative_folder_in_the_environment_is_wrong_usage(
    testwright: Any, private: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TESTWRIGHT_CACHE_DIR", "cache")
    outcome = testwright("clean")
    assert outcome.code == 2
    assert "not an absolute path" in outcome.stderr
