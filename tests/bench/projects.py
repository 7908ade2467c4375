"""Prepare a writable project for each subject: its package in flat layout, its dependencies in ``.venv``.

Nothing of a subject is imported or run here; a source distribution is built in bubblewrap, which sees an interpreter
and pip's settings, and may write to one folder.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox import BenchError, Mounts, run_boxed

SUBJECTS_FILE = Path(__file__).with_name("subjects.toml")
BUILDER = ("pip==24.0", "setuptools==69.5.1", "wheel==0.43.0")
"""What builds source distributions of 2020; later versions of setuptools dropped what their setup.py files use."""

_PROJECT_FILE = """\
[project]
name = "{name}"
version = "{version}"
requires-python = ">={python}"
"""


@dataclass(frozen=True, slots=True)
class Subject:
    """A module that tests are generated for.

    Attributes:
        module: Dotted name.
        requirement: The distribution that holds it, pinned.
        dependencies: What it needs at run time, pinned; wheels.
        sdist: True when there is no wheel.
        published: Percent of lines and branches pooled that other tools reached, by tool.
    """

    module: str
    requirement: str
    dependencies: tuple[str, ...] = ()
    sdist: bool = False
    published: Mapping[str, float] = field(default_factory=dict)

    @property
    def distribution(self) -> str:
        """Name of the distribution."""
        return self.requirement.partition("==")[0]

    @property
    def version(self) -> str:
        """Version of the distribution."""
        return self.requirement.partition("==")[2]


@dataclass(frozen=True, slots=True)
class SubjectSet:
    """A set of subjects that is reported as one table.

    Attributes:
        python: Version that the set is measured on, as ``3.10``; empty for any.
    """

    name: str
    title: str
    python: str
    subjects: tuple[Subject, ...]


@dataclass(frozen=True, slots=True)
class Python:
    """An interpreter found on this machine.

    Attributes:
        executable: Its real path.
        version: As ``3.10``.
        prefix: Its installation, which a box must see.
    """

    executable: Path
    version: str
    prefix: Path


@dataclass(frozen=True, slots=True)
class Prepared:
    """A subject's project on disk.

    Attributes:
        root: The project.
        target: The module's file in it.
        python: The interpreter that its ``.venv`` was made from.
    """

    subject: Subject
    root: Path
    target: Path
    python: Python


def load_sets() -> dict[str, SubjectSet]:
    """Read ``subjects.toml``."""
    data: dict[str, Any] = tomllib.loads(SUBJECTS_FILE.read_text(encoding="utf-8"))
    return {
        name: SubjectSet(
            name,
            entry["title"],
            entry["python"],
            tuple(
                Subject(
                    item["module"],
                    item["requirement"],
                    tuple(item.get("dependencies", ())),
                    item.get("sdist", False),
                    item.get("published", {}),
                )
                for item in entry["subjects"]
            ),
        )
        for name, entry in data["sets"].items()
    }


def find_python(wanted: str) -> Python:
    """Find an interpreter: a path, a version (``3.10``) on PATH or among pyenv's, or the one that runs the bench.

    Raises:
        BenchError: There is none, or it is none.
    """
    if not wanted:
        return _describe(Path(sys.executable))
    if os.sep in wanted:
        return _describe(Path(wanted))
    name = f"python{wanted}"
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    candidates = sorted(pyenv.glob(f"versions/{wanted}*/bin/{name}"), reverse=True)
    on_path = shutil.which(name)
    if on_path:
        candidates.append(Path(on_path))
    for candidate in candidates:
        try:
            return _describe(candidate)
        except BenchError:
            continue  # a pyenv shim of a version that is not active
    raise BenchError(f"Python {wanted} is not on PATH nor among pyenv's versions: install it, or use --python.")


def _describe(executable: Path) -> Python:
    program = "import sys, os; print(os.path.realpath(sys.executable), '%d.%d' % sys.version_info[:2], sys.base_prefix)"
    try:
        told = subprocess.run(
            [str(executable), "-I", "-c", program], check=True, capture_output=True, text=True, timeout=30
        ).stdout.split()
    except (OSError, subprocess.SubprocessError) as error:
        raise BenchError(f"{executable} does not start: {error}.") from None
    return Python(Path(told[0]), told[1], Path(told[2]))


def prepare(subject: Subject, python: Python, work: Path) -> Prepared:
    """Make the subject's project under ``work``, or return the one that is there.

    Raises:
        BenchError: Something could not be fetched, built or found.
    """
    key = "-".join((subject.distribution, subject.version, "py" + python.version))
    root = work / "projects" / key
    if not root.is_dir():
        making = root.with_name(root.name + ".making")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(parents=True)
        _fill(making, subject, python, work)
        making.rename(root)
    return Prepared(subject, root, module_file(root, subject.module), python)


def module_file(root: Path, module: str) -> Path:
    """Return the file that ``import module`` would load from ``root``: a package is found before a module.

    Raises:
        BenchError: There is none.
    """
    base = root.joinpath(*module.split("."))
    for candidate in (base / "__init__.py", base.with_suffix(".py")):
        if candidate.is_file():
            return candidate
    raise BenchError(f"{module} is not in {root}: the distribution does not hold it in pure Python.")


def is_test(path: str) -> bool:
    """Whether a file of a wheel is one of the project's own tests: tests are written from scratch, and not copied."""
    *folders, name = path.split("/")
    if not {"test", "tests"}.isdisjoint(folders):
        return True
    return name == "conftest.py" or (name.endswith(".py") and (name.startswith("test_") or name.endswith("_test.py")))


def tools_folder(python: Python, work: Path) -> Path:
    """Return a folder with the pytest and coverage that score on ``python``, installing them when not there."""
    folder = work / "tools" / f"py{python.version}"
    if not folder.is_dir():
        making = folder.with_name(folder.name + ".making")
        shutil.rmtree(making, ignore_errors=True)
        _install(python, making, ("pytest==8.4.2", "coverage==7.10.7"))
        making.rename(folder)
    return folder


def _fill(project: Path, subject: Subject, python: Python, work: Path) -> None:
    wheel = _wheel(subject, python, work)
    package = subject.module.partition(".")[0]
    _make_venv(project / ".venv", python)
    site_packages = project / ".venv" / "lib" / f"python{python.version}" / "site-packages"
    with zipfile.ZipFile(wheel) as archive:
        members = [name for name in archive.namelist() if name.startswith(f"{package}/") and not is_test(name)]
        members = members or [f"{package}.py"]
        archive.extractall(project, members)
        # As an editable installation has it: the metadata in the environment, the code in the workspace.
        info = [name for name in archive.namelist() if name.partition("/")[0].endswith(".dist-info")]
        archive.extractall(site_packages, [name for name in info if not name.endswith("/RECORD")])
    settings = _PROJECT_FILE.format(name=subject.distribution, version=subject.version, python=python.version)
    (project / "pyproject.toml").write_text(settings, encoding="utf-8")
    if subject.dependencies:
        _install(python, site_packages, subject.dependencies)


def _wheel(subject: Subject, python: Python, work: Path) -> Path:
    folder = work / "wheels" / f"{subject.distribution}-{subject.version}"
    found = sorted(folder.glob("*.whl"))
    if not found:
        folder.mkdir(parents=True, exist_ok=True)
        if subject.sdist:
            _build(subject, python, work, folder)
        else:
            # A compiled module has no lines to cover, so only wheels of pure Python are asked for.
            pure = ("--platform", "any", "--implementation", "py", "--abi", "none", "--python-version", python.version)
            _pip(
                "download",
                "--no-deps",
                "--only-binary",
                ":all:",
                *pure,
                "--dest",
                str(folder),
                subject.requirement,
            )
        found = sorted(folder.glob("*.whl"))
    if len(found) != 1:
        raise BenchError(f"{subject.requirement} should give one wheel, and gave {len(found)} in {folder}.")
    return found[0]


def _build(subject: Subject, python: Python, work: Path, output: Path) -> None:
    """Fetch a source distribution and build its wheel: both run its setup.py, so both happen in bubblewrap."""
    builder = work / "builders" / f"py{python.version}"
    if not builder.is_dir():
        making = builder.with_name(builder.name + ".making")
        shutil.rmtree(making, ignore_errors=True)
        _install(python, making, BUILDER)
        making.rename(builder)
    settings = [Path(path) for path in ("/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs", "/etc/pip.conf")]
    environment = {
        name: value
        for name, value in os.environ.items()
        if name.lower() in ("pip_cert", "ssl_cert_file", "requests_ca_bundle", "http_proxy", "https_proxy", "no_proxy")
    }
    environment |= {"PYTHONPATH": str(builder), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    inside = Path("/output")
    mounts = Mounts(
        read_only=(python.prefix, builder, *(path for path in settings if path.exists())),
        writable={output: inside},
        network=True,
    )
    program = [str(python.executable), "-m", "pip", "wheel", "--no-deps", "--no-cache-dir", "--no-build-isolation"]
    program += ["--use-pep517", "--wheel-dir", str(inside), subject.requirement]
    done = run_boxed(program, mounts, environment=environment, cwd=Path("/tmp"), timeout=300)
    if done.code != 0:
        raise BenchError(f"{subject.requirement} could not be built in bubblewrap: {done.output[-800:]}")


def _make_venv(venv: Path, python: Python) -> None:
    subprocess.run([str(python.executable), "-m", "venv", "--without-pip", str(venv)], check=True, timeout=120)


def _install(python: Python, folder: Path, requirements: tuple[str, ...]) -> None:
    """Install wheels for ``python`` into a folder; a wheel's installation runs none of its code."""
    _pip(
        "--python",
        str(python.executable),
        "install",
        "--quiet",
        "--no-compile",
        "--only-binary",
        ":all:",
        "--target",
        str(folder),
        *requirements,
    )


def _pip(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", *arguments], check=False, capture_output=True, text=True, timeout=600
    )
    if done.returncode != 0:
        raise BenchError(f"pip {' '.join(arguments)} failed: {done.stderr.strip()[-800:]}")
