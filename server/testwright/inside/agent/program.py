"""The agent's program: makes the box ready, imports the SDK, and plays rounds until the host has no more."""

from __future__ import annotations

import ctypes
import importlib
import importlib.metadata
import os
import platform
import time
from pathlib import Path
from typing import IO, Any

from . import lines
from .commands import write_commands
from .pipe import Pipe

_NOT_DUMPABLE = 4  # PR_SET_DUMPABLE, see prctl(2)

# litellm would ask the network for prices and read a .env file, the SDK prints a banner; no model wants colours.
_ENVIRONMENT = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_MODE": "PRODUCTION",
    "OPENHANDS_SUPPRESS_BANNER": "1",
    "LOG_LEVEL": "ERROR",
    "DO_NOT_TRACK": "1",
    "NO_COLOR": "1",
    "PY_COLORS": "0",
    "TERM": "dumb",
}

_FIELDS: dict[str, type] = {"test_path": str, "python": str, "import_roots": list, "max_steps": int, "file_limit": int}


def run(header: dict[str, Any], source: IO[bytes], descriptor: int, scratch: Path, began: float) -> None:
    """Do all of it, and leave.

    Args:
        header: The first line.
        source: Standard input, after the workspace.
        descriptor: Standard output.
        scratch: Private folder; what came is in ``unpacked`` there.
        began: When the program was started, by ``time.monotonic``.
    """
    pipe = Pipe(source, descriptor)
    missing = [name for name, kind in _FIELDS.items() if type(header.get(name)) is not kind]
    if header.get("version") != lines.VERSION:
        pipe.fail("version", f"The host speaks version {header.get('version')!r}, this program {lines.VERSION}.")
    if missing:
        pipe.fail("protocol", f"The header has no {missing[0]} of the right kind.")
    pipe.listen()
    _hide_memory()
    try:
        rounds = _ready(header, pipe, scratch)
    except Exception as error:
        pipe.fail("start", f"The agent could not be made ready. {type(error).__name__}: {error}")
    sdk = importlib.metadata.version("openhands-sdk")
    pipe.send(lines.ready(sdk, platform.python_version(), time.monotonic() - began))
    while (text := pipe.next_round()) is not None:
        rounds.run(text)
    rounds.close()
    os._exit(0)  # threads of the SDK must not hold the process


def _ready(header: dict[str, Any], pipe: Pipe, scratch: Path) -> Any:
    unpacked, workspace, home = scratch / "unpacked", scratch / "workspace", scratch / "home"
    home.mkdir()
    os.chdir(home)
    overlay = unpacked / "overlay"
    commands = write_commands(
        scratch / "commands",
        header["python"],
        [workspace / root for root in header["import_roots"]],
        overlay if overlay.is_dir() else None,
    )
    os.environ.update(_ENVIRONMENT, HOME=str(home), PATH=f"{commands}{os.pathsep}{os.environ.get('PATH', os.defpath)}")
    # Only now, since the SDK reads the environment while it is imported.
    conversation = importlib.import_module(".conversation", __package__)
    return conversation.Rounds(header, unpacked / "workspace", workspace, pipe)


def _hide_memory() -> None:
    """What the agent starts runs as the same user: it must neither read the token nor reach our descriptors."""
    ctypes.CDLL(None).prctl(_NOT_DUMPABLE, 0, 0, 0, 0)
