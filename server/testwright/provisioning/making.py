"""How the agent's environment is made: under another name, checked, tried in a box, sealed, and then given its own."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from testwright.analysis.installations import Surroundings, read_interpreter
from testwright.errors import SetupFailure
from testwright.housekeeping import remove_tree, tree_size
from testwright.model import Interpreter
from testwright.provisioning import verify
from testwright.provisioning.index_settings import index_settings
from testwright.provisioning.installer import UV_CACHE, Installer, bring_uv, find_uv, running_pythons
from testwright.provisioning.locks import Lock
from testwright.provisioning.progress import MEGABYTE, SetupProgress, Tell, watched
from testwright.provisioning.pythons import minor
from testwright.provisioning.trial import try_import

SEAL = "testwright-agent.json"
"""Name of the file that an environment gets when it is whole."""
SEAL_FORMAT = 1
TORN = ".part"
"""Ending of the name of an environment that is not whole."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """For whom an environment is made.

    Attributes:
        workspace: No program in it is started.
        environ: Variables to look at.
        tell: Is told how far it is.
    """

    workspace: Path
    environ: Mapping[str, str]
    tell: Tell


@dataclass(frozen=True, slots=True)
class Making:
    """One environment that is to be made.

    Attributes:
        agents: Our folder for agents; it is locked.
        lock: What to install.
        base: The Python that it is made of.
        around: For whom, and where programs are found.
        hold: Descriptor of the lock, which every program inherits.
    """

    agents: Path
    lock: Lock
    base: Interpreter
    around: Circumstances
    hold: int

    async def whole(self) -> Path:
        """Make it under another name, and give it its own when it is whole.

        Returns:
            Where it is.

        Raises:
            SetupFailure: It could not be made; nothing of it is left but what uv has fetched.
        """
        name = f"{self.lock.sdk}-{minor(self.base.version)}-{self.lock.digest}"
        torn = self.agents / f".{name}-{secrets.token_hex(4)}{TORN}"
        final = self.agents / name
        try:
            notes = await self._make(torn)
            await asyncio.to_thread(self._seal, torn, notes)
            if final.exists():  # its Python has gone, or somebody has damaged it
                await asyncio.to_thread(remove_whole, final)
            torn.rename(final)
        except OSError as error:
            raise SetupFailure(
                f"{torn} could not be written: {error.strerror or error}.",
                next_step="Make room on the disk, or name another folder in TESTWRIGHT_CACHE_DIR.",
            ) from error
        finally:
            with suppress(OSError):  # else the next start removes it
                await asyncio.to_thread(remove_tree, torn)
        await asyncio.to_thread(self._remove_outdated, final)
        return final

    async def _make(self, torn: Path) -> tuple[str, ...]:
        version = self.base.version
        site = verify.site_packages(torn, minor(version))
        installer = await self._installer()
        await installer.make_environment(torn, self.base.executable)
        self.around.tell(SetupProgress("planning"))
        missing = await installer.missing(torn, self.lock)
        async with watched(installer.cache, site, missing, self.lock.packages(version), self.around.tell):
            await installer.install(torn, self.lock)
        self.around.tell(SetupProgress("checking"))
        flaw = await asyncio.to_thread(verify.first_flaw, site, self.lock, version)
        if flaw is not None:
            raise SetupFailure(
                f"What was installed is not what the lock names: {flaw}.",
                next_step="Run `testwright setup openhands --remove`, then set it up again.",
            )
        self.around.tell(SetupProgress("compiling"))
        await installer.compile(site, self.base.executable)
        self.around.tell(SetupProgress("trying"))
        note = await try_import(torn / "bin" / "python", roots_of(torn), self.lock.sdk)
        return () if note is None else (note,)

    async def _installer(self) -> Installer:
        settings = index_settings(self.around.environ)
        program = await find_uv(self.around.workspace, self.around.environ, self.agents)
        if program is None:
            self.around.tell(SetupProgress("bringing-uv"))
            program = await bring_uv(self.agents, running_pythons(self.base.executable), settings, self.hold)
        return Installer(program, self.agents, settings, self.hold)

    def _seal(self, torn: Path, notes: tuple[str, ...]) -> None:
        """Write down what it is; with this file it is whole."""
        content = {
            "format": SEAL_FORMAT,
            "sdk": self.lock.sdk,
            "python": self.base.version,
            "lock": self.lock.digest,
            "packages": self.lock.packages(self.base.version),
            "bytes": tree_size(torn),
            "notes": notes,
        }
        with (torn / SEAL).open("w", encoding="utf-8") as file:
            json.dump(content, file, indent=2)
            file.flush()
            os.fsync(file.fileno())

    def _remove_outdated(self, kept: Path) -> None:
        """Remove environments of this SDK and Python that were made of an older lock."""
        for path in sealed(self.agents):
            if path != kept and path.name.startswith(f"{self.lock.sdk}-{minor(self.base.version)}-"):
                with suppress(OSError):
                    remove_whole(path)


def sealed(agents: Path) -> Iterator[Path]:
    """Environments that were finished once, whatever lock they were made of, in the folder for agents."""
    if agents.is_dir():
        yield from sorted(path for path in agents.iterdir() if path.name[0] != "." and (path / SEAL).is_file())


def roots_of(folder: Path) -> tuple[Path, ...]:
    """What a box must show for an environment, read from its files.

    Raises:
        InterpreterError: Its Python has gone.
    """
    executable = folder / "bin" / "python"
    around = Surroundings(workspace=folder.with_name(".none"), home=None)  # so that no workspace is left out
    return read_interpreter(executable, origin="the agent's environment", around=around).roots


def check_room(agents: Path, needed: int) -> None:
    """See that there is room on the disk, what was fetched before taken into account.

    Raises:
        SetupFailure: There is not.
    """
    missing = max(needed - tree_size(agents / UV_CACHE), needed // 4)
    free = shutil.disk_usage(agents).free
    if free < missing:
        raise SetupFailure(
            f"There are {free // MEGABYTE} MB left on the disk of {agents}, and {missing // MEGABYTE} MB are needed.",
            next_step="Make room, or name a folder on another disk in TESTWRIGHT_CACHE_DIR.",
        )


def remove_whole(path: Path) -> None:
    """Remove an environment: the seal goes first, by a rename, so that nobody finds half of it."""
    torn = path.with_name(f".{path.name}-{secrets.token_hex(4)}{TORN}")
    path.rename(torn)
    remove_tree(torn)


def remove_torn(agents: Path) -> None:
    """Remove what a crash has left; whoever calls holds the lock, so nobody is making one."""
    for path in agents.glob(f".*{TORN}"):
        remove_tree(path)
