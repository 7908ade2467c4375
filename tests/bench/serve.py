"""How quick the language server is, beside a bare pygls server in the same run: printed as figures and ratios.

Start, memory at rest, code actions at rest and while a run is going on, code lenses of a module of 10,000 lines. It asserts
nothing; the goals stand beside the figures.

Usage: python tests/bench/serve.py [--rounds N] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from editor import Server

ROOT = Path(__file__).parents[2]

BARE = """
import logging
logging.getLogger("pygls").setLevel(logging.WARNING)
from lsprotocol import types
from pygls.lsp.server import LanguageServer

server = LanguageServer("bare", "0")


@server.feature(types.TEXT_DOCUMENT_CODE_ACTION)
def code_action(ls: LanguageServer, params: types.CodeActionParams) -> list[types.CodeAction]:
    command = types.Command("Generate tests", "bare.generate", None, [{"uri": params.text_document.uri}])
    return [types.CodeAction("Generate tests", types.CodeActionKind.Source, command=command)]


server.start_io()
"""

MODULE_FOR_RUN = "packaging/version.py"
"""A real module that a run of some ten seconds is spent on."""

WARM_UP = 5
FUNCTIONS = 1000
LINES_EACH = 10


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table.

    Attributes:
        what: What was measured.
        ours: Median of ours, in ``unit``.
        bare: Median of what ours is compared with, None where that has nothing of the kind.
        p95: 95th percentile of ours.
        unit: ``ms`` or ``MiB``.
        goal: In words.
    """

    what: str
    ours: float
    bare: float | None
    p95: float
    unit: str
    goal: str

    @property
    def ratio(self) -> float | None:
        """Ours to bare."""
        return None if not self.bare else self.ours / self.bare


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=10, help="starts of each server; requests are 20 times that")
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="testwright-bench-") as scratch:
        figures = list(measure(Path(scratch), arguments.rounds))
    print(table(figures))  # noqa: T201 - what it is for
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(figure) for figure in figures], indent=2) + "\n", encoding="utf-8")


def measure(scratch: Path, rounds: int) -> Iterator[Figure]:
    """All figures, ours and the bare server's in turn."""
    bare_file = scratch / "bare.py"
    bare_file.write_text(BARE, encoding="utf-8")
    folder, small, large = make_workspace(scratch)
    commands = {"ours": [sys.executable, "-m", "testwright.cli", "lsp"], "bare": [sys.executable, str(bare_file)]}
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(scratch),
        "LANG": "C.UTF-8",
        "TESTWRIGHT_CACHE_DIR": str(scratch / "cache"),
        "TESTWRIGHT_STATE_DIR": str(scratch / "state"),
    }
    starts: dict[str, list[float]] = {"ours": [], "bare": []}
    memory: dict[str, list[float]] = {"ours": [], "bare": []}
    actions: dict[str, list[float]] = {"ours": [], "bare": []}
    for _ in range(rounds + 1):
        for name, argv in commands.items():
            with Server(argv, environment) as server:
                starts[name].append(server.initialize(folder) * 1000)
                server.open(small)
                samples = [server.timed("textDocument/codeAction", action_at(small, 20)) for _ in range(WARM_UP + 20)]
                actions[name] += [sample * 1000 for sample in samples[WARM_UP:]]
                time.sleep(0.5)
                memory[name].append(server.resident() / 1024)
    for values in (*starts.values(), *memory.values()):
        del values[0]  # the first start compiles byte code
    yield compared("start to the answer of initialize", starts, "ms", "ratio at most 1.2")
    yield compared("memory at rest", memory, "MiB", "ratio at most 1.3")
    yield compared("code action", actions, "ms", "95 of 100 within 5 ms")
    with Server(commands["ours"], environment) as server:
        server.initialize(folder)
        yield during_a_run(server, folder, small)
        yield from lenses(server, large, rounds)


def during_a_run(server: Server, folder: Path, small: Path) -> Figure:
    """Code actions, one every 20 ms, from the start of a run to its end."""
    target = folder / MODULE_FOR_RUN
    server.open(small)
    server.open(target)
    server.timed("textDocument/codeAction", action_at(small, 20))
    arguments = {"command": "testwright.generateTests", "arguments": [{"uri": target.as_uri()}]}
    server.request("workspace/executeCommand", arguments)
    samples: list[float] = []
    with ended(server) as is_over:
        while not is_over():
            samples.append(server.timed("textDocument/codeAction", action_at(small, 20)) * 1000)
            time.sleep(0.02)
    what = f"code action during a run of {len(samples) * 0.02:.0f} s or more"
    return Figure(what, statistics.median(samples), None, percentile(samples), "ms", "95 of 100 within 5 ms")


@contextmanager
def ended(server: Server) -> Iterator[Callable[[], bool]]:
    """Yield a function that says whether the run's progress has ended, by what has been read so far."""
    seen: list[bool] = []
    read = server._read

    def watching() -> dict[str, object]:
        message = read()
        params = message.get("params")
        if message.get("method") == "$/progress" and isinstance(params, dict) and params["value"]["kind"] == "end":
            seen.append(True)
        return message

    server._read = watching  # type: ignore[method-assign]
    try:
        yield lambda: bool(seen)
    finally:
        server._read = read  # type: ignore[method-assign]


def lenses(server: Server, large: Path, rounds: int) -> Iterator[Figure]:
    """Code lenses of a large module: after each edit, and again without one."""
    text = large.read_text(encoding="utf-8")
    server.open(large)
    params = {"textDocument": {"uri": large.as_uri()}}
    found = server.request("textDocument/codeLens", params)
    lines = text.count("\n")
    cold: list[float] = []
    cached: list[float] = []
    for version in range(2, rounds + 2):
        change = {
            "range": {"start": {"line": lines, "character": 0}, "end": {"line": lines, "character": 0}},
            "text": f"# {version}\n",
        }
        server.notify(
            "textDocument/didChange",
            {"textDocument": {"uri": large.as_uri(), "version": version}, "contentChanges": [change]},
        )
        cold.append(server.timed("textDocument/codeLens", params) * 1000)
        cached += [server.timed("textDocument/codeLens", params) * 1000 for _ in range(5)]
    size = f"{lines:,} lines, {len(found):,} lenses"
    yield Figure(f"code lens after an edit, {size}", statistics.median(cold), None, percentile(cold), "ms", "")
    yield Figure(f"code lens again, {size}", statistics.median(cached), None, percentile(cached), "ms", "at most 10 ms")


def action_at(path: Path, line: int) -> dict[str, object]:
    """Parameters of a code action that the user has asked for."""
    position = {"line": line, "character": 4}
    return {
        "textDocument": {"uri": path.as_uri()},
        "range": {"start": position, "end": position},
        "context": {"diagnostics": [], "triggerKind": 1},
    }


def make_workspace(scratch: Path) -> tuple[Path, Path, Path]:
    """A project with a real module to run on, a small module, and one of 10,000 lines."""
    folder = scratch / "project"
    source = next(path for path in map(Path, sys.path) if (path / MODULE_FOR_RUN).is_file()) / "packaging"
    package = folder / "packaging"
    package.mkdir(parents=True)
    for path in source.glob("*.py"):
        (package / path.name).write_bytes(path.read_bytes())
    (folder / "pyproject.toml").write_text('[project]\nname = "bench"\nversion = "0"\n', encoding="utf-8")
    small = folder / "small.py"
    small.write_text("".join(function(number, 6) for number in range(10)), encoding="utf-8")
    large = folder / "large.py"
    large.write_text("".join(function(number, LINES_EACH) for number in range(FUNCTIONS)), encoding="utf-8")
    return folder, small, large


def function(number: int, lines: int) -> str:
    """A function of so many lines, the blank ones after it included."""
    body = "".join(f"    if value > {index}:\n        value -= {number + index}\n" for index in range((lines - 4) // 2))
    return f"def reduce_{number}(value: int) -> int:\n{body}    return value\n\n\n"


def compared(what: str, samples: dict[str, list[float]], unit: str, goal: str) -> Figure:
    """A figure that the bare server has, too."""
    ours, bare = samples["ours"], samples["bare"]
    return Figure(what, statistics.median(ours), statistics.median(bare), percentile(ours), unit, goal)


def percentile(samples: Sequence[float], percent: int = 95) -> float:
    """The smallest sample that so many percent of all do not exceed."""
    ordered = sorted(samples)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def table(figures: Sequence[Figure], bare_name: str = "bare pygls") -> str:
    """The figures as Markdown."""
    rows = [f"| | ours | 95th percentile | {bare_name} | ratio | goal |", "|---|---:|---:|---:|---:|---|"]
    for figure in figures:
        bare = "" if figure.bare is None else f"{figure.bare:.2f} {figure.unit}"
        ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
        rows.append(
            f"| {figure.what} | {figure.ours:.2f} {figure.unit} | {figure.p95:.2f} {figure.unit} | {bare} | {ratio} "
            f"| {figure.goal} |"
        )
    return "\n".join(rows)


if __name__ == "__main__":
    main()
