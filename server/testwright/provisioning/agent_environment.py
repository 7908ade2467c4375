"""The agent's own environment: where it is, how it is made, and how it goes away again.

It lies in the cache folder, as ``agents/<sdk>-<python>-<digest of the lock>``. It is made under another name, checked,
imported once in a box, sealed, and only then gets its own, so what has that name is whole. Whatever is found under
another name when the lock is held is what a crash has left, and is removed; what uv had fetched until then is not.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from testwright.boxes.reaping import Registry
from testwright.errors import InterpreterError, SetupFailure
from testwright.housekeeping import cache_dir, remove_tree
from testwright.model import Interpreter
from testwright.provisioning import verify
from testwright.provisioning.extra import installed_sdk, own_interpreter
from testwright.provisioning.holding import held, is_held
from testwright.provisioning.locks import Lock, SdkName, lock_of
from testwright.provisioning.making import (
    SEAL,
    SEAL_FORMAT,
    Circumstances,
    Making,
    check_room,
    remove_torn,
    remove_whole,
    roots_of,
    sealed,
)
from testwright.provisioning.progress import MEGABYTE, SetupProgress, Tell
from testwright.provisioning.pythons import find_python, minor

FOLDER = "agents"
"""In the cache folder."""
NEEDED_BYTES: dict[SdkName, int] = {"pinned": 1600 * MEGABYTE, "newest": 900 * MEGABYTE}
"""Room on the disk that must be free to begin: measured were 1,340 and 700 MB, uv's cache and byte code included."""


@dataclass(frozen=True, slots=True)
class AgentEnvironment:
    """An environment that is whole.

    Attributes:
        folder: Where it is.
        python: Its interpreter; it is started in a box only.
        python_version: As in ``3.12.1``.
        sdk: Version of ``openhands-sdk``.
        roots: Folders of the host that a box must show for it: itself, and its Python's installation.
        size: Bytes on the disk, when it was made; 0 for the one that Testwright runs in.
        notes: Sentences for the user about its making.
    """

    folder: Path
    python: Path
    python_version: str
    sdk: str
    roots: tuple[Path, ...]
    size: int
    notes: tuple[str, ...] = ()


def find(sdk: SdkName | None = None, *, environ: Mapping[str, str] | None = None) -> AgentEnvironment | None:
    """The environment that was set up, or that Testwright runs in; quick, and nothing is started or changed.

    Args:
        sdk: None for whichever there is, the pinned one first.
        environ: Variables to look at; the process's own when None.

    Returns:
        None when there is none with what this version of Testwright has locked, or when its Python has gone.

    Raises:
        SettingsError: ``TESTWRIGHT_CACHE_DIR`` names a folder that cannot be ours.
        WriteFailure: The cache folder cannot be made.
        SetupFailure: A lock file of ours is damaged.
    """
    agents = cache_dir(environ) / FOLDER
    for name in ("pinned", "newest") if sdk is None else (sdk,):
        found = _find_in(agents, lock_of(name), None) or _of_the_extra(lock_of(name))
        if found is not None:
            return found
    return None


def setup_is_running(environ: Mapping[str, str] | None = None) -> bool:
    """Whether a set-up is going on, in this process or another."""
    return is_held(cache_dir(environ) / FOLDER)


async def set_up(
    sdk: SdkName,
    *,
    workspace: Path,
    tell: Tell,
    python: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> AgentEnvironment:
    """Make the environment, unless it is there. Cancelled or failed, nothing is left but what uv has fetched.

    Args:
        sdk: Which SDK.
        workspace: No program in it is started.
        tell: Is told how far it is.
        python: What the user names for it; when None, any 3.12 or 3.13.
        environ: Variables to look at; the process's own when None.

    Raises:
        InterpreterError: There is no Python for it.
        SetupFailure: It could not be made.
        SettingsError: The cache folder that is named cannot be ours.
        WriteFailure: The cache folder cannot be written.
    """
    variables = dict(os.environ if environ is None else environ)
    around = Circumstances(workspace, variables, tell)
    return await set_up_lock(lock_of(sdk), around, python=python, needed=NEEDED_BYTES[sdk])


async def set_up_lock(lock: Lock, around: Circumstances, *, python: Path | None, needed: int) -> AgentEnvironment:
    """The same for a lock file.

    Args:
        lock: What to install.
        around: For whom.
        python: What the user names for it; when None, any 3.12 or 3.13.
        needed: Bytes that must be free on the disk to begin.
    """
    agents = cache_dir(around.environ) / FOLDER
    wanted = None if python is None else find_python(around.workspace, python, around.environ)
    found = _find_in(agents, lock, wanted)
    if found is None:
        async with held(agents, lambda: around.tell(SetupProgress("waiting"))) as hold:
            found = _find_in(agents, lock, wanted)  # made by whoever held it
            if found is None:
                base = wanted or find_python(around.workspace, None, around.environ)
                await asyncio.to_thread(remove_torn, agents)
                await asyncio.to_thread(check_room, agents, needed)
                folder = await Making(agents, lock, base, around, hold).whole()
                found = _read(folder, lock)
    if found is None:
        raise SetupFailure(
            "The agent's environment was made and is not whole any more.",
            next_step="Check whether something else removes files in Testwright's cache folder, then try again.",
        )
    around.tell(SetupProgress("done"))
    return found


async def remove(
    sdk: SdkName | None = None, *, tell: Tell, environ: Mapping[str, str] | None = None
) -> tuple[Path, ...]:
    """Remove what was set up, and with the last of it what uv has fetched.

    Args:
        sdk: None for all.
        tell: Is told when it has to wait.
        environ: Variables to look at; the process's own when None.

    Returns:
        The environments that were removed.

    Raises:
        SetupFailure: A run is going on that may use it, or it could not be removed.
        WriteFailure: The cache folder cannot be written.
    """
    agents = cache_dir(environ) / FOLDER
    if not agents.is_dir():
        return ()
    in_use, _ = Registry.default().noted_folders()
    if in_use:
        raise SetupFailure(
            "A run is going on that may use the agent's environment, so it was not removed.",
            next_step="Wait until it has ended, or cancel it.",
        )
    async with held(agents, lambda: tell(SetupProgress("waiting"))):
        digest = None if sdk is None else lock_of(sdk).digest
        doomed = tuple(path for path in sealed(agents) if digest is None or path.name.endswith(f"-{digest}"))
        try:
            for path in doomed:
                await asyncio.to_thread(remove_whole, path)
            await asyncio.to_thread(remove_torn, agents)
            if not list(sealed(agents)):
                for path in agents.iterdir():
                    if path.is_dir():
                        await asyncio.to_thread(remove_tree, path)
        except OSError as error:
            raise SetupFailure(
                f"{error.filename or agents} could not be removed: {error.strerror or error}.",
                next_step="Check its permissions, then try again.",
            ) from error
    return doomed


def _find_in(agents: Path, lock: Lock, base: Interpreter | None) -> AgentEnvironment | None:
    """An environment of this lock, made with a certain Python where one is given."""
    for path in sealed(agents):
        if path.name.endswith(f"-{lock.digest}"):
            found = _read(path, lock)
            if found is not None and (base is None or minor(base.version) == minor(found.python_version)):
                return found
    return None


def _read(folder: Path, lock: Lock) -> AgentEnvironment | None:
    """The environment in a folder; None when it is not whole, or when its Python has gone."""
    try:
        seal = json.loads((folder / SEAL).read_text("utf-8"))
        version, packages, size, notes = (seal[name] for name in ("python", "packages", "bytes", "notes"))
        fits = seal["format"] == SEAL_FORMAT and seal["lock"] == lock.digest and isinstance(version, str)
        roots = roots_of(folder)
    except (OSError, ValueError, KeyError, TypeError, InterpreterError):
        return None
    if not fits or verify.count_packages(verify.site_packages(folder, minor(version))) != packages:
        return None
    python = folder / "bin" / "python"
    return AgentEnvironment(folder, python, version, lock.sdk, roots, int(size), tuple(map(str, notes)))


def _of_the_extra(lock: Lock) -> AgentEnvironment | None:
    """The environment that Testwright runs in, when it has this SDK."""
    if installed_sdk() != lock.sdk or (own := own_interpreter()) is None:
        return None
    version, roots = own
    return AgentEnvironment(Path(sys.prefix), Path(sys.executable), version, lock.sdk, roots, 0)
