"""A private, filtered copy of the workspace: what a box may read of it.

What is left out: version control, virtual environments, caches and build outputs (they are large and no part of the
sources), what a box must never read (secrets, by the patterns below), and what cannot be copied (sockets, devices,
links that lead out of the workspace). Python sources stay whatever they are called.

What an editor holds takes the place of what the disk has, under the same rules: being open makes nothing visible. No
bytecode is copied, so none can be older than its source.

The copy's files are readable for everybody and its top folder is too when we are root, since root's boxes run under a
foreign user; so put it into a folder that others cannot list (``Registry.private_folder``).
"""

from __future__ import annotations

import errno
import fnmatch
import os
import re
import stat
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from testwright.boxes.protocol import MIB
from testwright.errors import BoxFailure

TOTAL_CAP = 512 * MIB
FILE_CAP = 32 * MIB
COUNT_CAP = 100_000

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
_SOURCES = (".py", ".pyi", ".pyx", ".pxd")
_LEFT_OUT_FOLDERS = frozenset({
    ".hg", ".svn", ".bzr", ".jj", "node_modules", "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".tox",
    ".nox", ".hypothesis", ".cache", ".eggs", ".ipynb_checkpoints", ".pytype", ".pyre", ".direnv", ".terraform",
    "__pypackages__",
})  # fmt: skip
_BUILD_FOLDERS = frozenset({"build", "dist", "htmlcov"})  # only at the top, and only when they are no package
_SECRET_FOLDERS = frozenset({".ssh", ".aws", ".gnupg", ".azure", ".kube", ".docker", ".gcloud", ".password-store"})
_SECRET_PATTERNS = (
    ".git*", ".env", ".env.*", "*.env", ".envrc", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx",
    "*.ppk", "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", ".netrc", "_netrc", ".pypirc", ".npmrc", ".yarnrc*",
    ".pgpass", ".my.cnf", ".htpasswd", ".dockercfg", ".vault-token", ".boto", ".s3cfg", ".secrets*", "credentials*",
    "secrets", "secrets.*", "service-account*.json", "service_account*.json", "client_secret*.json", "*.tfstate",
    "*.tfstate.*", "*.tfvars",
)  # fmt: skip
_SECRET_NAMES = re.compile("|".join(map(fnmatch.translate, _SECRET_PATTERNS)))
_HARMLESS = re.compile(r"\.env\.(example|sample|template|dist)\Z")


@dataclass(frozen=True, slots=True)
class SnapshotReport:
    """What was copied and what was not; paths are relative to the workspace.

    Attributes:
        files: Files copied.
        size: Bytes copied.
        secrets: Left out because their names are those of secrets.
        too_large: Left out for their size, or because the copy had grown too large.
        outside: Links that lead out of the workspace.
        unreadable: What we may not read.
    """

    files: int
    size: int
    secrets: tuple[Path, ...]
    too_large: tuple[Path, ...]
    outside: tuple[Path, ...]
    unreadable: tuple[Path, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the user about what the box will miss."""
        told = (
            (self.secrets, "look like secrets by their names and are hidden from the box"),
            (self.too_large, f"are too large to copy (over {FILE_CAP // MIB} MiB, or {TOTAL_CAP // MIB} MiB in all)"),
            (self.outside, "are links that lead out of the workspace and are left out"),
            (self.unreadable, "cannot be read and are left out"),
        )
        return tuple(f"{_names(paths)} {words}." for paths, words in told if paths)


def make_snapshot(
    workspace: Path,
    destination: Path,
    *,
    keep: Iterable[Path] = (),
    buffers: Mapping[Path, bytes] | None = None,
    stop: Event | None = None,
) -> SnapshotReport:
    """Copy what a box may see of a workspace.

    No link is followed, and what is swapped for a link meanwhile is not either.

    Args:
        workspace: Absolute folder.
        destination: Folder to make; its parent must exist and should be private.
        keep: Files or folders in the workspace that are copied even though they lie in a build folder or a cache or
            are large. Secrets are not.
        buffers: Content that files have in place of what is on the disk, by absolute path; a file need not be there.
            Those outside the workspace are not looked at.
        stop: Once it is set, no further file is copied: nobody wants the copy any more.

    Returns:
        What was copied and what was not.

    Raises:
        BoxFailure: The workspace cannot be read or has too many files, or the disk refuses the copy.
    """
    workspace = Path(os.path.realpath(workspace))
    kept = {Path(os.path.realpath(path)).relative_to(workspace) for path in keep}
    held = {Path(os.path.realpath(path)): data for path, data in (buffers or {}).items()}
    inside = {path.relative_to(workspace): data for path, data in held.items() if path.is_relative_to(workspace)}
    copier = _Copier(workspace, kept, inside, stop or Event())
    try:
        _make_folder(destination, 0o755 if os.geteuid() == 0 else 0o700)
        top = os.open(workspace, os.O_RDONLY | os.O_DIRECTORY)
        try:
            copier.copy_folder(top, destination, Path())
            copier.add_unsaved(top, destination)
        finally:
            os.close(top)
    except OSError as error:
        raise BoxFailure(
            f"The workspace {workspace} could not be copied for the box: {error.strerror or error}.",
            next_step="Free some space in the temporary folder."
            if error.errno in {errno.ENOSPC, errno.EDQUOT}
            else "Check that the workspace can be read and the temporary folder (TMPDIR) can be written.",
        ) from error
    return copier.report()


def is_secret(name: str, *, folder: bool) -> bool:
    """Whether a name is that of a secret. Python sources never are."""
    lower = name.lower()
    if folder:
        return lower in _SECRET_FOLDERS or lower.startswith(".git")
    return _SECRET_NAMES.match(lower) is not None and not lower.endswith(_SOURCES) and not _HARMLESS.match(lower)


@dataclass(slots=True)
class _Copier:
    workspace: Path
    kept: set[Path]
    buffers: dict[Path, bytes]
    stop: Event
    files: int = 0
    size: int = 0
    secrets: list[Path] = field(default_factory=list)
    too_large: list[Path] = field(default_factory=list)
    outside: list[Path] = field(default_factory=list)
    unreadable: list[Path] = field(default_factory=list)

    def report(self) -> SnapshotReport:
        return SnapshotReport(
            self.files,
            self.size,
            *(tuple(sorted(paths)) for paths in (self.secrets, self.too_large, self.outside, self.unreadable)),
        )

    def copy_folder(self, source: int, destination: Path, relative: Path) -> None:
        """Copy the content of an open folder."""
        with os.scandir(source) as scan:
            entries = sorted(scan, key=lambda entry: entry.name)
        for entry in entries:
            if self.stop.is_set():
                return
            path = relative / entry.name
            place = destination / entry.name
            if entry.is_symlink():
                self._copy_link(source, entry.name, place, path)
            elif entry.is_dir(follow_symlinks=False):
                self._enter(source, entry.name, place, path)
            elif entry.is_file(follow_symlinks=False):
                self._copy_file(source, entry.name, place, path)

    def _enter(self, parent: int, name: str, place: Path, path: Path) -> None:
        if is_secret(name, folder=True):
            self.secrets.append(path)
            return
        try:
            folder = os.open(name, _FOLDER, dir_fd=parent)
        except OSError:
            self.unreadable.append(path)
            return
        try:
            if self._is_left_out(folder, name, path):
                if not any(path == kept or path in kept.parents for kept in self.kept):
                    return
                self._copy_kept(folder, place, path)
                return
            _make_folder(place)
            self.copy_folder(folder, place, path)
        finally:
            os.close(folder)

    def _copy_kept(self, folder: int, place: Path, path: Path) -> None:
        """Of a folder that is left out, only what is to be kept."""
        _make_folder(place)
        if path in self.kept:
            self.copy_folder(folder, place, path)
            return
        for name in sorted({kept.parts[len(path.parts)] for kept in self.kept if path in kept.parents}):
            try:
                mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
            except OSError:
                continue
            if stat.S_ISREG(mode):
                self._copy_file(folder, name, place / name, path / name)
            elif stat.S_ISDIR(mode):
                below = os.open(name, _FOLDER, dir_fd=folder)
                try:
                    self._copy_kept(below, place / name, path / name)
                finally:
                    os.close(below)

    @staticmethod
    def _is_left_out(folder: int | None, name: str, path: Path) -> bool:
        """Whether a folder is no part of the sources; None is one that is not on the disk."""
        if name in _LEFT_OUT_FOLDERS:
            return True
        if name in _BUILD_FOLDERS and len(path.parts) == 1:
            return not _has(folder, "__init__.py")
        return _has(folder, "pyvenv.cfg") or _has(folder, "conda-meta")

    def _copy_file(self, parent: int, name: str, place: Path, path: Path) -> None:
        if is_secret(name, folder=False):
            self.secrets.append(path)
            return
        try:
            # Not blocking: a pipe may have taken the file's place since it was listed.
            source = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=parent)
        except OSError:
            if path not in self.buffers:
                self.unreadable.append(path)
            return
        try:
            status = os.fstat(source)
            if not stat.S_ISREG(status.st_mode):
                return
            held = self.buffers.pop(path, None)
            if not self._has_room(path, status.st_size if held is None else len(held)):
                return
            if held is None:
                self.size += _copy_content(source, place, status)
            else:
                self.size += _write_content(place, held, _mode(status))
        finally:
            os.close(source)

    def _has_room(self, path: Path, size: int) -> bool:
        """Count a file; whether it is to be copied, which sources are whatever their size."""
        needed = path.name.endswith(_SOURCES) or path in self.kept
        if not needed and (size > FILE_CAP or self.size + size > TOTAL_CAP):
            self.too_large.append(path)
            return False
        self.files += 1
        if self.files > COUNT_CAP or self.size + size > TOTAL_CAP:
            raise BoxFailure(
                f"The workspace {self.workspace} is too large for a box "
                f"(over {COUNT_CAP} files, or {TOTAL_CAP // MIB} MiB of sources).",
                next_step="Take the project's own folder as the workspace.",
            )
        return True

    def add_unsaved(self, source: int, destination: Path) -> None:
        """Write what an editor holds and the disk has not, or has not any more.

        Args:
            source: The open workspace.
            destination: The copy, all of the workspace being in it.
        """
        for path, data in sorted(self.buffers.items()):
            if self._is_seen(source, path) and self._has_room(path, len(data)):
                if _write_below(destination, path, data):
                    self.size += len(data)
                else:
                    self.unreadable.append(path)

    def _is_seen(self, source: int, path: Path) -> bool:
        """Whether a file of this name would be copied if it were on the disk."""
        with ExitStack() as stack:
            folder: int | None = source
            for depth, name in enumerate(path.parts[:-1], 1):
                here = Path(*path.parts[:depth])
                if is_secret(name, folder=True):
                    self._hide(here)
                    return False
                folder = _opened(stack, folder, name)
                if self._is_left_out(folder, name, here) and not self._is_kept(path):
                    return False
        if is_secret(path.name, folder=False):
            self._hide(path)
            return False
        return True

    def _is_kept(self, path: Path) -> bool:
        return any(path == kept or kept in path.parents for kept in self.kept)

    def _hide(self, path: Path) -> None:
        if path not in self.secrets:
            self.secrets.append(path)

    def _copy_link(self, parent: int, name: str, place: Path, path: Path) -> None:
        if is_secret(name, folder=False) or is_secret(name, folder=True):
            self.secrets.append(path)
            return
        try:
            target = os.readlink(name, dir_fd=parent)
        except OSError:
            self.unreadable.append(path)
            return
        folder = self.workspace / path.parent
        real = Path(os.path.realpath(folder / target))
        if not real.is_relative_to(self.workspace):
            self.outside.append(path)
            return
        lexical = os.path.normpath(path.parent / target)
        if target.startswith("/") or lexical == ".." or lexical.startswith("../"):
            target = os.path.relpath(real, folder)
        place.symlink_to(target)
        self.files += 1


def _make_folder(place: Path, mode: int = 0o755) -> None:
    place.mkdir(mode=0o700)
    place.chmod(mode)  # whatever the umask


def _has(folder: int | None, name: str) -> bool:
    if folder is None:
        return False
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError:
        return False
    return True


def _copy_content(source: int, place: Path, status: os.stat_result) -> int:
    """Copy an open file, no further than it was long; its time and whether it can be executed are kept."""
    mode = _mode(status)
    copy = os.open(place, _NEW, mode)
    try:
        left = status.st_size
        while left > 0:
            sent = os.sendfile(copy, source, None, left)
            if sent == 0:
                break
            left -= sent
        os.fchmod(copy, mode)  # whatever the umask
        os.utime(copy, ns=(status.st_atime_ns, status.st_mtime_ns))
        return status.st_size - left
    finally:
        os.close(copy)


def _mode(status: os.stat_result) -> int:
    return 0o755 if status.st_mode & 0o111 else 0o644


def _write_content(place: Path | str, data: bytes, mode: int, *, folder: int | None = None) -> int:
    """Write a new file; ``place`` is a name in ``folder`` when that is given."""
    copy = os.open(place, _NEW, mode, dir_fd=folder)
    with os.fdopen(copy, "wb") as stream:
        stream.write(data)
        os.fchmod(copy, mode)  # whatever the umask
    return len(data)


def _write_below(destination: Path, path: Path, data: bytes) -> bool:
    """Write a file into the copy, folders made on the way; False where a link or a file stands in the way."""
    with ExitStack() as stack:
        folder = os.open(destination, _FOLDER)
        stack.callback(os.close, folder)
        for name in path.parts[:-1]:
            try:
                os.mkdir(name, 0o700, dir_fd=folder)
            except FileExistsError:
                made = False
            else:
                made = True
            below = _opened(stack, folder, name)
            if below is None:
                return False
            folder = below
            if made:
                os.fchmod(folder, 0o755)  # whatever the umask
        try:
            _write_content(path.name, data, 0o644, folder=folder)
        except FileExistsError:
            return False
    return True


def _opened(stack: ExitStack, folder: int | None, name: str) -> int | None:
    """A folder in an open one, open until the stack ends; None when it is none, or a link."""
    if folder is None:
        return None
    try:
        below = os.open(name, _FOLDER, dir_fd=folder)
    except OSError:
        return None
    stack.callback(os.close, below)
    return below


def _names(paths: tuple[Path, ...]) -> str:
    shown = ", ".join(str(path) for path in paths[:3])
    return f"{shown} and {len(paths) - 3} more" if len(paths) > 3 else shown
