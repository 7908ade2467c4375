"""The real uv makes an environment of small wheels, and the real box imports it."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from setting_up import here
from wheelhouse import SDK

from testwright.boxes.reaping import Registry
from testwright.errors import BoxUnavailable, InterpreterError, SetupFailure
from testwright.housekeeping import cache_dir
from testwright.provisioning import agent_environment, installer, verify
from testwright.provisioning.agent_environment import remove, setup_is_running
from testwright.provisioning.holding import held
from testwright.provisioning.locks import Lock, read_lock
from testwright.provisioning.making import SEAL, TORN, sealed
from testwright.provisioning.progress import SetupProgress, Step

from .conftest import Stage

STEPS: tuple[Step, ...] = ("planning", "fetching", "checking", "compiling", "trying")
CHILD = Path(__file__).parents[1] / "support" / "setting_up.py"


def site_of(folder: Path) -> Path:
    return verify.site_packages(folder, here())


def start(*argv: str | Path, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(argv, env=environ, check=False, capture_output=True, timeout=120)


def sleeper(hold: int) -> subprocess.Popen[bytes]:
    """A program that lives until it is told something, and holds the lock as long."""
    return subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=(hold,))


def found(stage: Stage) -> agent_environment.AgentEnvironment | None:
    return agent_environment._find_in(stage.agents, read_lock(stage.house.lock), None)


async def test_it_is_made_whole_and_found(stage: Stage) -> None:
    made = await stage.set_up()

    assert stage.steps == ["planning", "fetching", "installing", "checking", "compiling", "trying", "done"]
    fetched = [(event.done, event.total) for event in stage.told if event.step in ("fetching", "installing")]
    assert fetched[-1] == (2, 2), "of the packages that are for this platform"
    assert made == found(stage)
    assert (made.sdk, made.python_version, made.notes) == ("1.0", platform.python_version(), ())
    assert made.folder.name == f"1.0-{here()}-{read_lock(stage.house.lock).digest}"
    assert made.folder in made.roots
    assert any(Path(sys.base_prefix).resolve().is_relative_to(root) for root in made.roots)
    assert made.size > 0
    assert list(site_of(made.folder).glob("openhands/sdk/__pycache__/__init__.*.pyc")), "compiled"
    assert stage.left() == {made.folder.name}


async def test_nothing_that_was_installed_runs_outside_a_box(stage: Stage, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    tmp_path.chmod(0o777)  # the box's user could write there, were it not a box
    touch = f"open({str(canary)!r}, 'w').close()"
    stage.house.add("evil", {"evil.pth": f"import os; {touch}\n", "evil.py": touch})
    made = await stage.set_up()
    assert (site_of(made.folder) / "evil.pth").is_file()
    assert not canary.exists()

    start(made.python, "-c", "")
    assert canary.exists(), "outside a box it would have been written"


async def test_what_is_there_is_taken_without_starting_anything(stage: Stage) -> None:
    made = await stage.set_up()
    stage.told.clear()
    stage.environ.update(PATH="", PIP_FIND_LINKS="/nowhere")
    assert await stage.set_up() == made
    assert stage.steps == ["done"]


@pytest.mark.parametrize("step", STEPS)
async def test_a_set_up_that_was_killed_is_taken_up_again(stage: Stage, step: Step) -> None:
    killed = start(sys.executable, CHILD, stage.house.lock, step, environ=stage.environ)
    assert killed.returncode == -9, killed.stderr
    assert found(stage) is None
    assert [name for name in stage.left() if name.endswith(TORN)]

    made = await stage.set_up()
    assert made == found(stage)
    assert stage.left() == {made.folder.name}, "what was torn is gone"
    if STEPS.index(step) > STEPS.index("fetching"):
        missing = next(event.total for event in stage.told if event.step in ("fetching", "installing"))
        assert missing == 0 or "fetching" not in stage.steps, "what was fetched is not fetched again"


@pytest.mark.parametrize("step", STEPS)
async def test_a_set_up_that_is_cancelled_leaves_nothing(stage: Stage, step: Step) -> None:
    reached = asyncio.Event()
    work = asyncio.create_task(stage.set_up(lambda event: reached.set() if event.step == step else None))
    await reached.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert stage.left() == set()
    assert not setup_is_running(stage.environ), "no program of it is alive, since it would hold the lock"
    await stage.set_up()


async def test_two_at_once_wait_for_one_another(stage: Stage) -> None:
    first, second = await asyncio.gather(stage.set_up(), stage.set_up())
    assert first == second
    assert [event.step for event in stage.told].count("waiting") == 1
    assert [event.step for event in stage.told].count("trying") == 1, "made once"


async def test_a_program_that_outlives_its_set_up_is_waited_for(stage: Stage) -> None:
    folder = cache_dir(stage.environ) / agent_environment.FOLDER
    async with held(folder, lambda: None) as hold:
        child = sleeper(hold)
    assert setup_is_running(stage.environ)
    waiting = asyncio.Event()
    work = asyncio.create_task(stage.set_up(lambda event: waiting.set() if event.step == "waiting" else None))
    await waiting.wait()
    child.communicate(b"\n")
    await work
    assert not setup_is_running(stage.environ)


async def test_each_program_holds_the_lock_until_it_has_ended(stage: Stage, tmp_path: Path) -> None:
    folder = cache_dir(stage.environ) / agent_environment.FOLDER
    sign = tmp_path / "started"
    program = f"import pathlib, time; pathlib.Path({str(sign)!r}).touch(); time.sleep(600)"
    async with held(folder, lambda: None) as hold:
        work = asyncio.create_task(installer.run((sys.executable, "-c", program), {}, tmp_path, 600, hold))
        while not sign.exists():  # noqa: ASYNC110 - another process makes it
            await asyncio.sleep(0.02)
    assert setup_is_running(stage.environ)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert not setup_is_running(stage.environ)


async def test_a_program_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    with pytest.raises(SetupFailure, match="took more than 0 minutes and was ended"):
        await installer.run((sys.executable, "-c", "import time; time.sleep(600)"), {}, tmp_path, 0.1, None)


async def test_it_is_made_anew_when_its_python_has_gone(stage: Stage) -> None:
    made = await stage.set_up()
    made.python.unlink()
    made.python.symlink_to("/nowhere/python")
    assert found(stage) is None
    assert await stage.set_up() == made


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / SEAL).write_text("{}"),
        lambda folder: (folder / SEAL).write_text("[]"),
        lambda folder: (folder / SEAL).write_bytes(b"\xff"),
        lambda folder: shutil.rmtree(next(site_of(folder).glob(f"{SDK}-*.dist-info"))),
    ],
    ids=["empty seal", "no object", "no text", "package gone"],
)
async def test_what_is_damaged_is_not_found_and_made_anew(stage: Stage, damage: object) -> None:
    made = await stage.set_up()
    assert callable(damage)
    damage(made.folder)
    assert found(stage) is None
    assert await stage.set_up() == made


async def test_an_older_lock_makes_way(stage: Stage) -> None:
    old = await stage.set_up()
    stage.house.add("more", {"more.py": ""})
    new = await stage.set_up()
    assert new.folder != old.folder
    assert stage.left() == {new.folder.name}


# ------------------------------------------------------------------------------------------------ what goes wrong


async def refused(stage: Stage, *, needed: int = 0) -> SetupFailure:
    with pytest.raises(SetupFailure) as caught:
        await stage.set_up(needed=needed)
    assert stage.left() == set(), "nothing half done is left"
    assert found(stage) is None
    assert caught.value.next_step
    return caught.value


async def test_a_package_that_is_not_the_locked_one(stage: Stage) -> None:
    lines = list(stage.house.lines)
    stage.house.add(SDK, {"openhands/sdk/__init__.py": "EVIL = 1\n"})
    stage.house.lines = lines
    assert "not the one that was locked" in (await refused(stage)).message


async def test_a_lock_without_a_hash(stage: Stage) -> None:
    stage.house.lines[0] = stage.house.lines[0].partition(" \\")[0]
    assert "must have a hash" in (await refused(stage)).message


async def test_a_package_that_the_index_does_not_have(stage: Stage) -> None:
    stage.house.name_only("nowhere")
    error = await refused(stage)
    assert "does not have a package" in error.message
    assert "nowhere" in error.message


async def test_a_disk_without_room(stage: Stage) -> None:
    error = await refused(stage, needed=1 << 60)
    assert f"{(1 << 60) // 1_000_000} MB are needed" in error.message
    assert stage.steps == []


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a small disk")
async def test_a_disk_that_becomes_full(stage: Stage) -> None:
    stage.house.add("large", {f"large{number}.py": os.urandom(600_000).hex() for number in range(8)})
    stage.agents.parent.mkdir()
    assert start("mount", "-t", "tmpfs", "-o", "size=6m", "none", stage.agents.parent).returncode == 0
    try:
        error = await refused(stage)
        assert "The disk is full." in error.message
        assert "Make room" in error.next_step
    finally:
        start("umount", "-l", stage.agents.parent)


async def test_an_sdk_that_cannot_be_imported(stage: Stage) -> None:
    stage.house.lines.clear()
    stage.house.add(SDK, {"openhands/sdk/__init__.py": "raise OSError('no such luck')\n"})
    error = await refused(stage)
    assert "cannot be imported in the box" in error.message
    assert "no such luck" in error.message


async def test_without_a_box_it_is_not_tried_and_that_is_told(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async def none(_: str) -> None:
        raise BoxUnavailable("Forbidden here.", next_step="Allow it.")

    monkeypatch.setattr("testwright.provisioning.trial.choose_box", none)
    made = await stage.set_up()
    assert made.notes == ("The import was not tried, since it may only run in a box: Forbidden here.",)
    assert found(stage) == made


async def test_an_index_that_cannot_be_reached(stage: Stage) -> None:
    del stage.environ["PIP_NO_INDEX"], stage.environ["PIP_FIND_LINKS"]
    stage.environ.update(PIP_INDEX_URL="http://ada:secret-word@127.0.0.1:1/simple", UV_HTTP_RETRIES="0")
    error = await refused(stage)
    assert "could not be reached" in error.message
    assert "secret-word" not in f"{error}{error!r}"


async def test_a_package_whose_files_are_missing(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    real = installer.Installer.install

    async def torn(self: installer.Installer, environment: Path, lock: Lock) -> None:
        await real(self, environment, lock)
        (site_of(environment) / "openhands" / "sdk" / "__init__.py").unlink()

    monkeypatch.setattr(installer.Installer, "install", torn)
    assert "openhands/sdk/__init__.py is missing" in (await refused(stage)).message


# ------------------------------------------------------------------------------------------------ which programs


async def test_no_uv_of_the_workspace_is_started(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    canary = tmp_path / "canary"
    own = Path(stage.environ["PATH"], "uv")
    planted, linked, script, relative = (
        folder / "uv"
        for folder in (stage.workspace / "bin", tmp_path / "linked", tmp_path / "shims", tmp_path / "here")
    )
    for program in (planted, linked, script, relative):
        program.parent.mkdir()
    shutil.copy(own, planted)
    linked.symlink_to(planted)
    relative.symlink_to(own)
    script.write_text(f'#!/bin/sh\ntouch {canary}\nexec {own} "$@"\n')
    script.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    folders = ["here", "workspace/bin", str(planted.parent), str(linked.parent), str(script.parent)]
    stage.environ["PATH"] = os.pathsep.join(folders)
    assert await installer.find_uv(stage.workspace, stage.environ, tmp_path) is None
    stage.environ["PATH"] = os.pathsep.join([*folders, str(own.parent)])
    assert await installer.find_uv(stage.workspace, stage.environ, tmp_path) == own
    assert not canary.exists()


async def test_a_uv_that_is_too_old_or_does_not_run_is_passed_over(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = stage.environ["PATH"]
    broken = tmp_path / "broken" / "uv"
    broken.parent.mkdir()
    broken.write_bytes(b"no program")
    broken.chmod(0o755)
    stage.environ["PATH"] = os.pathsep.join([str(broken.parent), own])
    assert await installer.find_uv(stage.workspace, stage.environ, tmp_path) == Path(own, "uv")
    monkeypatch.setattr(installer, "OLDEST_UV", (99, 0))
    assert await installer.find_uv(stage.workspace, stage.environ, tmp_path) is None


async def test_without_uv_the_locked_one_is_brought_by_pip(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path(stage.environ["PATH"], "uv")
    house = type(stage.house)(stage.house.folder.parent / "tools")
    house.add("uv", {"uv-1.0.data/scripts/uv": f'#!/bin/sh\nexec {real} "$@"\n'})
    monkeypatch.setattr(installer, "UV_LOCK", house.lock)
    stage.environ.update(PATH="", PIP_FIND_LINKS=f"{stage.house.folder} {house.folder}")
    made = await stage.set_up()
    assert stage.steps[0] == "bringing-uv"
    brought = {name for name in stage.left() if name.startswith(".uv-")}
    assert brought == {f".uv-{read_lock(house.lock).digest}"}

    made.python.unlink()
    stage.told.clear()
    stage.environ["PIP_FIND_LINKS"] = str(stage.house.folder)
    await stage.set_up()
    assert stage.told, "and is there the next time"


async def test_without_uv_and_pip_the_next_step_is_told(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("testwright.provisioning.making.running_pythons", lambda _: (Path("/usr/bin/false"),))
    stage.environ["PATH"] = ""
    error = await refused(stage)
    assert "neither uv on PATH nor pip" in error.message
    assert "Install uv" in error.next_step


async def test_a_python_of_the_workspace_is_not_started(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    planted = stage.workspace / "own"
    for name in ("bin", "lib"):
        (planted / name).mkdir(parents=True)
    base = Path(sys.base_prefix)
    shutil.copy(os.path.realpath(sys.executable), planted / "bin" / f"python{here()}")
    (planted / "lib" / f"python{here()}").mkdir()
    shutil.copy(base / "lib" / f"python{here()}" / "os.py", planted / "lib" / f"python{here()}")
    monkeypatch.setattr(sys, "executable", str(planted / "bin" / f"python{here()}"))
    with pytest.raises(InterpreterError, match="lies in the workspace"):
        await stage.set_up()


# ------------------------------------------------------------------------------------------------ removing


def ignore(_: SetupProgress) -> None:
    return


async def test_removing_takes_all_away(stage: Stage) -> None:
    made = await stage.set_up()
    assert await remove(tell=ignore, environ=stage.environ) == (made.folder,)
    assert list(sealed(stage.agents)) == []
    assert stage.left() == set()
    assert not (stage.agents / ".uv-cache").exists()
    assert await remove(tell=ignore, environ=stage.environ) == ()
    assert await stage.set_up() == made


async def test_removing_one_keeps_the_other(stage: Stage) -> None:
    made = await stage.set_up()
    assert await remove("newest", tell=ignore, environ=stage.environ) == ()
    assert found(stage) == made
    assert (stage.agents / ".uv-cache").is_dir()


async def test_nothing_is_removed_while_a_run_may_use_it(stage: Stage, tmp_path: Path) -> None:
    made = await stage.set_up()
    with (
        Registry.default().private_folder(tmp_path / "tmp", "run"),
        pytest.raises(SetupFailure, match="A run is going on"),
    ):
        await remove(tell=ignore, environ=stage.environ)
    assert found(stage) == made


async def test_the_seal_tells_what_was_installed(stage: Stage) -> None:
    made = await stage.set_up()
    seal = json.loads((made.folder / SEAL).read_text())
    assert seal | {"bytes": 0} == {
        "format": 1,
        "sdk": "1.0",
        "python": platform.python_version(),
        "lock": read_lock(stage.house.lock).digest,
        "packages": 2,
        "bytes": 0,
        "notes": [],
    }
