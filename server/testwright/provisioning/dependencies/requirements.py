"""``requirements*.txt``: the lines that name packages of an index; all others are told of and left out.

The format is that of pip's documentation ("Requirements File Format").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from testwright.provisioning.dependencies.values import Dependencies, Notes, read_text, wrong

_MAX_FILES = 50
_HASH = re.compile(r"\s--hash[= ](\S+)")
_OPTION = re.compile(r"\s--[a-z]")
_INCLUDE = re.compile(r"^(?P<kind>-r|--requirement|-c|--constraint)[= ]?\s*(?P<name>.+)$")
_INDEXES = ("-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--no-index", "--trusted-host")
_FOR_TESTS = re.compile(r"^requirements[-_.]?(dev|develop|development|test|tests|testing)?\.txt$", re.IGNORECASE)


def find_requirements(root: Path) -> tuple[list[Path], list[str]]:
    """The files in a project's root that are taken, and the names of those that are not."""
    found = sorted(path for path in root.glob("requirements*.txt"))
    taken = [path for path in found if _FOR_TESTS.match(path.name)]
    return taken, [path.name for path in found if path not in taken]


def read_requirements(root: Path, paths: list[Path]) -> Dependencies:
    """Read files and what they include.

    Args:
        root: Of the project; nothing outside is read.
        paths: The files.

    Raises:
        SetupFailure: A line or an included file cannot be read.
    """
    reader = _Reader(root)
    for path in paths:
        reader.read(path)
    lines = list(dict.fromkeys(reader.lines))
    is_locked = bool(lines) and all("--hash=" in line for line in lines)
    if not is_locked and any("--hash=" in line for line in lines):
        reader.notes.add("Some lines have hashes and some have none, so the hashes are not used.")
        lines = list(dict.fromkeys(line.partition(" --hash=")[0] for line in lines))
    names = ", ".join(path.name for path in paths)
    return Dependencies(names, tuple(lines), is_locked=is_locked, notes=tuple(reader.notes.kept))


@dataclass(slots=True)
class _Reader:
    root: Path
    lines: list[str] = field(default_factory=list)
    notes: Notes = field(default_factory=Notes)
    _read: set[Path] = field(default_factory=set)

    def read(self, path: Path) -> None:
        where = path.resolve()
        if where in self._read:
            return
        self._read.add(where)
        if len(self._read) > _MAX_FILES:
            raise wrong(path.name, f"includes more than {_MAX_FILES} files")
        for number, line in _logical_lines(read_text(self.root, path)):
            self._line(path, number, line)

    def _line(self, path: Path, number: int, line: str) -> None:
        place = f"{path.name}, line {number}"
        included = _INCLUDE.match(line)
        if included is not None:
            if included["kind"] in ("-c", "--constraint"):
                self.notes.add(f"{place}: constraints are not used.")
            else:
                self.read(path.parent / included["name"].strip().strip("\"'"))
        elif line.startswith(_INDEXES):
            self.notes.add(
                f"{place}: the index named there is not used; packages come from where pip or uv is set up for."
            )
        elif line.startswith(("-e", "--editable")):
            self.notes.add(f"{place}: an editable package is code of the project itself, so it is not in the image.")
        elif line.startswith("-"):
            self.notes.add(f"{place}: the option {line.split(maxsplit=1)[0].partition('=')[0]} is not used.")
        elif "${" in line:
            self.notes.add(f"{place}: left out, since its meaning depends on a variable.")
        elif re.match(
            r"^(git|hg|svn|bzr)\+|^[a-z]+://|^\.{0,2}/|^[^ ;]*\.(whl|zip|tar\.gz)(\s|;|$)|^\.{1,2}(\[|\s|$)", line
        ):
            self.notes.add(f"{place}: left out, since it does not name a package of an index.")
        else:
            self._requirement(place, line)

    def _requirement(self, place: str, line: str) -> None:
        hashes = _HASH.findall(line)
        bare = _HASH.sub("", line)
        option = _OPTION.search(bare)
        if option is not None:
            self.notes.add(f"{place}: its option {bare[option.start() :].split()[0].partition('=')[0]} is not used.")
            bare = bare[: option.start()]
        try:
            need = Requirement(bare.strip())
        except InvalidRequirement as error:
            raise wrong(place, f"cannot be read: {bare.strip()[:80]!r}") from error
        if need.url is not None:
            self.notes.add(f"{place}: {need.name} was left out, since it comes from an address and not from an index.")
            return
        self.lines.append(" ".join((str(need), *(f"--hash={digest}" for digest in hashes))))


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines without comments, continued ones joined, with the number at which each begins."""
    begun, joined = 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        begun = begun or number
        if line.endswith("\\") and not line.lstrip().startswith("#"):
            joined += line[:-1] + " "
            continue
        stripped = re.sub(r"(^|\s)#.*$", "", joined + line).strip()
        if stripped:
            yield begun, " ".join(stripped.split())
        begun, joined = 0, ""
    if joined.strip():
        yield begun, " ".join(joined.split())
