"""Code actions: what can be done at a place, by a table of producers.

Nothing is run for them, and none carries an edit: each is a command that the client executes when the user takes it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from lsprotocol import types

from testwright.analysis.outline import Scope
from testwright.lsp.coverage.figures import Figures
from testwright.lsp.features.agent import SET_UP
from testwright.lsp.features.commands import CANCEL, GENERATE, JUDGE
from testwright.lsp.features.review import ACCEPT, DISCARD, REJECT, REPORT
from testwright.lsp.texts.documents import Document
from testwright.lsp.texts.places import TestFile
from testwright.lsp.texts.scopes import scopes_around
from testwright.lsp.texts.suitability import objection_to_address, objection_to_text
from testwright.lsp.work.endings import counted, percent

if TYPE_CHECKING:
    from testwright.lsp.server import TestwrightServer
    from testwright.lsp.session import Session

KIND_GENERATE = "source.generateTests"
KIND_JUDGE = "source.judgeTests"
KIND_REVIEW = "source.reviewTests"
KIND_CANCEL = "source.cancelTests"
KIND_AGENT = "source.setUpAgent"
"""Leaves below ``source``: such an action is offered when it is asked for, without a light bulb on every line."""

WAIT_SECONDS = 0.2
"""How long the answer waits to learn whether the module has a test file, and what it covers."""

logger = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Scene:
    """What is known of the place that actions are asked for.

    Attributes:
        session: The session.
        uri: The document as the client names it.
        path: Its file; None when it has none.
        document: The document; None when it is not open.
        objection: Why it cannot be tested as a module; None when it can.
        scopes: Classes and functions around the range, the innermost first.
        tests: What is known of the module's test file; None when that is not known.
        figures: What is known of the module's coverage; None when nothing is.
    """

    session: Session
    uri: str
    path: Path | None
    document: Document | None
    objection: str | None
    scopes: tuple[Scope, ...]
    tests: TestFile | None
    figures: Figures | None

    @property
    def module_name(self) -> str:
        """The module's last name; a package goes by its folder."""
        if self.path is None:
            return "this document"
        return self.path.parent.name if self.path.stem == "__init__" else self.path.stem


@dataclass(frozen=True, slots=True)
class Offer:
    """One action.

    Attributes:
        title: What the user reads.
        command: What is executed.
        argument: Its argument.
        disabled: Why it cannot be taken; None when it can.
    """

    title: str
    command: str
    argument: dict[str, Any]
    disabled: str | None = None


@dataclass(frozen=True, slots=True)
class Producer:
    """One way to come to actions.

    Attributes:
        kind: Of the actions.
        produce: Makes them.
        needs: ``anything``, or a document that can be tested as a ``module``.
    """

    kind: str
    produce: Callable[[Scene], Iterable[Offer]]
    needs: Literal["anything", "module"]


def register(server: TestwrightServer) -> None:
    """Register code actions."""
    kinds = list(dict.fromkeys(producer.kind for producer in PRODUCERS))

    @server.feature(types.TEXT_DOCUMENT_CODE_ACTION, types.CodeActionOptions(code_action_kinds=kinds))
    async def code_action(
        ls: TestwrightServer, params: types.CodeActionParams
    ) -> list[types.CodeAction | types.Command]:
        wanted = [producer for producer in PRODUCERS if _is_wanted(producer.kind, params.context)]
        if not wanted:
            return []
        scene = await _scene(ls.session, params)
        found: list[types.CodeAction | types.Command] = []
        for producer in wanted:
            try:
                offers = list(producer.produce(scene)) if _has_needs(producer, scene) else []
            except Exception:
                logger.exception("Code actions of kind %s could not be made", producer.kind)
                continue
            found += [action for offer in offers if (action := _action(ls.session, producer.kind, offer)) is not None]
        return found


def _is_wanted(kind: str, context: types.CodeActionContext) -> bool:
    """Whether actions of a kind are asked for: by name, by a kind above, or by a user who asks for all there are."""
    if context.only is None:
        return context.trigger_kind != types.CodeActionTriggerKind.Automatic
    return any(not only or kind == only or kind.startswith(f"{only}.") for only in context.only)


async def _scene(session: Session, params: types.CodeActionParams) -> Scene:
    uri = params.text_document.uri
    document = session.document(uri)
    path = document.file_path if document is not None else None
    objection = objection_to_address(session, uri)
    if path is None or document is None or objection is not None:
        return Scene(session, uri, path, document, objection or "This document is not open.", (), None, None)
    outline = await document.outline()
    tests, figures = await asyncio.gather(
        session.test_places.of(path, WAIT_SECONDS), _in_time(session.hints.figures(document), WAIT_SECONDS)
    )
    objection = await objection_to_text(document, is_test=tests is not None and tests.is_test)
    scopes = scopes_around(document, outline, params.range) if outline is not None else ()
    return Scene(session, uri, path, document, objection, scopes, tests, figures)


async def _in_time(work: Coroutine[Any, Any, T], seconds: float) -> T | None:
    """What is known in time; None else."""
    try:
        return await asyncio.wait_for(work, seconds)
    except TimeoutError:
        return None


def _has_needs(producer: Producer, scene: Scene) -> bool:
    return producer.needs == "anything" or scene.objection is None


def _action(session: Session, kind: str, offer: Offer) -> types.CodeAction | types.Command | None:
    """The action as the client can show it; None when it cannot show it at all."""
    client = session.client
    command = types.Command(title=offer.title, command=offer.command, arguments=[offer.argument])
    if offer.disabled is not None:
        if not (client.action_literals and client.disabled_actions):
            return None
        return types.CodeAction(offer.title, kind=kind, disabled=types.CodeActionDisabled(offer.disabled))
    if not client.action_literals:
        return command
    return types.CodeAction(offer.title, kind=kind, command=command)


# ------------------------------------------------------------------------------------------------ producers


def _for_module(scene: Scene) -> Iterable[Offer]:
    """Tests for the whole module; disabled with its reason where that cannot be."""
    if scene.objection is not None:
        yield Offer(f"Generate tests for {scene.module_name}", GENERATE, {"uri": scene.uri}, scene.objection)
        return
    title = f"Generate tests for module {scene.module_name}"
    if scene.tests is not None and scene.tests.path is not None:
        title = f"Improve tests for {scene.module_name}{_covered(scene.figures)}"
    yield Offer(title, GENERATE, {"uri": scene.uri})


def _for_scopes(scene: Scene) -> Iterable[Offer]:
    """Tests for the class and the function around the cursor, the innermost first."""
    for scope in scene.scopes:
        if not scope.public:
            continue
        what = f"class {scope.qualname}" if scope.kind == "class" else scope.qualname
        yield Offer(f"Generate tests for {what}", GENERATE, {"uri": scene.uri, "symbol": scope.qualname})


def _for_existing_tests(scene: Scene) -> Iterable[Offer]:
    """What the tests are worth that the module has."""
    if scene.tests is not None and scene.tests.path is not None:
        yield Offer(f"Judge the tests of {scene.module_name}", JUDGE, {"uri": scene.uri})


def _for_added_tests(scene: Scene) -> Iterable[Offer]:
    """In a test file: what becomes of the tests that the last run has added to it."""
    if scene.path is None or (addition := scene.session.results.at(scene.path)) is None:
        return
    run = {"run": addition.run}
    for scope in scene.scopes:
        if scope.qualname in addition.tests:
            yield Offer(f"Reject {scope.qualname}", REJECT, {**run, "tests": [scope.qualname]})
    if addition.tests:
        count = counted(len(addition.tests), "generated test")
        yield Offer(f"Discard {count} for {addition.subject}", DISCARD, run)
    if rejected := [name for name in addition.delivered.tests if name in addition.rejected]:
        yield Offer(f"Put back {counted(len(rejected), 'rejected test')}", ACCEPT, {**run, "tests": rejected})


def _for_report(scene: Scene) -> Iterable[Offer]:
    """What the last run on this file has done."""
    if scene.path is not None and scene.session.results.known(scene.path) is not None:
        yield Offer("Show the report of the last run", REPORT, {"uri": scene.uri})


def _for_runs(scene: Scene) -> Iterable[Offer]:
    """A way to cancel, for clients that show no progress with a button for it."""
    if scene.session.client.progress or scene.path is None:
        return
    words = {"generate": "generating tests for", "judge": "judging the tests of", "measure": "measuring"}
    for run in scene.session.runs.alive:
        if run.work.path == scene.path and not run.cancelled and not run.quiet:
            yield Offer(f"Cancel {words[run.work.kind]} {run.work.subject}", CANCEL, {"run": run.id})


def _for_agent(scene: Scene) -> Iterable[Offer]:
    """The set-up that the last run has lacked, for clients that show no message with a button for it."""
    session = scene.session
    if session.client.show_message_request or scene.path is None or session.agent.is_going:
        return
    if "set-up-agent" in session.offers.of_last_run(session.folders.root_of(scene.path)):
        yield Offer("Set up the agent", SET_UP, {})


def _covered(figures: Figures | None) -> str:
    """How much of the module is covered, where that is known."""
    if figures is None:
        return ""
    return f" ({percent(figures.measurement.sets.percent)} % {'when measured' if figures.is_stale else 'covered'})"


PRODUCERS = (
    Producer(KIND_GENERATE, _for_module, needs="anything"),
    Producer(KIND_GENERATE, _for_scopes, needs="module"),
    Producer(KIND_JUDGE, _for_existing_tests, needs="module"),
    Producer(KIND_REVIEW, _for_added_tests, needs="anything"),
    Producer(KIND_REVIEW, _for_report, needs="anything"),
    Producer(KIND_CANCEL, _for_runs, needs="anything"),
    Producer(KIND_AGENT, _for_agent, needs="anything"),
)
