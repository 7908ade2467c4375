from __future__ import annotations

from pathlib import Path

import pytest

from testwright.errors import InterpreterError
from testwright.provisioning.pythons import find_python


def installation(prefix: Path, version: str) -> Path:
    """Files that look like an installed Python; nothing is started, so they need not work."""
    library = prefix / "lib" / f"python{version}"
    library.mkdir(parents=True)
    (library / "os.py").write_text("")
    program = prefix / "bin" / f"python{version}"
    program.parent.mkdir(exist_ok=True)
    program.write_bytes(b"\x7fELF")
    program.chmod(0o755)
    return program


def environment(folder: Path, program: Path) -> Path:
    (folder / "bin").mkdir(parents=True)
    (folder / "pyvenv.cfg").write_text(f"home = {program.parent}\nversion = {program.name.removeprefix('python')}.1\n")
    link = folder / "bin" / program.name
    link.symlink_to(program)
    return link


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "workspace").mkdir()
    return tmp_path / "workspace"


def test_the_one_that_was_tried_most_is_taken_first(tmp_path: Path, workspace: Path) -> None:
    newer, older = installation(tmp_path / "a", "3.13"), installation(tmp_path / "b", "3.12")
    environ = {"PATH": f"{newer.parent}:{older.parent}", "HOME": str(tmp_path)}
    assert find_python(workspace, None, environ).executable == older
    older.unlink()
    assert find_python(workspace, None, environ).executable == newer
    assert find_python(workspace, Path("3.13"), environ).executable == newer


def test_pyenvs_versions_are_found(tmp_path: Path, workspace: Path) -> None:
    program = installation(tmp_path / ".pyenv" / "versions" / "3.12.4", "3.12")
    (program.parent / "python").symlink_to(program.name)
    assert find_python(workspace, None, {"PATH": "", "HOME": str(tmp_path)}).executable == program.with_name("python")


def test_of_an_environment_its_installation_is_taken(tmp_path: Path, workspace: Path) -> None:
    program = installation(tmp_path / "a", "3.12")
    link = environment(tmp_path / "env", program)
    found = find_python(workspace, None, {"PATH": str(link.parent), "HOME": str(tmp_path)})
    assert (found.executable, found.environment) == (program, None)


def test_none_is_told_with_the_next_step(tmp_path: Path, workspace: Path) -> None:
    program = installation(tmp_path / "a", "3.11")
    with pytest.raises(InterpreterError, match="there is neither") as caught:
        find_python(workspace, None, {"PATH": str(program.parent), "HOME": str(tmp_path)})
    assert "uv python install 3.12" in caught.value.next_step


@pytest.mark.parametrize("version", ["3.11", "3.14"])
def test_another_version_is_refused(tmp_path: Path, workspace: Path, version: str) -> None:
    program = installation(tmp_path / "a", version)
    with pytest.raises(InterpreterError, match=f"is Python {version}, and the agent needs 3.12 or 3.13"):
        find_python(workspace, program, {"PATH": "", "HOME": str(tmp_path)})


@pytest.mark.parametrize("how", ["itself", "through an environment outside"])
def test_nothing_of_the_workspace_is_taken(tmp_path: Path, workspace: Path, how: str) -> None:
    program = installation(workspace / "tools", "3.12")
    named = program if how == "itself" else environment(tmp_path / "env", program)
    with pytest.raises(InterpreterError, match="lies in the workspace"):
        find_python(workspace, named, {"PATH": "", "HOME": str(tmp_path)})


def test_an_environment_with_a_copied_python_is_refused(tmp_path: Path, workspace: Path) -> None:
    program = installation(tmp_path / "a", "3.12")
    link = environment(tmp_path / "env", program)
    link.unlink()
    link.write_bytes(program.read_bytes())
    link.chmod(0o755)
    with pytest.raises(InterpreterError, match="has a copy of its Python"):
        find_python(workspace, link, {"PATH": "", "HOME": str(tmp_path)})
