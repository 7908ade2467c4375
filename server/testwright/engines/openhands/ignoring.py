r"""What the workspace's ``.gitignore`` files leave out of an agent's box. Reads files only; no program is started.

The patterns are those of gitignore(5): ``#``, ``!``, a slash at the end for folders, one elsewhere for paths from the
file's own folder, ``*``, ``?``, ``[a-z]``, ``**`` and ``\``. Python sources in folders that are not ignored stay, since
what a build has written (``_version.py``) is imported all the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

MAX_BYTES = 200_000
"""Of one ``.gitignore``; what is larger is not looked at."""
_SOURCES = (".py", ".pyi")


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: re.Pattern[str]
    ignores: bool
    folders_only: bool


def ignored_by(workspace: Path) -> Callable[[PurePosixPath, bool], bool]:
    """Whether a path is ignored, given relative to the workspace, and whether it is a folder.

    What lies in an ignored folder is not asked for: who asks does not enter it.

    Args:
        workspace: The user's own folder, since the filtered copy does not hold the ``.gitignore`` files.
    """
    known: dict[PurePosixPath, tuple[_Rule, ...]] = {}

    def is_ignored(path: PurePosixPath, is_folder: bool) -> bool:  # noqa: FBT001 - as ``Freight.leave_out``
        if not is_folder and path.suffix in _SOURCES:
            return False
        ignored = False
        for folder in reversed(path.parents):  # the nearest file has the last word, and in it the last rule
            if folder not in known:
                known[folder] = _rules(workspace / folder / ".gitignore")
            relative = str(path.relative_to(folder))
            for rule in known[folder]:
                if (is_folder or not rule.folders_only) and rule.pattern.fullmatch(relative):
                    ignored = rule.ignores
        return ignored

    return is_ignored


def _rules(file: Path) -> tuple[_Rule, ...]:
    try:
        if file.is_symlink() or not file.is_file() or file.stat().st_size > MAX_BYTES:
            return ()
        text = file.read_text("utf-8", errors="replace")
    except OSError:
        return ()
    return tuple(rule for line in text.splitlines() if (rule := _rule(line)) is not None)


def _rule(line: str) -> _Rule | None:
    """A line as a rule; None for a comment, an empty line, and a pattern that can match nothing."""
    line = re.sub(r"(?<!\\)[ \t]+$", "", line)
    if not line or line.startswith("#"):
        return None
    ignores = not line.startswith("!")
    line = line.removeprefix("!")
    folders_only = line.endswith("/")
    line = line.removesuffix("/")
    is_from_here = "/" in line
    try:
        below = "" if is_from_here else "(?:.*/)?"
        pattern = re.compile(below + _expression(line.removeprefix("/")), re.DOTALL)
    except re.error:
        return None
    return _Rule(pattern, ignores, folders_only) if line else None


def _expression(pattern: str) -> str:
    """A pattern as a regular expression over a path."""
    made = ""
    segments = [re.sub(r"\A\*{2,}\Z", "**", segment) for segment in pattern.split("/")]
    for segment in segments[:-1]:
        made += "(?:[^/]+/)*" if segment == "**" else _segment(segment) + "/"
    return made + (".+" if segments[-1] == "**" else _segment(segments[-1]))


def _segment(segment: str) -> str:
    """A name between slashes. What follows a star is looked for once, as far to the left as it stands.

    That finds all there is to find and never goes back, so that no pattern takes long on any name (as in ``fnmatch``).
    """
    chunks = [""]
    rest = segment
    while rest:
        if rest[0] == "*":
            chunks.append("")
            rest = rest.lstrip("*")
        elif rest[0] == "?":
            chunks[-1] += "[^/]"
            rest = rest[1:]
        elif found := re.match(r"\[([!^]?)(\]?[^\]]*)\]", rest):
            chunks[-1] += f"(?!/)[{'^' if found[1] else ''}{_escaped_set(found[2])}]"
            rest = rest[found.end() :]
        else:
            escaped = rest[0] == "\\" and len(rest) > 1
            chunks[-1] += re.escape(rest[1] if escaped else rest[0])
            rest = rest[2 if escaped else 1 :]
    if len(chunks) == 1:
        return chunks[0]
    first, *middle, last = chunks
    return f"{first}{''.join(f'(?>[^/]*?{chunk})' for chunk in middle)}[^/]*{last}"


def _escaped_set(inside: str) -> str:
    return re.sub(r"([\[\]\\^&~|])", r"\\\1", inside)
