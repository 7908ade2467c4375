"""The first start of the agent's environment: in a box, with a limit of time, to see that it can be imported."""

from __future__ import annotations

import json
from pathlib import Path

from testwright.boxes.choose import choose_box
from testwright.boxes.protocol import Box, Command, Limits, World
from testwright.boxes.reaping import Registry
from testwright.errors import BoxUnavailable, SetupFailure
from testwright.housekeeping import scratch_parent

WALL_SECONDS = 300.0
"""It takes 8 seconds, and 35 on a machine that has other things to do."""

# What the agent program imports; litellm would ask the network for prices, and the SDK prints a banner.
_QUESTION = """
import importlib.metadata as metadata, json
import openhands.sdk, openhands.tools.file_editor, openhands.tools.terminal
print()
print(json.dumps({"sdk": metadata.version("openhands-sdk")}))
"""
QUIET = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "OPENHANDS_SUPPRESS_BANNER": "1"}
"""Variables with which the SDK is imported."""

_MAX_TOLD = 300


async def try_import(python: Path, roots: tuple[Path, ...], sdk: str) -> str | None:
    """Import the SDK and the tools.

    Args:
        python: The environment's interpreter.
        roots: What a box must show of the host: the environment, and its Python's installation.
        sdk: Version that must be found.

    Returns:
        A note when no box can be had here, so that nothing was tried; else None.

    Raises:
        SetupFailure: The import fails.
    """
    try:
        box = await choose_box("auto")
    except BoxUnavailable as error:
        return f"The import was not tried, since it may only run in a box: {error.message}"
    with Registry.default().private_folder(scratch_parent(), "setup") as scratch:
        snapshot = scratch / "workspace"
        snapshot.mkdir(mode=0o755)
        world = World(workspace=snapshot, snapshot=snapshot, read_only=roots)
        await import_in(box, world, str(box.seen(world, python)), sdk)
    return None


async def import_in(box: Box, world: World, python: str, sdk: str) -> None:
    """Import the SDK and the tools in a box.

    Args:
        box: The box.
        world: What it shows.
        python: The interpreter, as the box sees it.
        sdk: Version that must be found.

    Raises:
        SetupFailure: The import fails.
        BoxUnavailable: The box cannot be had.
        BoxFailure: It did not do its job.
    """
    command = Command(
        argv=(python, "-I", "-c", _QUESTION),
        environment=QUIET,
        limits=Limits(wall=WALL_SECONDS, cpu=WALL_SECONDS),
    )
    async with await box.start(world, command) as process:
        lines = [line async for line in process.lines()]
        ended = await process.wait()
    if ended.code == 0 and lines and _sdk(lines[-1]) == sdk:
        return
    why = {"wall": f"it took more than {WALL_SECONDS:.0f} seconds", "memory": "it took too much memory"}.get(
        ended.cause
    )
    if why is None:
        why = next((line.strip() for line in reversed(ended.stderr.splitlines()) if line.strip()), f"code {ended.code}")
    raise SetupFailure(
        f"OpenHands was installed and cannot be imported in the box {box.name}: {why[:_MAX_TOLD]}.",
        next_step="Take another Python with --python, or the other SDK with --sdk; when neither helps, report this.",
    )


def _sdk(line: bytes) -> str | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    version = found.get("sdk") if isinstance(found, dict) else None
    return version if isinstance(version, str) else None
