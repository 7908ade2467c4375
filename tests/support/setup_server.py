"""The language server on a machine where OpenHands is a few small wheels; their installation is the real one.

Usage: setup_server.py LOCK [LACKS]: the lock file of the wheels, and what the agent lacks in a run (``acting_server.py``).
"""

from __future__ import annotations

import sys
from pathlib import Path

from acting_server import act
from setting_up import here

from testwright.cli import main
from testwright.provisioning import agent_environment, pythons
from testwright.provisioning.locks import read_lock

if __name__ == "__main__":
    lock = read_lock(Path(sys.argv[1]))

    vars(agent_environment)["lock_of"] = lambda _: lock
    agent_environment.NEEDED_BYTES = {"pinned": 0, "newest": 0}
    pythons.WANTED = (here(),)
    if len(sys.argv) > 2:
        act(sys.argv[2])
    sys.argv[1:] = ["lsp"]
    main()
