"""The box of Linux: namespaces made by bubblewrap, with an allow-list of mounts.

Inside, ``/tmp`` is the private scratch and the only place that can be written; the workspace's path shows the snapshot,
read-only; there is no network but a loopback of the box's own.

As a plain user bubblewrap makes a user namespace. As root it does not, because root in a namespace made by root could
remount what is read-only and would be spared the limit on processes: the mounts are made as root, and the first program
inside gives up root for a user number that this start alone has, and all capabilities.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import sys
import tempfile
from pathlib import Path
from typing import ClassVar

from testwright.boxes import mounts, seccomp
from testwright.boxes.environment import box_environment, split_loader_variables
from testwright.boxes.limits import SupervisedProcess, kernel_limits, whole
from testwright.boxes.memory_files import memory_file
from testwright.boxes.namespace import Namespace
from testwright.boxes.paths import check_world
from testwright.boxes.programs import bubblewrap_programs, system_program
from testwright.boxes.protocol import BoxProcess, Command, Limits, Probe, World
from testwright.boxes.reaping import MARKER, Registry
from testwright.boxes.users import box_user, is_root, processes_counted
from testwright.errors import BoxFailure, BoxUnavailable

# Prints what a box must be; only a shell's own words, since there may be no other program.
_PROBE_SCRIPT = r"""
while read -r line; do case $line in CapEff:*|NoNewPrivs:*) echo $line;; esac; done </proc/self/status
while read -r name rest; do case $name in *:) echo net $name;; esac; done </proc/net/dev
(: >"$1/probe") 2>/dev/null && echo workspace is writable
(: >"$TMPDIR/probe") 2>/dev/null && echo scratch is writable
"""
_PROBE_ANSWER = {"CapEff: 0000000000000000", "NoNewPrivs: 1", "net lo:", "scratch is writable"}


class BubblewrapBox:
    """Box by bubblewrap: the system's ``bwrap``, else the one that came with Testwright."""

    name: ClassVar[str] = "bubblewrap"

    def __init__(self, registry: Registry | None = None) -> None:
        """Make a box; nothing is started yet.

        Args:
            registry: Where starts are noted, so that what a crash leaves can be found; None is the user's own.
        """
        self._registry = registry or Registry.default()
        self._probe: Probe | None = None
        self._program: Path | None = None

    async def probe(self) -> Probe:
        """Try a start, and look whether it is as closed as it must be."""
        if self._probe is None:
            self._probe = await self._try_all()
        return self._probe

    def seen(self, world: World, path: Path) -> Path:
        """A path in the snapshot is seen in the workspace's place; all others where they are."""
        if path.is_relative_to(world.snapshot):
            return world.workspace / path.relative_to(world.snapshot)
        return path

    async def start(self, world: World, command: Command) -> BoxProcess:
        """Start a program.

        Raises:
            BoxUnavailable: No ``bwrap`` makes a box here, or ``prlimit`` or, for root, ``setpriv`` is missing.
            BoxFailure: It could not be started.
        """
        probe = await self.probe()
        if self._program is None:
            raise BoxUnavailable(probe.detail, next_step=probe.next_step)
        return await whole(self._start(self._program, world, command))

    async def _start(self, bubblewrap: Path, world: World, command: Command) -> SupervisedProcess:
        check_world(world)
        wall_start = asyncio.get_running_loop().time()
        user = box_user()
        environment, loader = split_loader_variables(box_environment(world, command, scratch=mounts.SCRATCH))
        program = (*self._lower(user, command.limits), *_with_variables(loader), *command.argv)
        options = [*self._options(world, command.limits), *_variables(environment)]
        options += ["--chdir", str(self.seen(world, command.cwd) if command.cwd else mounts.SCRATCH)]
        with contextlib.ExitStack() as descriptors:
            passed: list[int] = []

            def pass_on(data: bytes) -> str:
                passed.append(memory_file(data))
                descriptors.callback(os.close, passed[-1])
                return str(passed[-1])

            for place, text in mounts.generated_files(user).items():
                options += ["--perms", "0444", "--ro-bind-data", pass_on(text.encode()), place]
            if seccomp.supported():  # on other machines the namespaces alone hold
                options += ["--seccomp", pass_on(seccomp.assemble(seccomp.kernel_surface()))]
            # Last: what bubblewrap itself has made (tmpfs) is closed for its owner too.
            options += ["--remount-ro", "/dev", "--remount-ro", "/"]
            # Not as arguments, which every user of the host may read: they hold the variables passed on.
            arguments = pass_on(os.fsencode("".join(f"{option}\0" for option in options)))
            status_read, status_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
            descriptors.callback(os.close, status_write)
            # The namespace's first process carries the marker too, out of reach of the program.
            marker = secrets.token_hex(16)
            note = self._registry.note(marker=marker)
            try:
                process = await asyncio.create_subprocess_exec(
                    *(str(bubblewrap), "--args", arguments, "--json-status-fd", str(status_write), "--", *program),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.PIPE,
                    pass_fds=(*passed, status_write),
                    env={MARKER: marker},
                    cwd="/",
                    start_new_session=True,  # Ctrl-C is for us, and we end the box
                )
            except OSError as error:
                os.close(status_read)
                self._registry.forget(note)
                raise BoxFailure(
                    f"bubblewrap could not be started: {error.strerror or error}.", next_step="See testwright doctor."
                ) from error
        tree = Namespace(process, status_read, lambda: self._registry.forget(note))
        await tree.begin()
        return SupervisedProcess(process, tree, command=command, wall_start=wall_start)

    def _options(self, world: World, limits: Limits) -> list[str]:
        """Namespaces and mounts."""
        options = ["--die-with-parent", "--new-session", "--clearenv"]
        if is_root():
            # No user namespace (see the module's docstring). Kept is what is needed to give up the rest inside.
            options += ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
            options += ["--cap-drop", "ALL"]
            options += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_SETPCAP"]
        else:
            options += ["--unshare-all", "--unshare-user", "--cap-drop", "ALL"]
        options += ["--hostname", "box"]
        options += mounts.system_mounts()
        options += mounts.scratch_mounts(limits.file)
        options += mounts.world_mounts(world, foreign_user=is_root())
        return options

    def _lower(self, user: int, limits: Limits) -> list[str]:
        """The programs that set the kernel's limits and give up root, before the boxed one."""
        values = kernel_limits(limits, processes_now=processes_counted(own_namespace=True))
        words = [_needed("prlimit"), *(f"--{name}={soft}:{hard}" for name, (soft, hard) in values.items()), "--"]
        if is_root():
            words += [_needed("setpriv"), f"--reuid={user}", f"--regid={user}", "--clear-groups", "--no-new-privs"]
            words += ["--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all", "--"]
        return words

    async def _try_all(self) -> Probe:
        if sys.platform != "linux":
            return Probe(
                usable=False,
                detail="bubblewrap is a program for Linux, and there is no box for this system yet.",
                next_step="On Windows use WSL 2; on macOS use a Linux machine or container.",
            )
        refusals = []
        for program in bubblewrap_programs():
            probe = await self._try(program)
            if probe.usable:
                self._program = program
                return probe
            refusals.append(probe)
        if refusals:
            return refusals[0]
        return Probe(
            usable=False,
            detail="There is no bubblewrap on this machine.",
            next_step="Install the package bubblewrap, or install Testwright with its dependencies.",
        )

    async def _try(self, program: Path) -> Probe:
        with tempfile.TemporaryDirectory(prefix="testwright-probe-") as folder:
            place = Path(folder)
            os.chmod(place, 0o755)  # noqa: PTH101, S103 - so that it is the mount that forbids writing, not the owner
            world = World(workspace=place, snapshot=place, read_only=())
            command = Command(("/bin/sh", "-c", _PROBE_SCRIPT, "probe", str(place)), limits=Limits(wall=10.0))
            try:
                async with await whole(self._start(program, world, command)) as process:
                    answer = {line.decode(errors="replace") async for line in process.lines()}
                    ended = await process.wait()
            except (BoxFailure, BoxUnavailable) as error:
                return Probe(usable=False, detail=error.message, next_step=_advice(error.message) or error.next_step)
        if answer == _PROBE_ANSWER and ended.code == 0:
            return Probe(usable=True, detail=f"{program} works{' as root' if is_root() else ''}.")
        said = ended.stderr.strip() or f"a trial start answered {sorted(answer)}"
        return Probe(usable=False, detail=f"bubblewrap does not close its box here: {said}.", next_step=_advice(said))


def _needed(name: str) -> str:
    path = system_program(name)
    if path is None:
        raise BoxUnavailable(
            f"bubblewrap needs the program {name}, which is not on this machine.",
            next_step="Install the package util-linux.",
        )
    return str(path)


def _variables(environment: dict[str, str]) -> list[str]:
    return [word for name, value in environment.items() for word in ("--setenv", name, value)]


def _with_variables(loader: dict[str, str]) -> list[str]:
    """Set the loader's variables after privileges are gone."""
    return [_needed("env"), *(f"{name}={value}" for name, value in loader.items())] if loader else []


def _advice(reason: str) -> str:
    """What to do about the ways in which hosts forbid bubblewrap."""
    if any(words in reason for words in ("uid map", "namespace", "Operation not permitted", "Permission denied")):
        return (
            "This host forbids the namespaces that a box needs. On Ubuntu 24.04 and newer allow them with the AppArmor "
            "profile for bwrap (package apparmor-profiles) or sysctl kernel.apparmor_restrict_unprivileged_userns=0; "
            "start a container with --security-opt seccomp=unconfined; or use --box landlock."
        )
    return ""
