"""The box for hosts that forbid namespaces: Landlock for files, a seccomp filter for all else.

It needs no privilege. What it cannot do as bubblewrap does:

- there is no loopback of its own: every socket is refused, so a server that a test starts fails;
- there are no semaphores in shared memory, so ``multiprocessing`` locks fail;
- names, sizes and times of files outside can be learnt, though nothing of their content;
- processes of the same user can be seen by their numbers;
- the scratch is a folder on the disk, whose size is only watched.

Permissions and times are no matter of Landlock. As a plain user the launcher judges each such call and allows it in the
scratch alone; as root the program runs under a user number of its own, who owns nothing else (and keeps the capability
to search folders only where an interpreter or the snapshot lies in a private one). Signals to processes
outside are held in by Landlock from its version 6 on, and are judged by the launcher before.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import ClassVar

from testwright.boxes import seccomp
from testwright.boxes.confined import Confinement, make_scratch, seen_in_snapshot, start_confined
from testwright.boxes.launcher import kernel
from testwright.boxes.limits import whole
from testwright.boxes.paths import check_world, existing_roots
from testwright.boxes.protocol import BoxProcess, Command, Limits, Probe, World
from testwright.boxes.reaping import Registry
from testwright.boxes.users import is_root
from testwright.errors import BoxFailure, BoxUnavailable

# Rights of Landlock, from the kernel's headers.
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_IOCTL_DEV = 1 << 15
_FILES_OF_VERSION = {3: (1 << 15) - 1, 5: (1 << 16) - 1}  # all rights on files that a version knows
_ALL_NETWORK, _NETWORK_VERSION = 0b11, 4
_ALL_SCOPES, _SCOPES_VERSION = 0b11, 6
_OLDEST = 3
"""Below, files outside could be cut off (truncate), and nothing could be moved within the scratch."""

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/sys/devices/system/cpu")
_ETC = (
    *("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "localtime", "mime.types", "protocols", "services"),
    *("ssl/certs", "ssl/openssl.cnf", "ca-certificates", "pki/tls/certs", "pki/ca-trust/extracted", "nsswitch.conf"),
    *("passwd", "group", "hosts"),
)
_PROC = ("self", "meminfo", "cpuinfo", "stat", "uptime", "loadavg", "version", "filesystems")
_DEVICES = ("null", "zero", "full", "random", "urandom")

_PROBE_SCRIPT = r"""
(: >"$1/probe") 2>/dev/null && echo workspace is writable
(: >"$TMPDIR/probe") 2>/dev/null && echo scratch is writable
(: <"$2") 2>/dev/null && echo foreign files are readable
echo ran
"""
_PROBE_ANSWER = {"scratch is writable", "ran"}


class LandlockBox:
    """Box by Landlock and seccomp."""

    name: ClassVar[str] = "landlock"

    def __init__(self, registry: Registry | None = None, *, version: int | None = None) -> None:
        """Make a box; nothing is started yet.

        Args:
            registry: Where starts are noted; None is the user's own.
            version: Use no more than this version of Landlock; None is what the kernel has.
        """
        self._registry = registry or Registry.default()
        self._version = version
        self._probe: Probe | None = None

    async def probe(self) -> Probe:
        """Try a start, and look whether it is as closed as it must be."""
        if self._probe is None:
            self._probe = await self._try()
        return self._probe

    def seen(self, world: World, path: Path) -> Path:
        """A path in the workspace is seen in the snapshot; all others where they are."""
        return seen_in_snapshot(world, path)

    async def start(self, world: World, command: Command) -> BoxProcess:
        """Start a program.

        Raises:
            BoxUnavailable: The kernel has no Landlock, or too old a one.
            BoxFailure: It could not be started.
        """
        version = self._usable_version()
        check_world(world)
        scratch = make_scratch(self._registry)
        return await whole(
            start_confined(
                world,
                command,
                registry=self._registry,
                scratch=scratch,
                confinement=Confinement(
                    landlock=self._landlock(world, scratch.folder, version),
                    filter=self._filter(version),
                    judged=_judged(version),
                ),
            )
        )

    def _usable_version(self) -> int:
        if sys.platform != "linux":
            raise BoxUnavailable("Landlock is a part of Linux.", next_step="On Windows use WSL 2.")
        version = kernel.landlock_version()
        if version == 0:
            raise BoxUnavailable(
                "This kernel has no Landlock, or it is not switched on.",
                next_step="Linux 6.2 or newer with landlock in the kernel's lsm= list has it.",
            )
        version = min(version, self._version or version)
        if version < _OLDEST:
            raise BoxUnavailable(
                f"This kernel's Landlock is too old (version {version}; {_OLDEST} came with Linux 6.2).",
                next_step="Use a newer kernel.",
            )
        if not seccomp.supported():
            raise BoxUnavailable(
                f"The landlock box is not made for {os.uname().machine}.", next_step="Use x86_64 or aarch64."
            )
        return version

    def _landlock(self, world: World, scratch: Path, version: int) -> dict[str, object]:
        """Rules: read the system, the world and a little of /proc; write the scratch."""
        files = _FILES_OF_VERSION[max(known for known in _FILES_OF_VERSION if known <= version)]
        read_folder = _EXECUTE | _READ_FILE | _READ_DIR
        device = _READ_FILE | _WRITE_FILE | (_IOCTL_DEV & files)
        allowed: list[tuple[str, int]] = [(str(scratch), files & ~_IOCTL_DEV), (str(world.snapshot), read_folder)]
        readable = [*map(Path, _SYSTEM), *existing_roots(world), *(Path("/etc") / name for name in _ETC)]
        readable += [*Path("/etc").glob("python3*"), *(Path("/proc") / name for name in _PROC)]
        allowed += [
            (str(path), read_folder if path.is_dir() else read_folder & ~_READ_DIR)
            for path in readable
            if os.access(path, os.R_OK)
        ]
        allowed += [(f"/dev/{name}", device) for name in _DEVICES]
        return {
            "files": files,
            "network": _ALL_NETWORK if version >= _NETWORK_VERSION else 0,
            "scopes": _ALL_SCOPES if version >= _SCOPES_VERSION else 0,
            "allowed": allowed,
        }

    def _filter(self, version: int) -> bytes:
        rules = [*seccomp.kernel_surface(), *seccomp.no_network(), *seccomp.no_neighbours()]
        return seccomp.assemble([*rules, *_judged_rules(version)])

    async def _try(self) -> Probe:
        with tempfile.TemporaryDirectory(prefix="testwright-probe-") as folder:
            place, foreign = Path(folder, "workspace"), Path(folder, "foreign")
            _make_probe_world(place, foreign)
            world = World(workspace=place, snapshot=place, read_only=())
            argv = ("/bin/sh", "-c", _PROBE_SCRIPT, "probe", str(place), str(foreign))
            try:
                async with await self.start(world, Command(argv, limits=Limits(wall=10.0))) as process:
                    answer = {line.decode(errors="replace") async for line in process.lines()}
                    ended = await process.wait()
            except (BoxFailure, BoxUnavailable) as error:
                return Probe(usable=False, detail=error.message, next_step=error.next_step)
        if answer == _PROBE_ANSWER and ended.code == 0:
            version = kernel.landlock_version()
            return Probe(
                usable=True, detail=f"Landlock version {version} with seccomp works; tests cannot use sockets."
            )
        said = ended.stderr.strip() or f"a trial start answered {sorted(answer)}"
        return Probe(usable=False, detail=f"Landlock does not close its box here: {said}.", next_step="Use bubblewrap.")


def _judged_rules(version: int) -> list[seccomp.Rule]:
    if is_root():  # the program's own user number keeps it from what others own
        return []
    signals = [] if version >= _SCOPES_VERSION else seccomp.judged_signals()
    return [*seccomp.judged_metadata(), *signals]


def _judged(version: int) -> dict[str, int]:
    judged = {}
    for rule in _judged_rules(version):
        number = seccomp.number_of(rule.call)
        if rule.error is None and number is not None:
            judged[rule.call] = number
    return judged


def _make_probe_world(place: Path, foreign: Path) -> None:
    """A workspace, and a file outside it that everybody could read; so that it is the rules that forbid."""
    os.chmod(place.parent, 0o755)  # noqa: PTH101, S103 - its content is nothing
    place.mkdir(mode=0o755)
    foreign.write_text("foreign", "utf-8")
    foreign.chmod(0o644)
