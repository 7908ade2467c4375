"""The arrows between packages, and the doors that only some of them may open, read from the sources."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "server" / "testwright"

# From the bottom up: a package may import what stands in a lower row, and itself.
ROWS = (
    {"errors"},
    {"model"},
    {"settings", "housekeeping", "specification"},
    {"analysis", "boxes", "store"},
    {"models", "provisioning"},
    {"engines", "judge", "writing"},
    {"service", "batch"},
    {"rendering", "doctor"},
    {"judge_rendering", "progress_rendering"},
    {"lsp"},
    {"cli"},
    {"__main__"},
)
ROW = {name: number for number, names in enumerate(ROWS) for name in names}

STARTERS = {"boxes", "provisioning/installer.py", "writing/format.py"}
STARTING_MODULES = {"subprocess", "multiprocessing", "pty"}
STARTING_CALLS = {
    *(("os", name) for name in dir(os) if name.startswith(("exec", "spawn", "posix_spawn", "fork", "popen", "system"))),
    ("asyncio", "create_subprocess_exec"),
    ("asyncio", "create_subprocess_shell"),
}

PRINTERS = {"cli", "lsp"}
EDITOR_PACKAGES = {"pygls", "lsprotocol"}
SOLE_USERS = {"httpx": "models/client.py", "tenacity": "models/router.py", "yaml": "models/documents.py"}


def sources() -> list[Path]:
    return sorted(path for path in ROOT.rglob("*.py"))


def package_of(path: Path) -> str:
    relative = path.relative_to(ROOT)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Absolute names of imported modules, function bodies included, and the line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module is not None:
            yield node.module, node.lineno
            # ``from testwright import housekeeping`` names a module too.
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def wrong_arrows(own: str, source: str) -> set[str]:
    """Names of packages that a source of package ``own`` imports and must not."""
    parts = [module.split(".") for module, _ in imports(ast.parse(source))]
    others = {part[1] for part in parts if part[0] == "testwright" and len(part) > 1 and part[1] in ROW}
    return {other for other in others if other != own and ROW[other] >= ROW[own]}


def process_starts(source: str) -> list[int]:
    tree = ast.parse(source)
    lines = [line for module, line in imports(tree) if module.partition(".")[0] in STARTING_MODULES]
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if (node.value.id, node.attr) in STARTING_CALLS:
                lines.append(node.lineno)
        elif isinstance(node, ast.ImportFrom) and node.module in {"os", "asyncio"}:
            lines.extend(node.lineno for alias in node.names if (node.module, alias.name) in STARTING_CALLS)
    return lines


def prints(source: str) -> list[int]:
    tree = ast.parse(source)
    names = (node for node in ast.walk(tree) if isinstance(node, ast.Name | ast.Attribute))
    return [
        *(line for module, line in imports(tree) if module.partition(".")[0] in {"rich", "click"}),
        *(node.lineno for node in names if ast.unparse(node) in {"print", "sys.stdout", "sys.stderr"}),
    ]


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_dependencies_point_downwards() -> None:
    seen = [path for path in sources() if package_of(path) not in {"inside", "__init__"}]
    assert {package_of(path) for path in seen} - ROW.keys() == set(), "a package without a row"
    wrong = {name_of(path): wrong_arrows(package_of(path), read(path)) for path in seen}
    assert {name: others for name, others in wrong.items() if others} == {}


@pytest.mark.parametrize(
    ("folder", "but", "allowed"),
    [
        ("inside", "agent", {"pytest", "_pytest", "coverage", "pluggy"}),
        ("inside/agent", "", {"openhands"}),
        ("boxes/launcher", "", set()),
    ],
    ids=["in a box", "the agent's in a box", "beside a box"],
)
def test_programs_of_their_own_import_nothing_of_the_rest(folder: str, but: str, allowed: set[str]) -> None:
    paths = sorted(path for path in (ROOT / folder).rglob("*.py") if not but or but not in path.relative_to(ROOT).parts)
    wrong = [
        f"{name_of(path)}:{line} imports {module}"
        for path in paths
        for module, line in imports(ast.parse(read(path)))
        if module.partition(".")[0] not in allowed | sys.stdlib_module_names
    ]
    assert paths
    assert wrong == []


def test_only_boxes_the_formatter_and_the_installer_start_processes() -> None:
    seen = [path for path in sources() if not {package_of(path), name_of(path)} & {"inside", *STARTERS}]
    assert [f"{name_of(path)}:{line}" for path in seen for line in process_starts(read(path))] == []


def test_only_the_command_line_and_the_language_server_print() -> None:
    # What runs in a box, and the launcher of one, are programs of their own, whose streams are the box's.
    seen = [path for path in sources() if package_of(path) not in {"inside", "boxes", *PRINTERS}]
    assert [f"{name_of(path)}:{line}" for path in seen for line in prints(read(path))] == []


def test_only_the_language_server_knows_editors() -> None:
    seen = [path for path in sources() if package_of(path) != "lsp"]
    names = {module.partition(".")[0] for path in seen for module, _ in imports(ast.parse(read(path)))}
    assert names & EDITOR_PACKAGES == set()


@pytest.mark.parametrize(("package", "user"), SOLE_USERS.items())
def test_one_module_alone_sends_repeats_and_reads_yaml(package: str, user: str) -> None:
    found = {
        name_of(path)
        for path in sources()
        for module, _ in imports(ast.parse(read(path)))
        if package_name(module) == package
    }
    assert found == {user}


def package_name(module: str) -> str:
    return module.partition(".")[0]


def test_the_checks_see_what_they_look_for() -> None:
    assert wrong_arrows("judge", "from testwright.cli import main\n") == {"cli"}
    assert wrong_arrows("judge", "def f():\n    from testwright import service\n") == {"service"}
    assert wrong_arrows("judge", "from testwright.engines.plan import plan\n") == {"engines"}
    assert wrong_arrows("judge", "from testwright.boxes.session import Session\n") == set()
    assert process_starts("import subprocess\n") == [1]
    assert process_starts("import os\nos.fork()\n") == [2]
    assert process_starts("from asyncio import create_subprocess_exec\n") == [1]
    assert process_starts("import os\nos.getpid()\n") == []
    assert prints("print(1)\n") == [1]
    assert prints("import sys\nsys.stdout.write('x')\n") == [2]
    assert prints("sprint(1)\n") == []
