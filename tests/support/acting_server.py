"""The language server with an agent that a test plays, for tests of runs that have one, and of what one may lack.

All else of a run is the server's own.

Usage: acting_server.py PLAY. ``writes``: each round gives the file ``agent.py`` of the home folder. ``waits``: the first
round never ends. ``breaks``: it breaks off. Else what the agent lacks, joined by ``+``: ``set-up``, ``consent``, ``key``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from acted_agent import ActedAgents

from testwright.cli import main
from testwright.errors import AgentFailure, AgentMissing, ConsentMissing, NoModels
from testwright.lsp.work import jobs
from testwright.service import UnitTestGenerationService
from testwright.service.agent.plan import Obstacle

LACKS = {
    "set-up": Obstacle(
        "its set-up on this machine",
        "`testwright setup openhands`",
        AgentMissing("The agent is not set up on this machine.", next_step="Run `testwright setup openhands`."),
    ),
    "consent": Obstacle("your consent", "`testwright consent`", ConsentMissing("Nobody has agreed.")),
    "key": Obstacle("a key", "set OPENROUTER_API_KEY", NoModels("There is no key.")),
}


def agents(play: str) -> ActedAgents:
    """The agent of the next run."""
    plays: dict[str, Any] = {
        "writes": (Path.home() / "agent.py").read_text(encoding="utf-8") if play == "writes" else None,
        "waits": ...,
        "breaks": AgentFailure("The agent broke off."),
    }
    if play in plays:
        return ActedAgents([plays[play]] * 3)
    return ActedAgents(obstacles=tuple(LACKS[what] for what in play.split("+")))


def act(play: str) -> None:
    """Let the runs of this process have that agent."""

    async def service() -> UnitTestGenerationService:
        return UnitTestGenerationService(agents=agents(play))

    jobs._service = service


if __name__ == "__main__":
    act(sys.argv[1])
    sys.argv[1:] = ["lsp"]
    main()
