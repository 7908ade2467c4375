"""The language server with an engine that asks a model one thing and proposes nothing, for tests of consent and keys.

All else of a run is the server's own: its settings, its box, and the way to the models.
"""

from __future__ import annotations

import sys
from typing import Any

from testwright.cli import main
from testwright.engines.protocol import Ask, Proposal
from testwright.lsp.work import jobs
from testwright.models.values import ChatRequest, Need
from testwright.service import UnitTestGenerationService


class AskingEngine:
    """Asks for a greeting."""

    need = Need(tools=False)

    async def propose(self, *_: object, ask: Ask, **__: Any) -> Proposal:
        await ask(ChatRequest(body={"messages": [{"role": "user", "content": "Say hello."}]}))
        return Proposal((), "exhausted", 0, ())


async def service() -> UnitTestGenerationService:
    return UnitTestGenerationService(engine=AskingEngine())


if __name__ == "__main__":
    jobs._service = service
    sys.argv[1:] = ["lsp"]
    main()
