"""What an agent needs: its program, a box, a model, and the user's consent. Tests can be generated without.

Nothing is sent to a model or a provider, and nothing is started but what tries the box out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from testwright.analysis.interpreters import find_interpreter
from testwright.boxes.agent_box import AgentHosts, LocalAgent, choose_agent_box
from testwright.boxes.docker.client import DockerClient
from testwright.doctor.findings import Finding
from testwright.engines.openhands.engine import OpenHandsEngine
from testwright.errors import TestwrightError
from testwright.models.plan import Plan, plan_models
from testwright.provisioning.agent_environment import AgentEnvironment, find, setup_is_running
from testwright.provisioning.images.agent_images import find_image
from testwright.provisioning.images.names import MadeImage
from testwright.service.agent.sources import model_obstacles
from testwright.settings import Settings

SET_UP = "For tests by a model that works as an agent: testwright setup openhands"
BUILD = "testwright setup docker"


@dataclass(frozen=True, slots=True)
class _Agent:
    """What there is of the agent itself, and what is to be said of its image."""

    local: AgentEnvironment | None
    image: MadeImage | None
    notes: tuple[str, ...]

    @property
    def words(self) -> str:
        """Which there are; empty without any."""
        parts = []
        if self.local is not None:
            local = self.local
            parts.append(f"OpenHands SDK {local.sdk} on Python {local.python_version}, {local.folder}")
        if self.image is not None:
            made = self.image.contents
            parts.append(f"SDK {made.sdk} on Python {made.python_version} in the image {self.image.name}")
        return "; ".join(parts)


async def agent_findings(
    root: Path, settings: Settings, environ: Mapping[str, str], *, has_docker: bool
) -> list[Finding]:
    """Look at all that an agent needs here.

    Args:
        root: Root of the project.
        settings: The project's.
        environ: Variables to look at.
        has_docker: Whether there is a Docker engine that can be used.
    """
    if settings.engine == "embedded":
        return [Finding("agent", "ok", "not wanted: the setting engine is embedded")]
    image: MadeImage | None = None
    notes: tuple[str, ...] = ()
    if has_docker and settings.agent_box in ("auto", "docker"):
        image, notes = await _image(root, settings, environ)
    try:
        agent = _Agent(await asyncio.to_thread(find, settings.agent_sdk, environ=environ), image, notes)
        is_running = setup_is_running(environ)
    except TestwrightError as error:
        return [Finding("agent", "note", error.message, error.next_step)]
    findings = [_program(agent, settings, is_running=is_running, has_docker=has_docker)]
    if agent.words:
        findings.append(await _box(agent, root, settings, environ, has_docker=has_docker))
    findings.extend(await _models(root, settings, environ))
    return findings


async def _image(
    root: Path, settings: Settings, environ: Mapping[str, str]
) -> tuple[MadeImage | None, tuple[str, ...]]:
    """The image that a run would take; what is wrong with the engine is told by the finding on it."""
    try:
        python = find_interpreter(root, explicit=settings.python, environ=environ).version or None
        return await find_image(
            DockerClient.find(root, environ),
            root=root,
            base=settings.agent_image_base,
            sdk=settings.agent_sdk,
            python=python,
        )
    except TestwrightError:
        return None, ()


def _program(agent: _Agent, settings: Settings, *, is_running: bool, has_docker: bool) -> Finding:
    if agent.words:
        return Finding("agent", "ok", agent.words)
    if is_running:
        return Finding("agent", "note", "it is being set up just now", "Wait for it.")
    if settings.agent_box == "docker":
        next_step = f"For tests by a model that works as an agent: {BUILD}."
    else:
        next_step = f"{SET_UP}{f', or {BUILD} for Docker' if has_docker else ''}."
    return Finding("agent", "note", "OpenHands is not set up", next_step)


async def _box(
    agent: _Agent, root: Path, settings: Settings, environ: Mapping[str, str], *, has_docker: bool
) -> Finding:
    """The box that the agent would get, tried out as for a run."""
    hosts = AgentHosts(
        image=None if agent.image is None else agent.image.agent,
        local=None if agent.local is None else LocalAgent(agent.local.python, agent.local.roots),
        workspace=root,
        environ=environ,
    )
    try:
        chosen = await choose_agent_box(settings.agent_box, hosts)
    except TestwrightError as error:
        return Finding("agent box", "note", error.message, error.next_step)
    if settings.agent_box == "none":
        return Finding("agent box", "note", "none: the agent runs without isolation", "Set agent-box to auto.")
    if chosen.image is not None and agent.notes:
        return Finding("agent box", "note", " ".join((f"{chosen.box.name}.", *agent.notes)))
    if chosen.image is None and settings.agent_box == "auto" and has_docker and agent.image is None:
        detail = f"{chosen.box.name}, since the agent's image has not been built"
        return Finding("agent box", "note", detail, f"For Docker: {BUILD}.")
    return Finding("agent box", "ok", ". ".join((chosen.box.name, *(note.rstrip(".") for note in chosen.notes))))


async def _models(root: Path, settings: Settings, environ: Mapping[str, str]) -> list[Finding]:
    """Whether a model could be asked by a run, and may be."""
    try:
        plan = await asyncio.to_thread(plan_models, settings, root, environ=environ, need=OpenHandsEngine.need)
    except TestwrightError as error:
        return [Finding("model", "note", error.message, error.next_step)]
    obstacles = [
        Finding(
            "model" if not plan.chain.taken else "consent",
            "note",
            f"what is missing is {obstacle.what}",
            f"{obstacle.step[:1].upper()}{obstacle.step[1:]}.",
        )
        for obstacle in model_obstacles(plan)
    ]
    if not plan.chain.taken:
        return obstacles
    return [_model(plan), *(obstacles or [_consent(plan)])]


def _model(plan: Plan) -> Finding:
    first, *others = plan.chain.taken
    rest = f", then {others[0].entry.name if len(others) == 1 else f'{len(others)} others'}" if others else ""
    return Finding("model", "ok", f"{first.entry.name} of {first.provider.name} would be asked first{rest}")


def _consent(plan: Plan) -> Finding:
    consent = plan.consent
    if not consent.is_needed:
        return Finding("consent", "ok", "not needed, since no code leaves this machine")
    return Finding("consent", "ok", f"given for {', '.join(consent.destinations)}")
