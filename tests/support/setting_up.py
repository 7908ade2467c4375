"""A set-up in a process of its own, which is killed at a step: ``python setting_up.py LOCK STEP``."""

from __future__ import annotations

import asyncio
import os
import platform
import signal
import sys
from pathlib import Path

from testwright.provisioning import pythons
from testwright.provisioning.agent_environment import set_up_lock
from testwright.provisioning.locks import read_lock
from testwright.provisioning.making import Circumstances
from testwright.provisioning.progress import SetupProgress


def here() -> str:
    """The version of the Python that runs the tests, as ``3.12``."""
    return ".".join(platform.python_version_tuple()[:2])


def main(lock: Path, step: str) -> None:
    """Set up, and be killed as soon as the step is told."""
    pythons.WANTED = (here(),)

    def tell(event: SetupProgress) -> None:
        if event.step == step:
            os.kill(os.getpid(), signal.SIGKILL)

    around = Circumstances(Path("/nowhere"), os.environ, tell)
    asyncio.run(set_up_lock(read_lock(lock), around, python=Path(sys.executable), needed=0))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
