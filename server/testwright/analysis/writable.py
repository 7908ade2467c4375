"""Names that Testwright never writes to, whatever it is asked.

The check is made when a place is agreed and again when the file is written. It fails closed: what is not plainly a new
or existing ``*.py`` file in a plain folder of the workspace is refused. The cases are those of real incidents: settings
and dot files, spellings that a file system takes for another name, links.
"""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from pathlib import Path

from testwright.errors import WriteRefused

_NEVER_WRITTEN = frozenset(
    {
        "__init__.py",
        "__main__.py",
        "conf.py",
        "conftest.py",
        "dodo.py",
        "fabfile.py",
        "gunicorn.conf.py",
        "hatch_build.py",
        "manage.py",
        "noxfile.py",
        "pavement.py",
        "settings.py",
        "setup.py",
        "sitecustomize.py",
        "sconstruct.py",
        "tasks.py",
        "toxfile.py",
        "usercustomize.py",
        "versioneer.py",
        "wsgi.py",
    }
)
"""Python files that another program runs by its name, or that are settings."""

_NEVER_WRITTEN_FOLDERS = frozenset({"__pycache__", "node_modules", "site-packages", "dist-packages"})
_RESERVED = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?")
_SHORT_NAME = re.compile(r"~\d")  # GIT~1: the short form of a name on Windows
_FORBIDDEN = frozenset('<>:"|?*\\/')


def check_writable_name(path: Path, workspace: Path) -> None:
    """Refuse a place that a test file must not have.

    Args:
        path: Absolute path below ``workspace``, as it will be opened.
        workspace: Absolute, resolved root.

    Raises:
        WriteRefused: The reason, and what to do.
    """
    if ".." in path.parts or not path.is_absolute() or not path.is_relative_to(workspace):
        raise _refused(path, f"it is not inside the workspace {workspace}")
    parts = path.relative_to(workspace).parts
    if not parts:
        raise _refused(path, "it is the workspace itself")
    for part in parts:
        _check_part(path, part)
    for folder in parts[:-1]:
        if _plain(folder) in _NEVER_WRITTEN_FOLDERS:
            raise _refused(path, f"{folder} holds no files of the project")
    name = parts[-1]
    if not name.endswith(".py"):
        raise _refused(path, "its name does not end in .py")
    if _plain(name) in _NEVER_WRITTEN:
        raise _refused(path, f"{name} is run or read by other programs because of its name")
    _check_on_disk(path, workspace, parts)


def _check_part(path: Path, part: str) -> None:
    if part.startswith("."):
        raise _refused(path, f"{part} is hidden")
    if part[-1] in ". " or part[0] == " ":
        raise _refused(path, f"{part!r} begins or ends with a space or a dot, which some systems leave out")
    if any(char in _FORBIDDEN or unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") for char in part):
        raise _refused(path, f"{part!r} holds a character that is invisible or has a meaning of its own in paths")
    if _RESERVED.fullmatch(_plain(part)):
        raise _refused(path, f"{part} is the name of a device on Windows")
    if _SHORT_NAME.search(part):
        raise _refused(path, f"{part} looks like the short form of another name")
    if _plain(part).startswith("."):
        raise _refused(path, f"{part} is another spelling of a hidden name")


def _plain(name: str) -> str:
    """The name as the least strict file system compares it: without case, width and composition."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _check_on_disk(path: Path, workspace: Path, parts: tuple[str, ...]) -> None:
    """No link on the way, no other spelling of an existing name, folders before a regular file."""
    current = workspace
    for index, part in enumerate(parts):
        other = _other_spelling(current, part)
        if other is not None:
            raise _refused(path, f"{other} is there already, and {part} is the same name on some systems")
        current /= part
        try:
            mode = current.lstat().st_mode
        except FileNotFoundError:
            return
        except OSError as error:
            raise _refused(path, f"{current} cannot be looked at: {error.strerror or error}") from error
        if stat.S_ISLNK(mode):
            raise _refused(path, f"{current} is a link")
        last = index == len(parts) - 1
        if last and not stat.S_ISREG(mode):
            raise _refused(path, "it is not a regular file")
        if not last and not stat.S_ISDIR(mode):
            raise _refused(path, f"{current} is not a folder")
        if not last and (current / "pyvenv.cfg").exists():
            raise _refused(path, f"{current} is a virtual environment")


def _other_spelling(folder: Path, part: str) -> str | None:
    try:
        names = os.listdir(folder)  # noqa: PTH208 - names alone, of a folder that may be large
    except OSError:
        return None
    if part in names:
        return None
    plain = _plain(part)
    return next((name for name in names if _plain(name) == plain), None)


def _refused(path: Path, why: str) -> WriteRefused:
    return WriteRefused(
        f"{path} is not a place for a test file: {why}.",
        next_step="Name a file in the workspace's test folder with --output, such as tests/test_module.py.",
    )
