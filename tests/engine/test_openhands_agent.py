"""The whole conversation with the real SDK in a real box: real modules, our prompts, and a model that reacts."""

from __future__ import annotations

import asyncio
import hashlib
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_agent import InBox
from real_agents import agent_environment
from scripted_agent import Worker, text_of

from testwright.analysis.project import read_project
from testwright.boxes.bubblewrap import BubblewrapBox
from testwright.boxes.reaping import Registry
from testwright.boxes.session import install_inside
from testwright.boxes.snapshot import make_snapshot
from testwright.engines.openhands.engine import OpenHandsEngine
from testwright.engines.openhands.feedback import RejectedTest, RoundAccount, feedback
from testwright.engines.openhands.freight import Freight
from testwright.engines.openhands.ignoring import ignored_by
from testwright.engines.openhands.prompt import Briefing, opening
from testwright.engines.openhands.session import BoxedAgent
from testwright.engines.openhands.surroundings import gather
from testwright.engines.openhands.values import AgentLimits, AgentProgress, AgentRound, AgentTask
from testwright.errors import AccountLimit
from testwright.model import CoverageSets, Target
from testwright.models.values import ChatAnswer, ChatRequest, Usage

EXAMPLE = Path(__file__).parents[2] / "examples" / "invoicing"

pytestmark = pytest.mark.agent

ITEMS = (
    "from decimal import Decimal\nfrom invoicing.items import Category, ParseError, parse_item, parse_price",
    {"parse_price('1.299,00')": "Decimal('1')", "Category.BOOKS.vat_percent": "19", "parse_item('two lamps')": "None"},
    {"parse_price('12.5')": "Decimal('0')"},
    ["assert parse_price('1.299,00') == Decimal('1299.00')", "assert Category.BOOKS.vat_percent == 7", "ParseError"],
    "assert parse_price('12.5') == Decimal('12.5')",
)
INVOICE = (
    "import datetime\nfrom datetime import date\nfrom invoicing.invoice import Invoice, end_of_month, next_business_day",
    {"end_of_month(date(2024, 2, 3))": "datetime.date(2024, 2, 28)", "Invoice('7', 'A', date(2024, 1, 1))": "None"},
    {"next_business_day(date(2024, 6, 1)).weekday()": "5"},
    ["assert end_of_month(date(2024, 2, 3)) == datetime.date(2024, 2, 29)", "with pytest.raises(ValueError)"],
    "assert next_business_day(date(2024, 6, 1)).weekday() == 0",
)


class Rig:
    """One project with an agent for one of its modules."""

    def __init__(self, root: Path, overlay: Path, sdk: str, module: str) -> None:
        folder = agent_environment(sdk)
        python = folder / "bin" / "python"
        for part in (root, root.parent, root.parent.parent):
            part.chmod(0o755)
        self.snapshot, self.said = root / "snapshot", list[AgentProgress]()
        make_snapshot(EXAMPLE, self.snapshot)
        install_inside(root / "library")
        path = EXAMPLE / "src" / "invoicing" / f"{module}.py"
        source = path.read_text("utf-8")
        self.target = Target(EXAMPLE, path, f"invoicing.{module}", EXAMPLE / "src", None, 1, source.count("\n"), source)
        self.test_path = f"tests/test_{module}.py"
        own = Path(sys.executable).resolve()
        self.task = AgentTask(self.test_path, str(own), ("src",), limits=AgentLimits(rounds=2))
        roots = (folder, python.resolve().parents[1], own.parents[1])
        self.launcher = InBox(BubblewrapBox(Registry(root / "state")), str(python), roots)
        self.freight = Freight(self.snapshot, root / "library", overlay, ignored_by(EXAMPLE))

    def agent(self, ask: Callable[..., object]) -> BoxedAgent:
        return BoxedAgent(self.launcher, self.freight, ask, self.said.append)  # type: ignore[arg-type]

    def opening(self) -> str:
        covered = CoverageSets(frozenset(range(1, self.target.last_line)), frozenset())
        around = gather(self.snapshot, self.target, read_project(EXAMPLE), self.test_path)
        return opening(Briefing(self.target, self.test_path, covered, surroundings=around))

    def digest(self) -> str:
        files = sorted(path for path in self.snapshot.rglob("*") if path.is_file())
        return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def asking(worker: Worker) -> Callable[..., object]:
    async def ask(request: ChatRequest, *, on_text: Callable[[str], None] | None = None) -> ChatAnswer:
        body = await asyncio.to_thread(worker, dict(request.body))
        usage = Usage(prompt_tokens=100, completion_tokens=10)
        return ChatAnswer(model="scripted", body=body, finish_reason="stop", usage=usage, seconds=0.0)

    return ask


@pytest.mark.parametrize(
    ("sdk", "module", "script"), [("pinned", "items", ITEMS), ("newest", "invoice", INVOICE)], ids=["pinned", "newest"]
)
async def test_a_conversation_on_a_real_module(
    tmp_path: Path,
    overlay: Path,
    sdk: str,
    module: str,
    script: tuple[str, dict[str, str], dict[str, str], list[str], str],
) -> None:
    imports, guesses, more, first, second = script
    rig = Rig(tmp_path, overlay, sdk, module)
    worker = Worker(test_path=rig.test_path, imports=imports, guesses=guesses, more=more)
    before = rig.digest()

    async def judge(done: AgentRound) -> str | None:
        if worker.rounds > 1:
            return None
        refused = RejectedTest("test_case_1", "it adds nothing")
        return feedback(RoundAccount(rig.target, rig.test_path, done, (), (), (refused,), (), CoverageSets()))

    async with rig.agent(asking(worker)) as agent:
        engine = OpenHandsEngine(agent, rig.task.limits)
        await engine.begin(rig.task)
        worked = await engine.work(rig.opening(), judge, deadline=time.monotonic() + 150)

    assert (worked.error, worked.notes) == (None, ())
    one, two = worked.rounds
    assert (one.status, two.status) == ("finished", "finished")
    assert one.file is not None
    assert two.file is not None
    assert [line for line in first if line not in one.file] == []
    assert second in two.file
    assert first[0] not in two.file
    # The model was told what we say, once for each round, and the feedback's data stands in its fence.
    orders = [text_of(message) for message in worker.bodies[-1]["messages"] if message["role"] == "user"]
    assert rig.opening() in orders[0]
    assert "test_case_1: it adds nothing\n</data-" in orders[-1]
    words = [progress.words for progress in rig.said]
    assert words[0].startswith("the agent is ready (SDK 1.")
    assert any(one.endswith(f": running pytest, {len(guesses)} failed") for one in words)
    assert any(one.endswith(f": writing {rig.test_path}") for one in words)
    assert (one.requests + two.requests, one.tokens + two.tokens) == (len(worker.bodies), 110 * len(worker.bodies))
    assert rig.digest() == before


async def test_a_model_that_gives_no_answer_ends_the_real_sdk_at_once(tmp_path: Path, overlay: Path) -> None:
    rig = Rig(tmp_path, overlay, "newest", "items")

    async def refuse(request: ChatRequest, *, on_text: Callable[[str], None] | None = None) -> ChatAnswer:
        raise AccountLimit("The account's requests are used up.", next_step="Come back tomorrow.")

    async with rig.agent(refuse) as agent:
        await agent.begin(rig.task)
        done = await agent.round(rig.opening(), deadline=time.monotonic() + 120)
    assert (done.status, done.file, done.requests) == ("refused", None, 1)
    assert isinstance(done.error, AccountLimit)
    assert done.words.endswith("The account's requests are used up.")


async def test_a_real_agent_ends_within_two_seconds_while_it_works(tmp_path: Path, overlay: Path) -> None:
    rig = Rig(tmp_path, overlay, "pinned", "items")
    asked = asyncio.Event()

    async def never(request: ChatRequest, *, on_text: Callable[[str], None] | None = None) -> ChatAnswer:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    async def work() -> None:
        async with rig.agent(never) as agent:
            await agent.begin(rig.task)
            await agent.round(rig.opening(), deadline=time.monotonic() + 120)

    working = asyncio.create_task(work())
    await asyncio.wait({working, asyncio.create_task(asked.wait())}, return_when=asyncio.FIRST_COMPLETED)
    began = time.monotonic()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert time.monotonic() - began < 2
