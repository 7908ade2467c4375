"""The one place that changes the workspace: the agreed test file, whole or not at all.

The path is walked by descriptor and no link is followed, so that nothing that happens to the folders meanwhile can lead
elsewhere. A new file appears by ``link``, which fails when the name is taken; an existing one is replaced by
``rename`` when its bytes are still those that the run began with. On a file system without links a new file is created
exclusively and then filled: a crash in between can leave it short, but nothing of the user's is ever overwritten.
"""

from __future__ import annotations

import contextlib
import difflib
import errno
import hashlib
import io
import os
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from testwright.analysis.writable import check_writable_name
from testwright.errors import WriteConflict, WriteFailure, WriteRefused
from testwright.model import TestPlace
from testwright.writing.encoding import SourceFile

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV})
_MODE = 0o666  # the process's umask takes its part
_PREFIX = ".testwright-"
_ELSEWHERE = "Run again, name another file with --output, or look at the change with --dry-run."


def write_test_file(place: TestPlace, data: bytes, workspace: Path) -> None:
    """Put the test file into the workspace.

    Args:
        place: What was agreed at the start, and what was there then.
        data: The whole file.
        workspace: Absolute, resolved root; nothing above it is looked at.

    Raises:
        WriteRefused: The path is not one that may be written, or leads through a link.
        WriteConflict: The file is not what it was at the start. Nothing was overwritten.
        WriteFailure: The disk refused. The old file, or its absence, is as it was.
    """
    check_writable_name(place.path, workspace)
    parts = _parts(place.path, workspace)
    try:
        with _open_folder(workspace, parts[:-1], place) as folder:
            _write(folder.descriptor, parts[-1], place, data)
            folder.created.clear()
    except OSError as error:
        raise _failure(error, place.path) from error


def unified_diff(place: TestPlace, new: bytes, workspace: Path) -> str:
    """The change as a unified diff, for ``--dry-run``; empty when there is none."""
    name = place.path.relative_to(workspace).as_posix()
    before = _text(place.original) if place.original is not None else ""
    lines = difflib.unified_diff(
        list(io.StringIO(before)),  # unlike splitlines, it takes no form feed for a line end
        list(io.StringIO(_text(new))),
        fromfile=f"a/{name}" if place.exists else "/dev/null",
        tofile=f"b/{name}",
    )
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def proposal_path(data: bytes, place: TestPlace, state: Path) -> Path:
    """Where ``save_proposal`` keeps a proposal."""
    return state / "proposals" / f"{hashlib.sha256(data).hexdigest()[:12]}-{place.path.name}"


def save_proposal(data: bytes, place: TestPlace, state: Path) -> Path:
    """Keep a proposal that could not be written, outside the workspace.

    Args:
        data: The whole file.
        place: Where it should have gone; gives the name.
        state: Our own folder for state (``housekeeping.state_dir()``).

    Raises:
        WriteFailure: It cannot be written there either.
    """
    path = proposal_path(data, place, state)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_bytes(data)
    except OSError as error:
        raise _failure(error, path) from error
    return path


@dataclass(slots=True)
class _Folder:
    """An open folder, and the folders that were made for it: (parent's descriptor, name)."""

    descriptor: int
    created: list[tuple[int, str]] = field(default_factory=list)


def _parts(path: Path, workspace: Path) -> tuple[str, ...]:
    try:
        parts = path.relative_to(workspace).parts
    except ValueError:
        parts = ()
    if not parts or ".." in parts:
        raise WriteRefused(
            f"{path} is not in the workspace {workspace}, so it is not written.",
            next_step="Name a file in the workspace with --output.",
        )
    return parts


@contextlib.contextmanager
def _open_folder(workspace: Path, names: tuple[str, ...], place: TestPlace) -> Iterator[_Folder]:
    """Walk down from the workspace, making what is missing; what was made goes again on failure."""
    with contextlib.ExitStack() as stack:
        folder = _Folder(_opened(stack, os.open(workspace, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)))
        try:
            for name in names:
                _descend(stack, folder, name, place)
            yield folder
        finally:
            _remove_created(folder)  # while the folders' descriptors are open


def _descend(stack: contextlib.ExitStack, folder: _Folder, name: str, place: TestPlace) -> None:
    """Open a folder in the one that is open, made if it is missing."""
    parent = folder.descriptor
    try:
        try:
            descriptor = os.open(name, _FOLDER, dir_fd=parent)
        except FileNotFoundError:
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, 0o777, dir_fd=parent)
                folder.created.append((parent, name))
            descriptor = os.open(name, _FOLDER, dir_fd=parent)
        folder.descriptor = _opened(stack, descriptor)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENOTDIR}:
            raise _linked(place.path, name) from error
        raise


def _opened(stack: contextlib.ExitStack, descriptor: int) -> int:
    stack.callback(os.close, descriptor)
    return descriptor


def _remove_created(folder: _Folder) -> None:
    for parent, name in reversed(folder.created):
        with contextlib.suppress(OSError):  # another program may have put something into it
            os.rmdir(name, dir_fd=parent)


def _linked(path: Path, name: str) -> WriteRefused:
    return WriteRefused(
        f"{path} leads through {name!r}, which is a link or no folder, so it is not written.",
        next_step="Name a file in a plain folder of the workspace with --output.",
    )


def _write(folder: int, name: str, place: TestPlace, data: bytes) -> None:
    status = _status_if_unchanged(folder, name, place)
    temporary = f"{_PREFIX}{secrets.token_hex(8)}.tmp"
    try:
        _fill(_created(folder, temporary), data, status)
        if status is None:
            _link_new(folder, temporary, name, place, data)
        else:
            _status_if_unchanged(folder, name, place)  # again: the last moment at which it can be told
            os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
    with contextlib.suppress(OSError):  # the file is whole; some file systems cannot flush a folder
        os.fsync(folder)


def _status_if_unchanged(folder: int, name: str, place: TestPlace) -> os.stat_result | None:
    """The existing file's owner and permissions, None when there is none, as agreed.

    Raises:
        WriteConflict: It is not as it was.
        WriteRefused: It is a link, or no file.
    """
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=folder)
    except FileNotFoundError:
        if place.exists:
            raise _conflict(place, "was removed") from None
        return None
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENXIO}:
            raise _linked(place.path, name) from error
        raise
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise _linked(place.path, name)
        if not place.exists:
            raise _conflict(place, "was created")
        with open(descriptor, "rb", closefd=False) as stream:
            if hashlib.sha256(stream.read()).hexdigest() != place.digest:
                raise _conflict(place, "was changed")
    finally:
        os.close(descriptor)
    return status


def _conflict(place: TestPlace, what: str) -> WriteConflict:
    return WriteConflict(f"{place.path} {what} during the run, so nothing was written.", next_step=_ELSEWHERE)


def _created(folder: int, name: str) -> int:
    """A new file, open for writing."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(name, flags, _MODE, dir_fd=folder)


def _fill(descriptor: int, data: bytes, like: os.stat_result | None) -> None:
    """Write a file whole, with the owner and the permissions of the one that it replaces, and make the disk hold it."""
    try:
        if like is not None:
            own = os.fstat(descriptor)
            if (own.st_uid, own.st_gid) != (like.st_uid, like.st_gid):
                with contextlib.suppress(PermissionError):  # only root may give a file away
                    os.fchown(descriptor, like.st_uid, like.st_gid)
            os.fchmod(descriptor, stat.S_IMODE(like.st_mode))
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _link_new(folder: int, temporary: str, name: str, place: TestPlace, data: bytes) -> None:
    try:
        os.link(temporary, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except FileExistsError:
        raise _conflict(place, "was created") from None
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        _create_directly(folder, name, place, data)


def _create_directly(folder: int, name: str, place: TestPlace, data: bytes) -> None:
    """For file systems without links: exclusive, removed again when it cannot be filled."""
    try:
        descriptor = _created(folder, name)
    except FileExistsError:
        raise _conflict(place, "was created") from None
    try:
        _fill(descriptor, data, None)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name, dir_fd=folder)
        raise


_REASONS = {
    errno.ENOSPC: ("the disk is full", "Free some space and run again."),
    errno.EDQUOT: ("the disk quota is used up", "Free some space and run again."),
    errno.EROFS: ("the file system is read-only", "Name another place with --output, or use --dry-run."),
    errno.EACCES: ("permission is denied", "Allow writing there, name another place with --output, or use --dry-run."),
    errno.EPERM: ("permission is denied", "Allow writing there, name another place with --output, or use --dry-run."),
    errno.ENAMETOOLONG: ("its name is too long", "Name another file with --output."),
}


def _failure(error: OSError, path: Path) -> WriteFailure:
    reason, next_step = _REASONS.get(error.errno or 0, (error.strerror or str(error), _ELSEWHERE))
    return WriteFailure(f"{path} could not be written: {reason}. What was there is untouched.", next_step=next_step)


def _text(data: bytes) -> str:
    return SourceFile.of(data).text
