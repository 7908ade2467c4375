"""Which worlds a box takes and how it lays them out; environment; programs; choice."""

from __future__ import annotations

from pathlib import Path

import pytest

from testwright.boxes import bubblewrap, choose, programs
from testwright.boxes.choose import choose_box
from testwright.boxes.environment import box_environment, split_loader_variables
from testwright.boxes.mounts import world_mounts
from testwright.boxes.paths import check_world, existing_roots
from testwright.boxes.protocol import Command, Limits, Probe, World
from testwright.boxes.reaping import Registry
from testwright.errors import BoxFailure, BoxUnavailable, UsageError


@pytest.fixture
def world(tmp_path: Path) -> World:
    (tmp_path / "project").mkdir()
    (tmp_path / "snapshot").mkdir()
    return World(tmp_path / "project", tmp_path / "snapshot", ())


def with_roots(world: World, *roots: Path) -> World:
    return World(world.workspace, world.snapshot, roots)


@pytest.mark.parametrize(
    "root", ["/", "/proc", "/proc/self", "/dev", "/sys/kernel", "/run/user", "relative", "/usr/../etc"]
)
def test_roots_that_are_never_shown(world: World, root: str) -> None:
    with pytest.raises(BoxFailure):
        check_world(with_roots(world, Path(root)))


@pytest.mark.parametrize("level", [0, 1])
def test_the_home_and_what_holds_it_is_never_shown(
    world: World, tmp_path: Path, level: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "people" / "me"
    home.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    check_world(with_roots(world, home / ".local"))
    link = tmp_path / "link"
    link.symlink_to((home, *home.parents)[level])
    for root in ((home, *home.parents)[level], link):
        with pytest.raises(BoxFailure, match="home folder"):
            check_world(with_roots(world, root))


@pytest.mark.parametrize("workspace", ["/", "/tmp", "/etc", "/usr", "/proc/1"])
def test_folders_that_are_no_workspace(world: World, workspace: str) -> None:
    with pytest.raises(BoxFailure, match="cannot be the workspace"):
        check_world(World(Path(workspace), world.snapshot, ()))


def test_a_root_is_shown_once_and_where_it_really_is(world: World, tmp_path: Path) -> None:
    python = tmp_path / "pythons" / "3.12"
    (python / "lib" / "site-packages").mkdir(parents=True)
    link = tmp_path / "current"
    link.symlink_to(python)
    roots = existing_roots(with_roots(world, python / "lib" / "site-packages", python, link, tmp_path / "missing"))
    assert roots == sorted([python, link], key=lambda path: len(path.parts))


def test_a_folder_of_the_snapshot_is_not_shown_live(world: World) -> None:
    (world.workspace / "src").mkdir()
    (world.snapshot / "src").mkdir()
    (world.snapshot / "src" / "a.py").write_text("", "utf-8")
    assert existing_roots(with_roots(world, world.workspace, world.workspace / "src")) == []


def test_what_the_snapshot_lacks_is_shown_start_after_start(world: World) -> None:
    environment = world.workspace / ".venv"
    site = environment / "lib" / "site-packages"
    site.mkdir(parents=True)
    (world.workspace / "extra.pth").write_text("x", "utf-8")
    wanted = with_roots(world, site, environment, world.workspace / "extra.pth")
    for _ in range(2):
        options = world_mounts(wanted, foreign_user=False)
        assert options.count(str(environment)) == 2
        assert options.count(str(world.workspace / "extra.pth")) == 2
        assert (world.snapshot / ".venv").is_dir()
        assert list((world.snapshot / ".venv").iterdir()) == []


def test_a_root_around_the_workspace_lies_below_its_snapshot(world: World) -> None:
    environment = world.workspace / ".venv"
    environment.mkdir()
    wanted = with_roots(world, world.workspace.parent, environment)
    options = world_mounts(wanted, foreign_user=False)
    places = [options[at + 2] for at, word in enumerate(options) if word == "--ro-bind"]
    assert places == [str(world.workspace.parent), str(world.workspace), str(environment)]


def test_a_root_that_only_root_can_read_is_told(world: World, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(BoxFailure, match="readable for root alone") as raised:
        world_mounts(with_roots(world, closed), foreign_user=True)
    assert "chmod" in raised.value.next_step


def test_the_environment_holds_nothing_of_the_host(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/evil")
    monkeypatch.setenv("PYTHONPATH", "/evil")
    passing = World(world.workspace, world.snapshot, (), {"TZ": "passed", "A": "1"})
    environment = box_environment(passing, Command(("x",), environment={"A": "2"}), scratch=Path("/s"))
    assert "/evil" not in "".join(environment.values())
    assert environment["HOME"] == "/s/home"
    assert (environment["TZ"], environment["A"]) == ("passed", "2")


@pytest.mark.parametrize(("name", "value"), [("", "x"), ("A=B", "x"), ("A\0", "x"), ("A", "x\0")])
def test_variables_that_no_environment_can_hold(world: World, name: str, value: str) -> None:
    with pytest.raises(BoxFailure, match="cannot be passed"):
        box_environment(world, Command(("x",), environment={name: value}), scratch=Path("/s"))


def test_what_the_loader_reads_is_kept_from_programs_with_privileges() -> None:
    plain, loader = split_loader_variables({"LD_PRELOAD": "x", "GLIBC_TUNABLES": "y", "OLD_X": "z"})
    assert (plain, loader) == ({"OLD_X": "z"}, {"LD_PRELOAD": "x", "GLIBC_TUNABLES": "y"})


def test_programs_are_not_looked_up_by_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trap = tmp_path / "testwright-trap"
    trap.write_text("#!/bin/sh\n", "utf-8")
    trap.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert programs.system_program("testwright-trap") is None
    assert programs.system_program("sh") is not None


class Refusing:
    def __init__(self, reason: str) -> None:
        self.reason = reason

    async def probe(self) -> Probe:
        return Probe(usable=False, detail=self.reason, next_step=f"Mend {self.reason}.")


async def test_auto_never_takes_none_and_tells_every_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        choose, "_AUTOMATIC", {"bubblewrap": lambda: Refusing("one"), "landlock": lambda: Refusing("two")}
    )
    with pytest.raises(BoxUnavailable) as raised:
        await choose_box("auto")
    assert "bubblewrap: one. landlock: two." in raised.value.message
    assert raised.value.next_step == "Mend one. Mend two."


async def test_a_named_box_is_never_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose, "_AUTOMATIC", {**choose._AUTOMATIC, "bubblewrap": lambda: Refusing("one")})
    with pytest.raises(BoxUnavailable, match="one"):
        await choose_box("bubblewrap")
    with pytest.raises(UsageError, match="no box named docker"):
        await choose_box("docker")  # type: ignore[arg-type]
    assert (await choose_box("none")).name == "none"


async def test_a_host_without_bubblewrap(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    monkeypatch.setattr(bubblewrap, "bubblewrap_programs", list[Path])
    box = bubblewrap.BubblewrapBox()
    assert not (await box.probe()).usable
    with pytest.raises(BoxUnavailable, match="no bubblewrap"):
        await box.start(world, Command(("/bin/true",)))


async def test_a_host_that_forbids_namespaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refusing = tmp_path / "bwrap"
    refusing.write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n", "utf-8")
    refusing.chmod(0o755)
    monkeypatch.setenv("TESTWRIGHT_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr(bubblewrap, "bubblewrap_programs", lambda: [refusing])
    probe = await bubblewrap.BubblewrapBox().probe()
    assert not probe.usable
    assert "uid map" in probe.detail
    assert "apparmor" in probe.next_step


async def test_a_bubblewrap_that_does_not_close_its_box_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TESTWRIGHT_STATE_DIR", str(tmp_path / "state"))
    honest = bubblewrap.BubblewrapBox._options

    def shared(self: bubblewrap.BubblewrapBox, world: World, limits: Limits) -> list[str]:
        options = honest(self, world, limits)
        share = ["--share-net"] if "--unshare-all" in options else []
        return [word for word in options if word != "--unshare-net"] + share

    if not (await bubblewrap.BubblewrapBox().probe()).usable:
        pytest.skip("bubblewrap does not work here")
    monkeypatch.setattr(bubblewrap.BubblewrapBox, "_options", shared)
    probe = await bubblewrap.BubblewrapBox().probe()
    assert not probe.usable
    assert "does not close its box" in probe.detail


async def test_a_box_that_cannot_be_made_says_why(world: World, tmp_path: Path) -> None:
    box = bubblewrap.BubblewrapBox(Registry(tmp_path / "state"))
    if not (await box.probe()).usable:
        pytest.skip("bubblewrap does not work here")
    impossible = World(Path("/usr/testwright-nowhere"), world.snapshot, ())
    process = await box.start(impossible, Command(("/bin/true",)))
    async with process:
        with pytest.raises(BoxFailure, match="testwright-nowhere"):
            await process.wait()
