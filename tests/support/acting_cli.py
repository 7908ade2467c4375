"""The command line, whose agent a test plays: it hands out one file, and then thinks for ever.

Usage: acting_cli.py AGENT_FILE ARGUMENT...
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from acted_agent import ActedAgents

from testwright.cli import generating, run
from testwright.service import UnitTestGenerationService


def main() -> int:
    """Do it, and return the exit code."""
    file, *arguments = sys.argv[1:]
    agents = ActedAgents([Path(file).read_text(encoding="utf-8"), ...])
    service = partial(UnitTestGenerationService, agents=agents)
    generating.UnitTestGenerationService = service  # type: ignore[assignment, attr-defined]
    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
