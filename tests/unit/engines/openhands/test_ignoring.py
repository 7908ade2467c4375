"""What ``.gitignore`` keeps out of an agent's box, held against git itself."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from testwright.engines.openhands.ignoring import ignored_by

PATHS = (
    *("a.log", "notes.txt", "data/a.log", "data/deep/a.log", "data/deep/b.csv", "data/keep.csv", "build/out/x.so"),
    *("src/acme/build/x.so", "src/acme/table.csv", "src/[x].csv", "x y.txt", "#x", "!x", "temp1.txt", "temp12.txt"),
    *("doc/a/b/c.html", "doc/c.html", "foo", "src/foo/bar.txt", "back\\slash.txt"),
)
FILES = (
    "*.log\n!data/a.log\n",
    "/notes.txt\ndata/*.csv\n!data/keep.csv\n",
    "build/\n",
    "/build\n",
    "**/deep/*.csv\ndoc/**\n",
    "doc/**/c.html\n",
    "a/**/b\n",
    "\\#x\n\\!x\nx\\ y.txt\n",
    "temp?.txt   \n# a comment\n\n",
    "temp[0-9].txt\nsrc/[[]x].csv\n",
    "temp[!0-8].txt\n[^a-z]*.txt\n",
    "foo\n",
    "foo/\n",
    "*\n!*/\n!*.csv\n",
    "src/acme\n",
    "back\\\\slash.txt\n",
    "[\n[a\n",
    "/\n//\n!\n",
)


def is_ignored(root: Path, path: str, *, folder: bool = False) -> bool:
    return ignored_by(root)(PurePosixPath(path), folder)


def by_us(root: Path) -> set[str]:
    """Files that are left out, found as the packer does: an ignored folder is not entered."""

    def is_out(path: str) -> bool:
        above = [str(folder) for folder in reversed(PurePosixPath(path).parents) if folder.parts]
        return any(is_ignored(root, folder, folder=True) for folder in above) or is_ignored(root, path)

    return {path for path in PATHS if is_out(path)}


def by_git(root: Path) -> set[str]:
    words = (shutil.which("git") or "git", "check-ignore", "-z", "--stdin", "--no-index")
    done = subprocess.run(words, cwd=root, input="\0".join(PATHS).encode(), capture_output=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return {path for path in done.stdout.decode().split("\0") if path}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("git") is None:
        pytest.skip("git is not on this machine")
    root = tmp_path_factory.mktemp("repository")
    subprocess.run((shutil.which("git") or "git", "init", "-q", str(root)), check=True)
    for path in PATHS:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    return root


@pytest.mark.parametrize("text", FILES)
def test_the_same_as_git(repository: Path, text: str) -> None:
    (repository / ".gitignore").write_text(text, "utf-8")
    assert by_us(repository) == by_git(repository)


WORDS = st.sampled_from(["*", "?", "/", "!", "/**", "**/", "data", "deep", "a", "src", "foo", ".csv", ".log", "[a-f]"])


def is_as_documented(pattern: str) -> bool:
    """Whether git follows its manual: of ``a**/*`` it takes ``a`` off first, and then ``**`` crosses folders after all."""
    return re.search(r"[^/!]\*\*|\*\*[^/]", pattern) is None


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(WORDS, max_size=5).map("".join).filter(is_as_documented), max_size=4))
def test_the_same_as_git_for_any_patterns(repository: Path, patterns: list[str]) -> None:
    (repository / ".gitignore").write_text("\n".join(patterns), "utf-8")
    assert by_us(repository) == by_git(repository)


def test_a_nearer_file_has_the_last_word(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / ".gitignore").write_text("*.csv\n")
    (tmp_path / "data" / ".gitignore").write_text("!keep.csv\nx.txt\n")
    assert not is_ignored(tmp_path, "data/keep.csv")
    assert is_ignored(tmp_path, "keep.csv")
    assert is_ignored(tmp_path, "data/x.txt")
    assert not is_ignored(tmp_path, "x.txt")


def test_sources_that_a_build_has_written_stay_and_ignored_folders_do_not(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("_version.py\nprivate/\n")
    assert not is_ignored(tmp_path, "src/_version.py")
    assert is_ignored(tmp_path, "private", folder=True)


def test_no_pattern_takes_for_ever(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*a" * 60 + "*b\n" + "**/" * 30 + "*x*y\n")
    assert not is_ignored(tmp_path, "a" * 250)
    assert is_ignored(tmp_path, "a" * 250 + "b")
    assert is_ignored(tmp_path, "d/" * 5 + "axby")


@pytest.mark.parametrize("kind", ["link", "folder", "large"])
def test_what_is_no_plain_file_ignores_nothing(tmp_path: Path, kind: str) -> None:
    place = tmp_path / ".gitignore"
    if kind == "link":
        (tmp_path / "rules").write_text("*\n")
        place.symlink_to(tmp_path / "rules")
    elif kind == "folder":
        place.mkdir()
    else:
        place.write_text("*\n" * 200_000)
    assert not is_ignored(tmp_path, "a.txt")
