"""uv, which makes the agent's environment: the user's own, or one that is brought into our cache by pip.

The only programs that are started outside a box are uv, pip of the Python that runs Testwright, and the Python that the
environment is made of. The environment's own interpreter never is: it would run the ``.pth`` files of what is installed
in it. uv asks it for its version once, while the environment is empty; byte code is compiled by the Python below it,
which reads sources and runs none.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from testwright.analysis.interpreters import is_script
from testwright.errors import SetupFailure
from testwright.provisioning.index_settings import IndexSettings
from testwright.provisioning.locks import UV_LOCK, Lock, read_lock
from testwright.provisioning.setup_words import setup_failure

OLDEST_UV = (0, 5)
"""The first that has all the variables for indexes which ``index_settings`` sets."""

INSTALL_SECONDS = 3600.0
COMPILE_SECONDS = 1800.0
QUICK_SECONDS = 120.0
_MAX_OUTPUT = 64 * 1024

UV_CACHE = ".uv-cache"
"""Name of uv's cache in our folder for agents."""
_WHEELS_ONLY = ("--no-deps", "--require-hashes", "--only-binary", ":all:")

Failure = Callable[[str, int, str], SetupFailure]
"""Makes the error about a program that has failed, of its name, its exit code and the end of what it has printed."""

# Compiles with all processors, giving way to everything else. Some packages hold templates that are no Python.
_COMPILE = """
import compileall, os, sys
os.nice(5)
compileall.compile_dir(sys.argv[1], quiet=2, workers=0)
"""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What packages are for that are not used on this machine.

    Attributes:
        platform: As uv names it: ``x86_64-manylinux_2_36``.
        python: Full version, as in ``3.12.1``.
    """

    platform: str
    python: str


@dataclass(frozen=True, slots=True)
class Installer:
    """uv, and how it is started.

    Attributes:
        program: The program.
        folder: Our folder for agents: uv's cache lies in it.
        settings: Where packages come from.
        hold: Descriptor of the lock that lasts until the program has ended.
    """

    program: Path
    folder: Path
    settings: IndexSettings
    hold: int

    @property
    def cache(self) -> Path:
        """The cache of uv: with what is in it an interrupted set-up goes on."""
        return self.folder / UV_CACHE

    async def make_environment(self, folder: Path, python: Path) -> None:
        """Make an empty environment.

        Raises:
            SetupFailure: uv has failed.
        """
        arguments = ("venv", "--no-project", "--relocatable", "--python", str(python), str(folder))
        await self._uv(arguments, QUICK_SECONDS)

    async def missing(self, environment: Path, lock: Lock) -> int | None:
        """How many packages are to be fetched, since they are not in the cache; None where uv does not say.

        Raises:
            SetupFailure: uv has failed.
        """
        output = await self._uv((*self._install(environment, lock), "--dry-run"), INSTALL_SECONDS)
        would = re.search(r"Would download (\d+) packages?", output)
        if would is not None:
            return int(would[1])
        return 0 if "Would install" in output else None

    async def install(self, environment: Path, lock: Lock) -> None:
        """Fetch what is missing and install all into an environment that is empty.

        Raises:
            SetupFailure: uv has failed; what was fetched is kept in its cache.
        """
        await self._uv(self._install(environment, lock), INSTALL_SECONDS)

    async def install_for(
        self, target: Path, requirements: Path, where: Elsewhere, *, is_locked: bool, failure: Failure
    ) -> None:
        """Fetch wheels for another platform and unpack them into a folder; nothing is built or run.

        Args:
            target: The folder.
            requirements: What to install.
            where: What it is for.
            is_locked: Each line has its hashes, and all are named.
            failure: Makes the error.

        Raises:
            SetupFailure: uv has failed; what was fetched is kept in its cache.
        """
        only_links = ("--no-index",) if self.settings.no_index else ()
        wanted = _WHEELS_ONLY if is_locked else ("--only-binary", ":all:")
        place = ("--python", sys.executable, "--target", str(target))
        what = ("--python-platform", where.platform, "--python-version", where.python, *wanted, *only_links)
        await self._uv(("pip", "install", *place, *what, "-r", str(requirements)), INSTALL_SECONDS, failure)

    async def compile(self, site: Path, python: Path) -> None:
        """Compile byte code, by the Python below the environment and without any packages.

        Raises:
            SetupFailure: It has failed.
        """
        argv = (str(python), "-I", "-S", "-c", _COMPILE, str(site))
        code, output = await run(argv, {}, self.folder, COMPILE_SECONDS, self.hold)
        if code != 0:
            raise setup_failure("Python", code, output)

    def _install(self, environment: Path, lock: Lock) -> tuple[str, ...]:
        only_links = ("--no-index",) if self.settings.no_index else ()
        python = environment / "bin" / "python"
        return ("pip", "install", "--python", str(python), *_WHEELS_ONLY, *only_links, "-r", str(lock.path))

    async def _uv(self, arguments: Sequence[str], seconds: float, failure: Failure = setup_failure) -> str:
        own = self.folder / "uv.toml"
        own.touch()  # the nearest one is read as a project's, so that none of a folder above is
        environment = {
            **self.settings.environment,
            "UV_CACHE_DIR": str(self.cache),
            "UV_NO_PROGRESS": "1",
            "UV_PYTHON_DOWNLOADS": "never",
            "NO_COLOR": "1",
        }
        code, output = await run((str(self.program), *arguments), environment, self.folder, seconds, self.hold)
        if code != 0:
            raise failure("uv", code, output)
        return output


async def find_uv(workspace: Path, environ: Mapping[str, str], cwd: Path) -> Path | None:
    """The user's own uv: the first on ``PATH`` that is new enough; None when there is none.

    Args:
        workspace: No program in it is taken.
        environ: The process's environment.
        cwd: A folder of ours to start it in.
    """
    for program in _candidates(workspace, environ):
        try:
            code, output = await run((str(program), "--version"), {}, cwd, QUICK_SECONDS, None)
        except SetupFailure:  # it cannot be started: the next one may
            continue
        version = re.match(r"uv (\d+)\.(\d+)", output)
        if code == 0 and version is not None and (int(version[1]), int(version[2])) >= OLDEST_UV:
            return program
    return None


def _candidates(workspace: Path, environ: Mapping[str, str]) -> Iterator[Path]:
    """Programs called uv on absolute entries of PATH that lie outside the workspace."""
    for entry in map(Path, environ.get("PATH", "").split(os.pathsep)):
        program = entry / "uv"
        if entry.is_absolute() and os.access(program, os.X_OK) and program.is_file():
            places = (entry.resolve(), program.resolve())
            if not any(path.is_relative_to(workspace) for path in places) and not is_script(program):
                yield program


def brought_uv(folder: Path) -> Path:
    """Where the uv is, or will be, that is brought by pip."""
    return folder / f".uv-{read_lock(UV_LOCK).digest}" / "bin" / "uv"


async def bring_uv(folder: Path, pythons: Sequence[Path], settings: IndexSettings, hold: int) -> Path:
    """Install the locked wheel of uv into our folder, with pip.

    Args:
        folder: Our folder for agents.
        pythons: Interpreters that may have pip, the one that runs Testwright first.
        settings: Where packages come from; pip reads its own.
        hold: Descriptor of the lock that lasts until the program has ended.

    Raises:
        SetupFailure: No interpreter has pip, or it has failed.
    """
    program = brought_uv(folder)
    if program.is_file():
        return program
    making = folder / f".{program.parent.parent.name}.part"
    for python in pythons:
        code, _ = await run((str(python), "-I", "-m", "pip", "--version"), {}, folder, QUICK_SECONDS, hold)
        if code != 0:
            continue
        shutil.rmtree(making, ignore_errors=True)
        options = ("--no-input", "--disable-pip-version-check", "--no-user", "--no-warn-script-location")
        where = ("--target", str(making), "-r", str(UV_LOCK))
        argv = (str(python), "-I", "-m", "pip", "install", *options, *_WHEELS_ONLY, *where)
        code, output = await run(argv, settings.environment, folder, INSTALL_SECONDS, hold)
        if code != 0:
            shutil.rmtree(making, ignore_errors=True)
            raise setup_failure("pip", code, output)
        making.rename(program.parent.parent)
        return program
    raise SetupFailure(
        "There is neither uv on PATH nor pip in the Python that runs Testwright, and one of them is needed.",
        next_step="Install uv (pipx install uv, or your system's package), then set the agent up again.",
    )


async def run(
    argv: Sequence[str], environment: Mapping[str, str], cwd: Path, seconds: float, hold: int | None
) -> tuple[int, str]:
    """Run a program to its end, in a session of its own, which is killed when it takes too long or is cancelled.

    Args:
        argv: Program and arguments; nothing secret, since everybody can read them.
        environment: All of its variables; PATH and HOME are not passed on by themselves.
        cwd: Folder to start it in.
        seconds: Wall time.
        hold: Descriptor that it inherits; None for none.

    Returns:
        The exit code, or minus the signal's number, and the end of what it has printed.

    Raises:
        SetupFailure: It cannot be started, or took too long.
    """
    name = Path(argv[0]).name
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=dict(environment),
            cwd=cwd,
            start_new_session=True,
            umask=0o022,  # a box may show the environment to another user
            pass_fds=() if hold is None else (hold,),
        )
    except OSError as error:
        raise SetupFailure(
            f"{name} cannot be started: {error.strerror or error}.", next_step=f"Check that {argv[0]} runs."
        ) from error
    try:
        async with asyncio.timeout(seconds):
            output = await _end_of(process.stdout)
            return await process.wait(), output
    except TimeoutError:
        raise SetupFailure(
            f"{name} took more than {seconds / 60:.0f} minutes and was ended.",
            next_step="What was fetched is kept: run `testwright setup openhands` again to go on.",
        ) from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


async def _end_of(stream: asyncio.StreamReader | None) -> str:
    kept = b""
    while stream is not None and (block := await stream.read(_MAX_OUTPUT)):
        kept = (kept + block)[-_MAX_OUTPUT:]
    return kept.decode("utf-8", "replace")


def running_pythons(base: Path) -> tuple[Path, ...]:
    """Interpreters that may have pip: the one that runs Testwright, then the one that the agent's is made of."""
    return (Path(sys.executable), base)
