"""Where a run's agent comes from: what stands in its way, its box, and a conversation with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from testwright.boxes.agent_box import AgentHosts, LocalAgent, choose_agent_box
from testwright.boxes.docker.client import DockerClient
from testwright.boxes.docker.faults import not_answering
from testwright.engines.openhands.engine import OpenHandsEngine
from testwright.engines.openhands.freight import Freight
from testwright.engines.openhands.ignoring import ignored_by
from testwright.engines.openhands.session import BoxedAgent
from testwright.engines.openhands.values import AgentProgress, AgentSession, Launcher
from testwright.engines.protocol import Ask
from testwright.errors import AgentMissing, DockerUnavailable, TestwrightError
from testwright.provisioning.agent_environment import AgentEnvironment, find
from testwright.provisioning.images.agent_images import find_image
from testwright.provisioning.images.names import MadeImage
from testwright.service.agent.plan import Obstacle
from testwright.service.job import GenerateRequest, Job
from testwright.service.workshop import Workshop

if TYPE_CHECKING:
    from testwright.models.plan import Plan as ModelPlan

DOCKER_SECONDS = 10.0
"""How long an engine may take to tell its images: a run that no agent can join must not wait for one that hangs."""


@dataclass(frozen=True, slots=True)
class ReadyAgent:
    """An agent that can be started.

    Attributes:
        launcher: Its box, and its interpreter in there.
        python: The project's interpreter, as that box sees it.
        context: Tokens that the smallest of its models takes; None when that is not known.
        max_output: Tokens that an answer may have; None when that is not known.
        in_image: Whether all that it has comes from an image.
        notes: Sentences for the user about the choice of the box.
    """

    launcher: Launcher
    python: str
    context: int | None = None
    max_output: int | None = None
    in_image: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """What was found of an agent.

    Attributes:
        obstacles: What stands in its way.
        agent: None when something does.
    """

    obstacles: tuple[Obstacle, ...]
    agent: ReadyAgent | None


class Agents(Protocol):
    """Gives a run its agent."""

    async def look(self, job: Job, request: GenerateRequest, environ: Mapping[str, str]) -> Look:
        """Find out whether there can be one. Nothing is asked of a model, and what fails is an obstacle."""
        ...

    def open(
        self, agent: ReadyAgent, workshop: Workshop, ask: Ask, on_progress: Callable[[AgentProgress], None]
    ) -> AgentSession:
        """A conversation with it, which begins when it is entered."""
        ...


class BoxedAgents:
    """Agents of this machine, in boxes."""

    async def look(self, job: Job, request: GenerateRequest, environ: Mapping[str, str]) -> Look:
        """Look for models, then for the agent, and try its box out when there are both."""
        obstacles: list[Obstacle] = []
        context = max_output = None
        if request.replay is None:
            try:
                plan = await asyncio.to_thread(_plan_models, job, environ)
            except TestwrightError as error:
                obstacles.append(_obstacle("a model", error))
            else:
                obstacles += model_obstacles(plan)
                entries = [choice.entry for choice in plan.chain.taken]
                context = min((entry.context_window for entry in entries if entry.context_window), default=None)
                max_output = min((entry.max_output for entry in entries if entry.max_output), default=None)
        try:
            local = await asyncio.to_thread(find, job.settings.agent_sdk, environ=environ)
        except TestwrightError as error:
            return Look((*obstacles, _obstacle("its environment", error)), None)
        found = _Image() if local and obstacles else await _image(job, environ)
        image = found.image
        if local is None and image is None:
            is_docker = job.settings.agent_box == "docker"
            obstacles.append(_obstacle("a box", found.error) if found.error and is_docker else _not_set_up(job))
        if obstacles:
            return Look(tuple(obstacles), None)
        try:
            agent = await _in_a_box(job, local, image, environ)
        except TestwrightError as error:
            return Look((_obstacle("a box", error),), None)
        told = (*agent.notes, *(found.notes if agent.in_image else ()))
        return Look((), replace(agent, context=context, max_output=max_output, notes=told))

    def open(
        self, agent: ReadyAgent, workshop: Workshop, ask: Ask, on_progress: Callable[[AgentProgress], None]
    ) -> AgentSession:
        """A conversation with an agent that gets the filtered copy of the workspace."""
        session = workshop.session
        ignored = ignored_by(session.world.workspace)
        freight = Freight(session.world.snapshot, session.library, session.overlay, ignored)
        return BoxedAgent(agent.launcher, freight, ask, on_progress)


async def _in_a_box(
    job: Job, local: AgentEnvironment | None, image: MadeImage | None, environ: Mapping[str, str]
) -> ReadyAgent:
    """A box with the agent in it.

    Raises:
        BoxUnavailable: There is none.
    """
    hosts = AgentHosts(
        image=None if image is None else image.agent,
        local=None if local is None else LocalAgent(local.python, local.roots),
        workspace=job.target.workspace,
        environ=environ,
    )
    chosen = await choose_agent_box(job.settings.agent_box, hosts)
    if image is not None and chosen.image is not None:
        return ReadyAgent(chosen, image.contents.python, in_image=True, notes=chosen.notes)
    interpreter = job.subject.interpreter
    roots = tuple(dict.fromkeys((*chosen.read_only, *interpreter.roots)))
    return ReadyAgent(replace(chosen, read_only=roots), str(interpreter.executable), notes=chosen.notes)


@dataclass(frozen=True, slots=True)
class _Image:
    """The image that is there, with sentences about it; or why Docker cannot be used."""

    image: MadeImage | None = None
    notes: tuple[str, ...] = ()
    error: TestwrightError | None = None


async def _image(job: Job, environ: Mapping[str, str]) -> _Image:
    settings, workspace = job.settings, job.target.workspace
    if settings.agent_box not in ("auto", "docker"):
        return _Image()
    try:
        client = DockerClient.find(workspace, environ)
        async with asyncio.timeout(DOCKER_SECONDS):
            image, notes = await find_image(
                client,
                root=workspace,
                base=settings.agent_image_base,
                sdk=settings.agent_sdk,
                python=job.subject.interpreter.version or None,
            )
    except TimeoutError:
        return _Image(error=not_answering(DOCKER_SECONDS))
    except TestwrightError as error:
        return _Image(error=error)
    return _Image(image, notes)


def _plan_models(job: Job, environ: Mapping[str, str]) -> ModelPlan:
    # What knows the models takes longer to load than an event loop may wait.
    from testwright.models.plan import plan_models  # noqa: PLC0415

    return plan_models(job.settings, job.target.workspace, environ=environ, need=OpenHandsEngine.need)


def model_obstacles(plan: ModelPlan) -> list[Obstacle]:
    """What stands between a run and its models."""
    from testwright.models.consent import require_consent  # noqa: PLC0415 - loaded by the plan
    from testwright.models.selection import no_models  # noqa: PLC0415

    if not plan.chain.taken:
        error = no_models(plan.chain)
        needed = [state.provider.key_variable for state in plan.keys if state.provider.key_variable]
        if needed and not any(state.key for state in plan.keys):
            return [Obstacle("a key", f"set {needed[0]}, or name a server of your own by model-base-url", error)]
        return [Obstacle("a model", "`testwright models explain` says why none may be asked", error)]
    try:
        require_consent(plan.consent)
    except TestwrightError as error:
        return [Obstacle("your consent to send code to a model", "`testwright consent`", error)]
    return []


def _not_set_up(job: Job) -> Obstacle:
    if job.settings.agent_box == "docker":
        step = "`testwright setup docker`"
        error: TestwrightError = DockerUnavailable("The agent has no image in Docker.", next_step=f"Run {step}.")
        return Obstacle("its image in Docker", step, error)
    step = "`testwright setup openhands`"
    error = AgentMissing("The agent is not set up on this machine.", next_step=f"Run {step}.")
    return Obstacle("its set-up on this machine", step, error)


def _obstacle(what: str, error: TestwrightError) -> Obstacle:
    step = str(error).rstrip(".")  # why, and what to do about it
    return Obstacle(what, step[:1].lower() + step[1:], error)
