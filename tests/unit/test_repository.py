"""What holds for the repository as a whole: lock files, versions, paths, and that the README's commands exist."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import shutil
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import click
import pytest

import testwright
from testwright.cli.commands import commands

ROOT = Path(__file__).parents[2]
DOCUMENTS = (
    "README.md",
    "CONTRIBUTING.md",
    "docs/agent.md",
    "docs/docker.md",
    "docs/editors.md",
    "docs/models.md",
    "docs/models-errors.md",
    "docs/registry.md",
    "client-vscode/README.md",
)

# Addresses of package indexes and their files; a lock file must work with whatever index a machine uses.
INDEX_ADDRESS = re.compile(r"https?://|--(?:extra-)?index-url|--find-links|--trusted-host|\bfile:", re.IGNORECASE)
# Home folders and the places of one machine; those of people who are made up may stand in tests. Written so that this
# file does not match itself.
MACHINE_PATH = re.compile(
    r"(?<![\w.~}])/(?:root/(?!\.ssh\b)[\w.]|home/(?!user/|me/|box/|someone/|ada/|adam/|ann/)\w+/|work/(?:main|shared)\b|Users/(?!bob/)\w+/)"
)
SECRET = re.compile(r"\bsk-(?:or-v1-)?[0-9a-zA-Z]{24,}|\bgh[pousr]_[0-9A-Za-z]{30,}|-----BEGIN [A-Z ]*PRIVATE KEY")

# These two are about them: what they hold is nobody's.
HOLDS_THEM = {"tests/unit/test_repository.py", "client-vscode/test/unit/commands/debugInformation.test.ts"}


@cache
def tracked() -> tuple[Path, ...]:
    """Files of the repository: what git knows, or all of a source archive."""
    git = shutil.which("git")
    if git is not None and (ROOT / ".git").exists():
        listed = subprocess.run([git, "-C", str(ROOT), "ls-files", "-z"], capture_output=True, check=True)
        paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    else:
        made = {".venv", "build", ".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache", "__pycache__"}
        made |= {"node_modules", "bundled", "out", "dist"}
        paths = [path for path in ROOT.rglob("*") if not made & set(path.relative_to(ROOT).parts)]
    return tuple(path for path in paths if path.is_file())


def texts() -> list[tuple[str, str]]:
    found = []
    for path in tracked():
        data = path.read_bytes()
        if b"\0" not in data:
            found.append((path.relative_to(ROOT).as_posix(), data.decode("utf-8", "replace")))
    return found


def project() -> dict[str, object]:
    content = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    table = content["project"]
    assert isinstance(table, dict)
    return table


def test_lock_files_name_no_index_and_hash_every_package() -> None:
    folders = {"requirements", "locks"}
    locks = [path for path in tracked() if path.parent.name in folders or path.name == "package-lock.json"]
    assert {path.name for path in locks} >= {"runtime.txt", "build.txt", "dev.txt", "uv.txt", "openhands-ai-1.11.txt"}
    for path in locks:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".txt":
            assert INDEX_ADDRESS.findall(text) == [], path
            pins = re.findall(
                r"^[\w.-]+(?:\[[\w,]+\])?==\S+(?:.*?)\\\n(?:    --hash=sha256:[0-9a-f]{64})", text, re.MULTILINE
            )
            assert len(pins) == len(re.findall(r"^\w", text, re.MULTILINE)), f"a line without version or hash in {path}"
        else:
            assert '"resolved"' not in text, path


def test_every_dependency_is_locked() -> None:
    locked = (ROOT / "requirements" / "runtime.txt").read_text(encoding="utf-8")
    dependencies = project()["dependencies"]
    assert isinstance(dependencies, list)
    for dependency in dependencies:
        name = re.match(r"[\w.-]+", dependency)
        assert name is not None
        assert re.search(rf"^{re.escape(name[0])}==", locked, re.MULTILINE), f"make lock: {dependency}"


def pins(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE))


def test_lock_files_agree() -> None:
    runtime, build, dev = pins("runtime.txt"), pins("build.txt"), pins("dev.txt")
    assert {name: dev.get(name) for name in runtime | build} == build | runtime
    assert {name: runtime.get(name, version) for name, version in build.items()} == build


def test_users_do_not_install_what_builds_the_package() -> None:
    assert {"hatchling", "editables"} <= pins("build.txt").keys()
    assert not {"hatchling", "editables", "mypy", "hypothesis"} & pins("runtime.txt").keys()


def test_versions_agree() -> None:
    assert project()["version"] == testwright.__version__
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## \[(?:Unreleased|{re.escape(testwright.__version__)})\]", changelog, re.MULTILINE)


@pytest.mark.parametrize(
    ("what", "pattern"), [("a path of one machine", MACHINE_PATH), ("a secret", SECRET)], ids=["path", "secret"]
)
def test_no_tracked_file_holds(what: str, pattern: re.Pattern[str]) -> None:
    found = {}
    for name, text in texts():
        hits = [match[0] for match in pattern.finditer(text)]
        if hits and name not in HOLDS_THEM:
            found[name] = hits
    assert found == {}, what


def test_the_patterns_find_what_they_look_for() -> None:
    assert MACHINE_PATH.search("see /" + "root/.pyenv/versions")
    assert MACHINE_PATH.search('"/' + 'home/anna/src"')
    assert not MACHINE_PATH.search("lib/" + "root/x and ~/" + "home/y")
    assert SECRET.search("sk-or-v1-" + "0" * 40)
    assert INDEX_ADDRESS.search("--index-url https://pypi.example/simple")


def shell_lines() -> list[tuple[str, str]]:
    """Commands in the fenced shell blocks of the documents; a line that ends with a backslash goes on."""
    found = []
    for name in DOCUMENTS:
        text = (ROOT / name).read_text(encoding="utf-8")
        for block in re.findall(r"^```(?:sh|bash|console|shell)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            joined = block.replace("\\\n", " ")
            found += [
                (name, line.strip().removeprefix("$ "))
                for line in joined.splitlines()
                if line.strip() and not line.strip().startswith("#")
            ]
    return found


def check_testwright(words: list[str]) -> None:
    """The command exists and takes these options; nothing is run."""
    if words[:1] in (["--version"], ["--help"]):
        return
    command: click.Command = commands
    while isinstance(command, click.Group):
        command = command.commands[words.pop(0)]
    with contextlib.suppress(click.exceptions.Exit):  # --help
        command.make_context("testwright", words)


def check_npm(words: list[str]) -> None:
    """The script exists; only those of the extension are spoken of."""
    scripts = json.loads((ROOT / "client-vscode" / "package.json").read_text(encoding="utf-8"))["scripts"]
    assert words[0] == "run"
    assert words[1] in scripts, f"npm run {words[1]}"


def check_make(words: list[str]) -> None:
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    for word in words:
        assert "=" in word or word in targets, f"make {word}"


@pytest.mark.parametrize(("document", "line"), shell_lines())
def test_every_command_in_the_documents_exists(document: str, line: str) -> None:
    words = shlex.split(line, comments=True)
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words.pop(0)
    program, *arguments = words
    if program == "testwright":
        check_testwright(arguments)
    elif program == "make":
        check_make(arguments)
    elif program == "npm":
        check_npm(arguments)
    elif program == "code":
        assert arguments[0] == "--install-extension"
        assert Path(arguments[1]).name == f"testwright-{testwright.__version__}.vsix"
    elif (ROOT / program).is_file() and "/" in program:
        assert (ROOT / program).stat().st_mode & 0o100, f"{program} is not executable"
    else:
        assert program in {
            "pip",
            "python",
            "pipx",
            "uv",
            "git",
            "docker",
            "pre-commit",
            "sudo",
            "cd",
            "wsl",
            "source",
            "export",
        }


def test_pictures_and_files_that_the_documents_link_to_exist() -> None:
    links = [
        (name, link)
        for name in (*DOCUMENTS, "ARCHITECTURE.md", "CHANGELOG.md")
        for link in re.findall(r"\]\(([^)#\s]+)", (ROOT / name).read_text(encoding="utf-8"))
        if not link.startswith("https://")
    ]
    assert len(links) > 10
    assert [(name, link) for name, link in links if not (ROOT / name).parent.joinpath(link).exists()] == []


def test_the_documents_show_commands() -> None:
    programs = {line.split()[0] for _, line in shell_lines()}
    assert {"make", "testwright"} <= programs
