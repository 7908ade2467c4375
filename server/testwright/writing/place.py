"""The one place that changes the workspace: the agreed test file, whole or not at all, and back again.

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
from collections.abc import Callable, Iterator
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
    agreed = _Agreed(place.path, place.digest if place.exists else None, _changed_during_the_run)
    try:
        with _open_folder(agreed, workspace) as folder:
            _write(folder.descriptor, agreed, data)
            folder.created.clear()
    except OSError as error:
        raise _failure(error, place.path) from error


def replace_test_file(path: Path, expected: bytes, data: bytes, workspace: Path) -> None:
    """Change a test file that a run has written, as when single tests are taken out of it.

    Args:
        path: Absolute path of the file.
        expected: What it must hold now.
        data: The whole new content.
        workspace: Absolute, resolved root; nothing above it is looked at.

    Raises:
        WriteRefused: The path is not one that may be written, or leads through a link.
        WriteConflict: The file holds something else, or is gone. It is kept as it is.
        WriteFailure: The disk refused. The file is as it was.
    """
    agreed = _Agreed(path, hashlib.sha256(expected).hexdigest(), _changed_since)
    try:
        with _open_folder(agreed, workspace) as folder:
            _write(folder.descriptor, agreed, data)
    except OSError as error:
        raise _failure(error, path) from error


def discard_test_file(path: Path, data: bytes, workspace: Path) -> None:
    """Remove a test file that a run has made; the folders that it made for it stay.

    Args:
        path: Absolute path of the file.
        data: What the run has written, which the file must still hold.
        workspace: Absolute, resolved root; nothing above it is looked at.

    Raises:
        WriteRefused: The path is not one that may be written, or leads through a link.
        WriteConflict: The file holds something else, or is gone. It is kept as it is.
        WriteFailure: The disk refused. The file is as it was.
    """
    agreed = _Agreed(path, hashlib.sha256(data).hexdigest(), _changed_since)
    try:
        with _open_folder(agreed, workspace) as folder:
            _status_if_unchanged(folder.descriptor, agreed)
            os.unlink(path.name, dir_fd=folder.descriptor)
            _flush(folder.descriptor)
    except OSError as error:
        raise WriteFailure(
            f"{path} could not be removed: {_reason(error)[0]}.", next_step="Remove it by hand if it is not wanted."
        ) from error


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


@dataclass(frozen=True, slots=True)
class _Agreed:
    """A file that may be changed, and what must be in it.

    Attributes:
        path: Absolute.
        digest: SHA-256 of its bytes; None when there must be no such file.
        conflict: The error when it is not so, by what has happened: ``was changed``.
    """

    path: Path
    digest: str | None
    conflict: Callable[[Path, str], WriteConflict]


def _changed_during_the_run(path: Path, what: str) -> WriteConflict:
    return WriteConflict(f"{path} {what} during the run, so nothing was written.", next_step=_ELSEWHERE)


def _changed_since(path: Path, what: str) -> WriteConflict:
    if what == "was removed":
        return WriteConflict(
            f"{path} was removed since its tests were written, so there is nothing to take back.",
            next_step="Generate the tests again if they are wanted.",
        )
    return WriteConflict(
        f"{path} {what} since its tests were written, so it is kept as it is.",
        next_step="Take out by hand what is not wanted.",
    )


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
def _open_folder(agreed: _Agreed, workspace: Path) -> Iterator[_Folder]:
    """Walk down from the workspace to the file's folder, making what is missing.

    What was made goes again at the end, unless it is taken from ``created``.
    """
    check_writable_name(agreed.path, workspace)
    parts = _parts(agreed.path, workspace)
    with contextlib.ExitStack() as stack:
        folder = _Folder(_opened(stack, os.open(workspace, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)))
        try:
            for name in parts[:-1]:
                _descend(stack, folder, name, agreed.path)
            yield folder
        finally:
            _remove_created(folder)  # while the folders' descriptors are open


def _descend(stack: contextlib.ExitStack, folder: _Folder, name: str, path: Path) -> None:
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
            raise _linked(path, name) from error
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


def _write(folder: int, agreed: _Agreed, data: bytes) -> None:
    name = agreed.path.name
    status = _status_if_unchanged(folder, agreed)
    temporary = f"{_PREFIX}{secrets.token_hex(8)}.tmp"
    try:
        _fill(_created(folder, temporary), data, status)
        if status is None:
            _link_new(folder, temporary, agreed, data)
        else:
            _status_if_unchanged(folder, agreed)  # again: the last moment at which it can be told
            os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
    _flush(folder)


def _flush(folder: int) -> None:
    with contextlib.suppress(OSError):  # the change is made; some file systems cannot flush a folder
        os.fsync(folder)


def _status_if_unchanged(folder: int, agreed: _Agreed) -> os.stat_result | None:
    """The existing file's owner and permissions, None when there is none, as agreed.

    Raises:
        WriteConflict: It is not as it was.
        WriteRefused: It is a link, or no file.
    """
    path = agreed.path
    try:
        descriptor = os.open(path.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=folder)
    except FileNotFoundError:
        if agreed.digest is not None:
            raise agreed.conflict(path, "was removed") from None
        return None
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENXIO}:
            raise _linked(path, path.name) from error
        raise
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise _linked(path, path.name)
        if agreed.digest is None:
            raise agreed.conflict(path, "was created")
        with open(descriptor, "rb", closefd=False) as stream:
            if hashlib.sha256(stream.read()).hexdigest() != agreed.digest:
                raise agreed.conflict(path, "was changed")
    finally:
        os.close(descriptor)
    return status


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


def _link_new(folder: int, temporary: str, agreed: _Agreed, data: bytes) -> None:
    try:
        os.link(temporary, agreed.path.name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except FileExistsError:
        raise agreed.conflict(agreed.path, "was created") from None
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        _create_directly(folder, agreed, data)


def _create_directly(folder: int, agreed: _Agreed, data: bytes) -> None:
    """For file systems without links: exclusive, removed again when it cannot be filled."""
    name = agreed.path.name
    try:
        descriptor = _created(folder, name)
    except FileExistsError:
        raise agreed.conflict(agreed.path, "was created") from None
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


def _reason(error: OSError) -> tuple[str, str]:
    """Why the disk has refused, and what can be done."""
    return _REASONS.get(error.errno or 0, (error.strerror or str(error), _ELSEWHERE))


def _failure(error: OSError, path: Path) -> WriteFailure:
    reason, next_step = _reason(error)
    return WriteFailure(f"{path} could not be written: {reason}. What was there is untouched.", next_step=next_step)


def _text(data: bytes) -> str:
    return SourceFile.of(data).text
