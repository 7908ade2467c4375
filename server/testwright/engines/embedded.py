"""The embedded engine: a search in the box that proposes tests, without a model and without a network."""

from __future__ import annotations

import ast
import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace

from testwright.boxes.protocol import Limits
from testwright.boxes.session import ExitCell, Session
from testwright.engines.harvest import harvest_paths
from testwright.engines.protocol import Ask, Proposal
from testwright.engines.wire import Explored, Progressed, Proposed, explore_message
from testwright.errors import BoxFailure
from testwright.model import Candidate, CoverageSets, Import, Raises, Target
from testwright.models.values import Need

MAX_CASES = 40_000
"""Cases of one search at most: what bounds it when the plateau does not come and the machine is fast."""
MAX_CANDIDATES = 400
"""Proposals that are taken from one search."""
GRACE_SECONDS = 4.0
"""Wall time beyond the deadline after which the box is killed; the search itself stops by its own clock."""
LIMITS = Limits(processes=256)


class EmbeddedEngine:
    """Runs the explorer and takes its proposals."""

    need = Need()

    async def propose(  # noqa: PLR0913 - what bounds a search is named by its caller
        self,
        session: Session,
        target: Target,
        goals: CoverageSets,
        *,
        seed: int,
        deadline_seconds: float,
        ask: Ask | None = None,  # noqa: ARG002 - any engine is given it; this one asks no model
        on_progress: Callable[[int, int, int], None] = lambda _cases, _lines, _branches: None,
        limits: Limits = LIMITS,
    ) -> Proposal:
        """Search for tests.

        Args:
            session: The run's box.
            target: What tests are wanted for.
            goals: Lines and branches of the target's file; what is executed already is not looked for.
            seed: The same seed gives the same candidates unless the search was stopped by the wall clock.
            deadline_seconds: Wall time for all of it.
            ask: Not used.
            on_progress: Called with cases run, lines and branches newly reached.
            limits: Limits of the start; the wall time is taken from ``deadline_seconds``.

        Raises:
            BoxFailure: The explorer did not answer as it should.
            BoxUnavailable: There is no box.
        """
        texts = await asyncio.to_thread(harvest_paths, session.world.snapshot, target)
        request = {
            "module": target.module,
            "file": session.seen(target.path),
            "symbol": target.symbol,
            "first_line": target.first_line,
            "last_line": target.last_line,
            "seed": seed,
            "max_cases": MAX_CASES,
            "wall_seconds": deadline_seconds,
            "statements": sorted(goals.statements),
            "branches": sorted(goals.branches),
            "covered_lines": sorted(goals.executed),
            "covered_branches": sorted(goals.executed_branches),
            "texts": [session.seen(path) for path in texts],
        }
        proposed: list[Proposed] = []
        explored: Explored | None = None
        ended = ExitCell()
        wall = replace(limits, wall=deadline_seconds + GRACE_SECONDS)
        async with contextlib.aclosing(session.run("explore", request, limits=wall, on_exit=ended)) as messages:
            async for raw in messages:
                message = explore_message(raw)
                if explored is not None:
                    continue  # nothing counts after the last word
                if isinstance(message, Proposed):
                    if len(proposed) < MAX_CANDIDATES:
                        proposed.append(message)
                elif isinstance(message, Progressed):
                    on_progress(message.cases, message.lines, message.branches)
                else:
                    explored = message
        notes: list[str] = []
        if explored is None:
            if not proposed:
                raise BoxFailure(_ending(ended, target), next_step=_next_step(ended))
            notes.append(_ending(ended, target))
        candidates, refused = await asyncio.to_thread(_candidates, proposed)
        if refused:
            notes.append(f"{refused} proposals of the search were no valid Python and were left out.")
        if explored is not None and explored.poisoned:
            notes.append("The search gave up on what ended or hung its process: " + "; ".join(explored.poisoned) + ".")
        return Proposal(
            candidates,
            explored.stopped_by if explored is not None else "wall",
            explored.cases if explored is not None else 0,
            tuple(notes),
        )


def _candidates(proposed: Sequence[Proposed]) -> tuple[tuple[Candidate, ...], int]:
    """Candidates that parse, and how many did not."""
    found: list[Candidate] = []
    seen: set[str] = set()
    refused = 0
    for item in proposed:
        if item.id in seen or not _parses(item):
            refused += 1
            continue
        seen.add(item.id)
        found.append(
            Candidate(
                id=item.id,
                target=item.target,
                scenario=item.scenario,
                arrange=tuple(item.arrange),
                act=item.act,
                binds=item.binds,
                asserts=tuple(item.asserts),
                raises=Raises(*item.raises) if item.raises is not None else None,
                warns=item.warns,
                imports=tuple(Import(*parts) for parts in item.imports),
                fixtures=tuple(item.fixtures),
                origin=item.origin,
            )
        )
    return tuple(found), refused


def _parses(item: Proposed) -> bool:
    expressions = [item.act, *item.asserts]
    if item.raises is not None:
        expressions.append(item.raises[0])
    if item.warns is not None:
        expressions.append(item.warns)
    try:
        for source in expressions:
            ast.parse(source, mode="eval")
        for source in item.arrange:
            ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return all(
        part is None or all(word.isidentifier() for word in part.split(".")) for parts in item.imports for part in parts
    )


def _ending(ended: ExitCell, target: Target) -> str:
    exit_ = ended.value
    if exit_ is None:
        return f"The search for tests of {target.module} ended without a word."
    cause = {
        "wall": "did not end in time",
        "memory": "needed more memory than a box may have",
        "output": "wrote more output than a box may",
        "killed": "was stopped",
        "signalled": f"was ended by signal {-exit_.code}",
        "exited": f"ended with exit code {exit_.code}",
    }[exit_.cause]
    said = exit_.stderr.strip().splitlines()
    return f"The search for tests of {target.module} {cause}" + (f": {said[-1][:300]}" if said else ".")


def _next_step(ended: ExitCell) -> str:
    if ended.value is not None and ended.value.cause == "wall":
        return "Give it more time with --budget, or name one symbol of the module."
    return "Name one symbol of the module as the target (PATH::name); report this when it happens again."
