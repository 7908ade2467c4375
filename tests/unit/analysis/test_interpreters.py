from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from testwright.analysis.environments import poetry_environment_name
from testwright.analysis.interpreters import find_interpreter
from testwright.errors import InterpreterError
from testwright.model import Interpreter

Tree = Callable[[Mapping[str, str | bytes]], Path]

PROGRAM = b"\x7fELF\x02\x01\x01"


class Machine:
    """A home with installations and environments, made of empty files: nothing in it can be started."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = root / "home/user"
        self.workspace = self.home / "work/acme"
        self.workspace.mkdir(parents=True)
        self.running = self.environment(self.root / "tools/testwright", self.install("opt/python3.11", "3.11.7"))
        self.environ: dict[str, str] = {"HOME": str(self.home), "PATH": ""}

    def install(self, name: str, version: str, *, header: bool = True) -> Path:
        """An installation; returns its program."""
        prefix = self.root / name
        major_minor = ".".join(version.split(".")[:2])
        write(prefix / f"lib/python{major_minor}/os.py")
        write(prefix / f"lib/python{major_minor}/site-packages/pip.py")
        if header:
            text = f'/* a header */\n#define PY_VERSION              "{version}"\n'
            write(prefix / f"include/python{major_minor}/patchlevel.h", text.encode())
        program = write(prefix / f"bin/python{major_minor}", PROGRAM)
        program.chmod(0o755)
        for alias in ("python3", "python"):
            (prefix / "bin" / alias).symlink_to(program.name)
        return program

    def environment(self, folder: Path, base: Path, *, version: str | None = None, settings: str = "") -> Path:
        """A virtual environment; returns its executable."""
        major_minor = base.name.removeprefix("python")
        version = version or f"{major_minor}.1"
        text = f"home = {base.parent}\ninclude-system-site-packages = false\nversion = {version}\n{settings}"
        write(folder / "pyvenv.cfg", text.encode())
        write(folder / f"lib/python{major_minor}/site-packages/pytest.py")
        (folder / "bin").mkdir(exist_ok=True)
        (folder / "bin/python").symlink_to(base)
        (folder / "bin/python3").symlink_to("python")
        return folder / "bin/python"

    def find(self, explicit: Path | None = None) -> Interpreter:
        return find_interpreter(
            self.workspace,
            explicit=explicit,
            environ=self.environ,
            running=self.running,
            running_prefix=self.running.parent.parent,
        )


def write(path: Path, data: bytes = b"") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path.resolve())


# ------------------------------------------------------------------------------------------------ the order


def test_an_environment_in_the_workspace(machine: Machine) -> None:
    base = machine.install("opt/python3.12", "3.12.4")
    executable = machine.environment(machine.workspace / ".venv", base, version="3.12.1")
    found = machine.find()
    assert found.executable == executable
    assert found.origin == ".venv"
    assert found.version == "3.12.4"  # the installation was updated since the environment was made
    assert found.environment == machine.workspace / ".venv"
    assert found.roots == (machine.root / "opt/python3.12", machine.workspace / ".venv")
    assert found.site_packages == (machine.workspace / ".venv/lib/python3.12/site-packages",)
    assert found.notes == ()


def test_the_order_of_the_places(machine: Machine) -> None:
    base = machine.install("opt/python3.12", "3.12.4")
    machine.environ["CONDA_PREFIX"] = str(machine.root / "conda/envs/active")
    conda_environment(machine, "conda/envs/active", "3.12.0")
    write(machine.workspace / "pyproject.toml", b'[tool.poetry]\nname = "Acme_Shop"\n')
    poetry = f"{poetry_environment_name('Acme_Shop', machine.workspace)}-py3.12"
    steps: list[tuple[str, Callable[[], object]]] = [
        ("CONDA_PREFIX", lambda: None),
        ("environment.yml", lambda: conda_named(machine)),
        ("Poetry", lambda: machine.environment(machine.home / ".cache/pypoetry/virtualenvs" / poetry, base)),
        ("venv", lambda: machine.environment(machine.workspace / "venv", base)),
        (".venv", lambda: machine.environment(machine.workspace / ".venv", base)),
        ("UV_PROJECT_ENVIRONMENT", lambda: variable(machine, "UV_PROJECT_ENVIRONMENT", "uv-env", base)),
        ("VIRTUAL_ENV", lambda: variable(machine, "VIRTUAL_ENV", str(machine.root / "active"), base)),
    ]
    for origin, add in steps:
        add()
        assert machine.find().origin == origin


def variable(machine: Machine, name: str, value: str, base: Path) -> None:
    machine.environment(machine.workspace / value, base)
    machine.environ[name] = value


def conda_environment(machine: Machine, name: str, version: str) -> Path:
    program = machine.install(name, version, header=False)
    write(machine.root / name / f"conda-meta/python-{version}-h12_0.json")
    return program.parent / "python"


def conda_named(machine: Machine) -> None:
    conda_environment(machine, "home/user/miniconda3/envs/acme", "3.12.8")
    write(machine.workspace / "environment.yml", b"# ours\nname: acme  # the shop\nchannels: []\nprefix: /etc\n")


def test_the_running_python_is_the_last_resort(machine: Machine) -> None:
    found = machine.find()
    assert found.executable == machine.running
    assert found.origin == "the Python that runs Testwright"
    assert found.version == "3.11.7"


def test_the_real_running_python_can_be_read(tmp_path: Path) -> None:
    found = find_interpreter(tmp_path, explicit=None, environ={"HOME": str(tmp_path)})
    assert found.executable == Path(sys.executable)
    assert found.version == ".".join(str(part) for part in sys.version_info[:3])


def test_a_virtual_env_that_is_testwrights_own_yields_to_the_workspaces(machine: Machine) -> None:
    machine.environ["VIRTUAL_ENV"] = str(machine.running.parent.parent)
    assert machine.find().executable == machine.running
    assert machine.find().notes == ()
    executable = machine.environment(machine.workspace / ".venv", machine.install("opt/python3.12", "3.12.4"))
    found = machine.find()
    assert found.executable == executable
    assert found.notes == (
        "VIRTUAL_ENV is the environment that Testwright runs in, so the workspace's own is taken instead.",
    )


def test_an_environment_above_in_the_same_repository(machine: Machine) -> None:
    base = machine.install("opt/python3.12", "3.12.4")
    executable = machine.environment(machine.workspace.parent / ".venv", base)
    assert machine.find().executable == machine.running  # no repository: what is above is none of ours
    (machine.workspace.parent / ".git").mkdir()
    assert machine.find().executable == executable


def test_a_venv_folder_that_is_a_package_is_passed_over(machine: Machine) -> None:
    write(machine.workspace / "venv/__init__.py")
    assert machine.find().executable == machine.running


def test_a_venv_that_is_a_file_names_the_environment(machine: Machine) -> None:
    base = machine.install("opt/python3.12", "3.12.4")
    executable = machine.environment(machine.home / ".local/share/virtualenvs/acme-x1", base)
    write(machine.workspace / ".venv", b"acme-x1\n")
    assert machine.find().executable == executable


def test_poetrys_active_version_and_its_configured_folder(machine: Machine) -> None:
    write(machine.workspace / "pyproject.toml", b'[project]\nname = "acme"\n')
    write(machine.workspace / "poetry.lock")
    write(machine.home / ".config/pypoetry/config.toml", b'[virtualenvs]\npath = "{cache-dir}/envs"\n')
    machine.environ["POETRY_CACHE_DIR"] = str(machine.root / "cache")
    name = poetry_environment_name("acme", machine.workspace)
    folder = machine.root / "cache/envs"
    for version in ("3.10", "3.12", "3.9"):
        machine.environment(folder / f"{name}-py{version}", machine.install(f"opt/python{version}", f"{version}.1"))
    assert machine.find().version == "3.12.1"
    write(folder / "envs.toml", f'["{name}"]\nminor = "3.10"\npatch = "3.10.1"\n'.encode())
    assert machine.find().version == "3.10.1"


def test_poetrys_name_of_an_environment() -> None:
    # made with poetry 1.8: hash of the path, folded name, 42 characters at most
    assert poetry_environment_name("Acme_Shop.Core", Path("/nowhere/acme")).startswith("acme-shop-core-")
    name = poetry_environment_name("x" * 60, Path("/nowhere/acme"))
    assert name.partition("-")[0] == "x" * 42
    assert len(name.partition("-")[2]) == 8


def test_python_version_is_looked_up_without_starting_anything(machine: Machine) -> None:
    machine.install("home/user/.pyenv/versions/3.12.1", "3.12.1")
    machine.install("home/user/.pyenv/versions/3.12.10", "3.12.10")
    write(machine.workspace / ".python-version", b"3.12\n")
    found = machine.find()
    assert found.executable == machine.home / ".pyenv/versions/3.12.10/bin/python"
    assert found.origin == ".python-version"
    write(machine.workspace / ".python-version", b"3.13\n")
    found = machine.find()
    assert found.executable == machine.running
    assert found.notes == (".python-version asks for 3.13, which was found neither with pyenv nor with uv.",)


@pytest.mark.parametrize("line", [b"../../../evil\n", b"/etc\n", b"a b\n"])
def test_python_version_is_no_path(machine: Machine, line: bytes) -> None:
    write(machine.workspace / ".python-version", line)
    assert machine.find().executable == machine.running


# ------------------------------------------------------------------------------------------------ explicit


def test_a_version_by_name_from_path_outside_the_workspace(machine: Machine) -> None:
    program = machine.install("opt/python3.12", "3.12.4")
    planted = machine.install("home/user/work/acme/bin-dir", "3.12.4")
    shim = write(machine.root / "shims/python3.12", b"#!/bin/sh\n")
    shim.chmod(0o755)
    folders = [planted.parent, shim.parent, Path("relative"), program.parent]
    machine.environ["PATH"] = os.pathsep.join(str(folder) for folder in folders)
    for name in ("python3.12", "3.12"):
        assert machine.find(Path(name)).executable == program
    with pytest.raises(InterpreterError, match=r"There is no python3\.13 on PATH"):
        machine.find(Path("python3.13"))


def test_a_version_by_name_from_pyenv_and_uv(machine: Machine) -> None:
    machine.install("home/user/.local/share/uv/python/cpython-3.13.1-linux-x86_64-gnu", "3.13.1")
    assert machine.find(Path("3.13")).version == "3.13.1"
    machine.install("home/user/.pyenv/versions/3.13.0", "3.13.0")
    assert machine.find(Path("python3.13")).version == "3.13.0"


def test_an_environments_folder_or_executable(machine: Machine) -> None:
    executable = machine.environment(machine.root / "envs/dev", machine.install("opt/python3.12", "3.12.4"))
    for explicit in (executable, executable.parent.parent, executable.with_name("python3")):
        found = machine.find(explicit)
        assert found.environment == machine.root / "envs/dev"
        assert found.origin == "--python"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("folder", "is a folder and no virtual environment"),
        ("gone", "is broken: there is no such file"),
        ("dangling", "is a link to "),
        ("script", "is a script that starts an interpreter"),
        ("ls", "is ls, and no Python by its name"),
        ("lonely/bin/python3.12", "there is no standard library in"),
        ("plain/bin/python3.12", "may not be executed"),
        ("old/bin/python", "is Python 3.9, and tests can be made for 3.10 and newer"),
        ("ancient/bin/python", "is Python 2.7"),
    ],
)
def test_what_is_no_usable_python_is_told(machine: Machine, name: str, told: str) -> None:
    (machine.root / "folder").mkdir()
    (machine.root / "dangling").symlink_to("gone")
    write(machine.root / "script", b"#!/bin/sh\n")
    write(machine.root / "ls", PROGRAM).chmod(0o755)
    write(machine.root / "lonely/bin/python3.12", PROGRAM).chmod(0o755)
    machine.install("plain", "3.12.1").chmod(0o644)
    machine.install("old", "3.9.1")
    machine.install("ancient", "2.7.18")
    if name.startswith("plain") and os.geteuid() == 0:
        assert not os.access(machine.root / name, os.X_OK)  # root too needs one execute bit
    with pytest.raises(InterpreterError) as caught:
        machine.find(machine.root / name)
    assert told in caught.value.message
    assert str(machine.root / name) in caught.value.message
    assert caught.value.next_step


# ------------------------------------------------------------------------------------------------ broken


def test_a_dangling_environment_is_an_error_and_not_passed_over(machine: Machine) -> None:
    base = machine.install("opt/python3.12", "3.12.4")
    machine.environment(machine.workspace / ".venv", base)
    base.unlink()
    with pytest.raises(
        InterpreterError, match=r"\.venv/bin/python .*is broken: it is a link to .*does not exist"
    ) as caught:
        machine.find()
    assert "Create the environment again" in caught.value.next_step


def test_an_environment_without_an_executable_is_an_error(machine: Machine) -> None:
    write(machine.workspace / ".venv/pyvenv.cfg", b"home = /nowhere\n")
    with pytest.raises(InterpreterError, match="there is no such file"):
        machine.find()


def test_an_environment_whose_base_is_now_another_version_is_an_error(machine: Machine) -> None:
    base = machine.install("opt/python", "3.12.4")
    machine.environment(machine.workspace / ".venv", base, version="3.11.2")
    with pytest.raises(InterpreterError, match=r"made for Python 3\.11, and its link now leads to Python 3\.12"):
        machine.find()


@pytest.mark.parametrize("variable", ["VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "CONDA_PREFIX"])
def test_a_variable_that_names_no_environment_is_an_error(machine: Machine, variable: str) -> None:
    machine.environ[variable] = str(machine.root / "gone")
    with pytest.raises(InterpreterError, match=f"{variable} names .*gone, which is no virtual environment"):
        machine.find()


# ------------------------------------------------------------------------------------------------ kinds


def test_a_copied_executable_finds_its_base_by_pyvenv_cfg(machine: Machine) -> None:
    base = machine.install("opt/python3.12", "3.12.4")
    executable = machine.environment(machine.workspace / ".venv", base)
    executable.unlink()
    write(executable, PROGRAM).chmod(0o755)
    found = machine.find()
    assert found.roots == (machine.root / "opt/python3.12", machine.workspace / ".venv")
    write(executable.parent.parent / "pyvenv.cfg", b"home = /nowhere/bin\nversion = 3.12.1\n")
    with pytest.raises(InterpreterError, match="made from, in /nowhere/bin, is gone"):
        machine.find()


def test_the_name_by_which_a_link_calls_an_installation_is_a_root_too(machine: Machine) -> None:
    machine.install("store/cpython-3.12.4", "3.12.4")
    (machine.root / "store/cpython-3.12").symlink_to("cpython-3.12.4")
    machine.environment(machine.workspace / ".venv", machine.root / "store/cpython-3.12/bin/python3.12")
    found = machine.find()
    assert found.roots == (
        machine.root / "store/cpython-3.12",
        machine.root / "store/cpython-3.12.4",
        machine.workspace / ".venv",
    )


def test_an_environment_behind_a_link(machine: Machine) -> None:
    base = machine.install("opt/python3.12", "3.12.4")
    machine.environment(machine.root / "envs/acme", base)
    (machine.workspace / ".venv").symlink_to(machine.root / "envs/acme")
    found = machine.find()
    assert found.executable == machine.workspace / ".venv/bin/python"
    assert set(found.roots) == {base.parent.parent, machine.workspace / ".venv", machine.root / "envs/acme"}


def test_a_conda_environment(machine: Machine) -> None:
    executable = conda_environment(machine, "conda/envs/acme", "3.12.8")
    found = machine.find(executable.parent.parent)
    assert found.version == "3.12.8"
    assert found.environment == machine.root / "conda/envs/acme"
    assert found.roots == (machine.root / "conda/envs/acme",)


def test_pypy_is_noted(machine: Machine) -> None:
    prefix = machine.root / "opt/pypy3.11"
    write(prefix / "lib/pypy3.11/os.py")
    write(prefix / "bin/pypy3.11", PROGRAM).chmod(0o755)
    found = machine.find(prefix / "bin/pypy3.11")
    assert found.version == "3.11"
    assert "is PyPy" in found.notes[0]


def test_a_python_newer_than_any_tried_is_noted(machine: Machine) -> None:
    found = machine.find(machine.install("opt/python3.99", "3.99.0"))
    assert "newer than any" in found.notes[0]


def test_packages_of_the_user_are_noted_when_there_is_no_environment(machine: Machine) -> None:
    write(machine.home / ".local/lib/python3.12/site-packages/requests.py")
    found = machine.find(machine.install("opt/python3.12", "3.12.4"))
    assert found.notes[0].startswith(f"Packages in {machine.home}/.local/lib/python3.12/site-packages are not seen")


def test_site_packages_of_the_installation_when_the_environment_asks_for_them(machine: Machine) -> None:
    base = machine.install("opt/python3.12", "3.12.4")
    folder = machine.workspace / ".venv"
    machine.environment(folder, base, settings="include-system-site-packages = true\n")
    assert machine.find().site_packages == (
        folder / "lib/python3.12/site-packages",
        machine.root / "opt/python3.12/lib/python3.12/site-packages",
    )


@pytest.mark.parametrize("name", ["/usr/bin/python3", "/bin/python3"])
def test_the_systems_python_needs_no_roots(tmp_path: Path, name: str) -> None:
    if not os.path.realpath(name).startswith("/usr/bin/python3."):
        name = os.path.realpath(sys.executable)
        assert find_interpreter(tmp_path, explicit=Path(name), environ={}).version.startswith("3.")
        return
    found = find_interpreter(tmp_path, explicit=Path(name), environ={"HOME": str(tmp_path)})
    assert found.roots == ()
    assert found.executable == Path(name)


# ------------------------------------------------------------------------------------------------ roots


def test_pth_files_name_packages_and_never_the_workspace(machine: Machine) -> None:
    base = machine.install("opt/python3.12", "3.12.4")
    site = machine.environment(machine.workspace / ".venv", base).parent.parent / "lib/python3.12/site-packages"
    sibling = machine.home / "work/sibling"
    write(sibling / ".env", b"SECRET=1")
    write(sibling / ".git/config")
    write(sibling / "secrets.json")
    write(sibling / "sibling/__init__.py")
    write(sibling / "sibling.egg-info/PKG-INFO")
    write(sibling / "helper.py")
    write(sibling / "notes/readme.txt")
    write(machine.workspace / "src/acme/__init__.py")
    write(machine.home / ".ssh/id_rsa")
    write(machine.home / ".config/thing.py")
    lines = [
        "# a comment",
        "import os; os.system('touch /tmp/evil')",
        str(machine.workspace / "src"),
        str(machine.workspace),
        str(machine.workspace.parent),
        str(sibling),
        "../../../../../sibling",
        "/nowhere",
        "/",
        "/etc",
        str(machine.home),
        str(machine.home.parent),
        str(machine.home / ".ssh"),
        str(machine.home / ".config"),
    ]
    write(site / "evil.pth", "\n".join(lines).encode())
    found = machine.find()
    assert set(found.roots) == {
        base.parent.parent,
        machine.workspace / ".venv",
        sibling / "sibling",
        sibling / "sibling.egg-info",
        sibling / "helper.py",
    }
    private = [note for note in found.notes if "is private" in note]
    assert len(private) == 6


def test_the_finder_of_an_editable_install_is_read_as_text(machine: Machine) -> None:
    base = machine.install("opt/python3.12", "3.12.4")
    site = machine.environment(machine.workspace / ".venv", base).parent.parent / "lib/python3.12/site-packages"
    write(machine.root / "src/lib/__init__.py")
    write(machine.root / "src/single.py")
    mapping = {"lib": str(machine.root / "src/lib"), "single": str(machine.root / "src/single"), "x": "relative"}
    finder = f"import os\nMAPPING: dict[str, str] = {mapping!r}\nNAMESPACES = {{}}\nOTHER = {{'a': '/etc'}}\n"
    write(site / "__editable___lib_1_0_finder.py", finder.encode())
    assert set(machine.find().roots) >= {machine.root / "src/lib", machine.root / "src/single.py"}
    assert not any(str(root).startswith("/etc") for root in machine.find().roots)


def test_an_environment_that_is_the_workspace_shows_only_its_parts(machine: Machine) -> None:
    base = machine.install("opt/python3.12", "3.12.4")
    machine.environment(machine.workspace, base)
    write(machine.workspace / ".env", b"SECRET=1")
    found = machine.find(machine.workspace)
    assert machine.workspace not in found.roots
    assert set(found.roots) == {
        base.parent.parent,
        *(machine.workspace / name for name in ("bin", "lib", "pyvenv.cfg")),
    }


def test_an_installation_in_the_home_folder_itself_shows_only_its_parts(machine: Machine) -> None:
    program = machine.install("home/user", "3.12.4")
    found = machine.find(program)
    assert set(found.roots) == {machine.home / name for name in ("bin", "lib", "include")}


@pytest.mark.parametrize("home", ["/etc", "/root/.ssh", "/proc/self", ""])
def test_a_forged_pyvenv_cfg_shows_nothing_else(machine: Machine, home: str) -> None:
    base = machine.install("opt/python3.12", "3.12.4")
    folder = machine.workspace / ".venv"
    machine.environment(folder, base)
    write(folder / "pyvenv.cfg", f"home = {home}\nversion = 3.12.1\n".encode())
    assert machine.find().roots == (base.parent.parent, folder)
