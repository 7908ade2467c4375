"""A ``pytest`` and a ``python`` that work for the agent: the project's, with its import roots and the overlay."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

NAMES = ("python", "python3", "pytest", "py.test")

_SCRIPT = """#!/bin/sh
export PYTHONPATH={path} PYTHONDONTWRITEBYTECODE=1 PYTHONUTF8=1
exec {python} {module}"$@"
"""

# Python runs one sitecustomize at its start. This one puts the overlay last, so that the project's own packages win,
# and then runs the one that it stands before.
_SITE = """import importlib.machinery, importlib.util, sys
sys.path[:] = [entry for entry in sys.path if entry != {here!r}]
_spec = importlib.machinery.PathFinder.find_spec("sitecustomize", sys.path)
sys.path += {overlay!r}
if _spec is not None and _spec.loader is not None:
    _spec.loader.exec_module(importlib.util.module_from_spec(_spec))
"""


def write_commands(folder: Path, python: str, import_roots: list[Path], overlay: Path | None) -> Path:
    """Write the scripts.

    Args:
        folder: To make them in; outside the workspace.
        python: The project's interpreter, as the box sees it.
        import_roots: Where the project's modules are imported from.
        overlay: Folder with pytest, for a project without; None when there is none.

    Returns:
        The folder to put first in ``PATH``.
    """
    site, programs = folder / "site", folder / "bin"
    site.mkdir(parents=True)
    programs.mkdir()
    lent = [] if overlay is None else [str(overlay)]
    (site / "sitecustomize.py").write_text(_SITE.format(here=str(site), overlay=lent), encoding="utf-8")
    path = shlex.quote(os.pathsep.join([str(site), *map(str, import_roots)]))
    for name in NAMES:
        module = "-m pytest " if name in ("pytest", "py.test") else ""
        script = programs / name
        script.write_text(_SCRIPT.format(path=path, python=shlex.quote(python), module=module), encoding="utf-8")
        script.chmod(0o755)
    return programs
