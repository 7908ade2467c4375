"""One task of ours in a box: request in, validated JSON lines out."""

from __future__ import annotations

import json
import re
import secrets
import shutil
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from testwright.boxes.protocol import Box, BoxExit, Command, Limits, World
from testwright.errors import BoxFailure

INSIDE_NAME = "testwright_inside"
MAX_LINE = 8 * 1024 * 1024
_BOOTSTRAP = "import sys; sys.path.insert(0, {library!r}); import testwright_inside.__main__ as m; m.main()"
_PLACED = re.compile(r"test_testwright_[0-9a-f]{8}\.py")


def placed_name() -> str:
    """A name for a test file of ours that is put into a snapshot for some time; nobody has another by it."""
    return f"test_testwright_{secrets.token_hex(4)}.py"


def is_placed(name: str) -> bool:
    """Whether a file's name is one of ``placed_name``: who reads the snapshot meanwhile passes it over."""
    return _PLACED.fullmatch(name) is not None


def install_inside(library: Path) -> None:
    """Copy the programs that run in a box to ``library`` under the name that they have there."""
    with as_file(files("testwright.inside")) as source:
        shutil.copytree(source, library / INSIDE_NAME, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)


@dataclass(frozen=True, slots=True)
class Session:
    """A run's box with the project's interpreter in it.

    Attributes:
        box: The box.
        world: What it sees.
        python: The interpreter's executable.
        library: Folder that holds ``testwright_inside``; in ``world.read_only``.
        overlay: Folder with pytest and coverage to lend; in ``world.read_only``.
        import_roots: As the user names them; in the workspace.
    """

    box: Box
    world: World
    python: Path
    library: Path
    overlay: Path
    import_roots: tuple[Path, ...]

    def seen(self, path: Path) -> str:
        """A host path as the box sees it."""
        return str(self.box.seen(self.world, path))

    async def run(
        self,
        task: str,
        request: Mapping[str, Any],
        *,
        limits: Limits,
        environment: Mapping[str, str] | None = None,
        on_exit: Callable[[BoxExit], None] | None = None,
    ) -> AsyncGenerator[dict[str, Any]]:
        """Start a task and yield its messages until it ends. Closing the iterator kills the box.

        A line that is no JSON object with a ``type`` is an error: user code may have written it.

        Args:
            task: Module of ``testwright.inside``.
            request: Its arguments; paths as the box sees them (``seen``).
            limits: Limits of the start.
            environment: Further variables, ``PYTHONHASHSEED`` and ``TZ`` among them.
            on_exit: Called with how it ended, after the last message.

        Raises:
            BoxFailure: It wrote something that is no message.
            BoxUnavailable: The box could not be had.
        """
        library = self.seen(self.library)
        payload = {
            "task": task,
            "library": library,
            "overlay": self.seen(self.overlay),
            "import_roots": [self.seen(root) for root in self.import_roots],
            **request,
        }
        command = Command(
            argv=(self.seen(self.python), "-c", _BOOTSTRAP.format(library=library)),
            stdin=json.dumps(payload).encode(),
            environment={
                "PYTHONHASHSEED": "0",
                "PYTHONDONTWRITEBYTECODE": "1",
                "PYTHONUTF8": "1",
                "TZ": "UTC",
                **(environment or {}),
            },
            cwd=self.world.workspace,
            limits=limits,
        )
        process = await self.box.start(self.world, command)
        async with process:
            async for line in process.lines():
                yield _parse(line)
            ended = await process.wait()
            if on_exit is not None:
                on_exit(ended)


@dataclass(slots=True)
class ExitCell:
    """Takes how a task ended, for ``Session.run(on_exit=cell)``."""

    value: BoxExit | None = field(default=None)

    def __call__(self, ended: BoxExit) -> None:
        """Take it."""
        self.value = ended


def _parse(line: bytes) -> dict[str, Any]:
    if len(line) > MAX_LINE:
        raise BoxFailure(
            f"A program in the box wrote a line of {len(line)} bytes.",
            next_step="Run again with --engine embedded --json and report the module that did this.",
        )
    try:
        message = json.loads(line)
    except ValueError:
        message = None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise BoxFailure(
            "A program in the box wrote something that is no message of ours; its results are not believed.",
            next_step="The module under test may write to descriptors; name one of its symbols as the target.",
        )
    return message
