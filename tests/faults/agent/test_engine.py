"""What a Docker engine does to a whole run: nothing that was proven is lost, and what is told is what happened."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from agent_site import Site, SmallAgents, all_gone, at_once, descendants, kept_what_was_proven, left, wrote_nothing
from docker_engine import IMAGE, OwnEngine
from shell_agent import FILLS_MEMORY, WORKS, make_agent_image

from testwright.boxes.docker.box import DockerBox
from testwright.boxes.protocol import MIB
from testwright.service.agent.sources import BoxedAgents, Look
from testwright.service.job import GenerateRequest, Job

from .conftest import sites_with

pytestmark = [pytest.mark.docker, pytest.mark.root]


def containers(engine: OwnEngine) -> list[str]:
    return engine.docker("ps", "--quiet").split()


async def in_both(engine: OwnEngine, *command: str) -> None:
    """Do something to the containers of both runs."""
    names = await asyncio.to_thread(containers, engine)
    assert len(names) == 2
    await asyncio.to_thread(engine.docker, *command, *names)


FROM_OUTSIDE = {
    "killed": (("kill",), "agent", ("was ended by signal 9", "killed, by itself or from outside", "--engine embedded")),
    "removed": (("rm", "--force"), "docker-failure", ("removed from outside", "Run again")),
    "paused": (("pause",), "docker-failure", ("paused from outside", "do not pause Testwright's containers")),
}


@pytest.mark.parametrize("what", FROM_OUTSIDE)
async def test_a_container_that_somebody_takes_away(sites: dict[str, Site], engine: OwnEngine, what: str) -> None:
    command, slug, words = FROM_OUTSIDE[what]
    before = {name: site.digests() for name, site in sites.items()}
    running = descendants()
    reports = await at_once(sites, WORKS, lambda: in_both(engine, *command), agent_box="docker")
    kept_what_was_proven(sites["auto"], before["auto"], reports["auto"], *words)
    wrote_nothing(sites["openhands"], before["openhands"], reports["openhands"], slug, *words)
    await all_gone(running)
    assert left() == []


@pytest.mark.parametrize("way", ["stop", "kill"])
async def test_an_engine_that_ends_in_the_middle(sites: dict[str, Site], engine: OwnEngine, way: str) -> None:
    before = {name: site.digests() for name, site in sites.items()}
    running = descendants()
    try:
        end: Callable[[], None] = engine.stop if way == "stop" else engine.kill
        reports = await at_once(sites, WORKS, lambda: asyncio.to_thread(end), agent_box="docker")
        words = ("The Docker engine went away", "Start it and run again", "--agent-box bubblewrap")
        kept_what_was_proven(sites["auto"], before["auto"], reports["auto"], *words)
        wrote_nothing(sites["openhands"], before["openhands"], reports["openhands"], "docker-failure", *words)
        await all_gone(running)
        assert left() == []
    finally:
        await asyncio.to_thread(engine.start)
    # What a killed engine had no time to remove, the next start does.
    assert (await DockerBox(engine.client(), IMAGE).probe()).usable
    assert engine.docker("ps", "--all", "--quiet") == ""


async def test_a_container_that_runs_out_of_memory(private: Path, engine: OwnEngine) -> None:
    sites = sites_with(f"\n\n{FILLS_MEMORY}\n", private.parent)
    before = {name: site.digests() for name, site in sites.items()}
    running = [
        site.run(name, SmallAgents(memory=96 * MIB, file=64 * MIB), agent_box="docker") for name, site in sites.items()
    ]
    reports = dict(zip(sites, await asyncio.gather(*running), strict=True))
    words = ("needed more memory than its box may have", "--engine embedded")
    kept_what_was_proven(sites["auto"], before["auto"], reports["auto"], *words)
    wrote_nothing(sites["openhands"], before["openhands"], reports["openhands"], "agent", *words)


class Vanishing(BoxedAgents):
    """Agents whose image somebody removes when it was found."""

    def __init__(self, engine: OwnEngine) -> None:
        self._engine = engine

    async def look(self, job: Job, request: GenerateRequest, environ: Mapping[str, str]) -> Look:
        found = await super().look(job, request, environ)
        assert found.agent is not None
        for name in self._engine.docker("images", "--format", "{{.Repository}}:{{.Tag}}", "testwright-agent").split():
            self._engine.docker("rmi", "--force", name)
        return found


async def test_an_image_that_goes_in_the_middle(sites: dict[str, Site], engine: OwnEngine) -> None:
    for name, site in sites.items():
        before = site.digests()
        report = await site.run(name, Vanishing(engine), agent_box="docker")
        words = ("The image is not there", "testwright setup docker", "--agent-box bubblewrap")
        if name == "auto":
            kept_what_was_proven(site, before, report, *words)
        else:
            wrote_nothing(site, before, report, "docker", *words)
        make_agent_image(engine)
    assert left() == []


# --- what stands in the way from the beginning: one line says what an agent would have taken on, and what it lacks


async def without(sites: dict[str, Site], slug: str, *words: str, **options: Any) -> None:
    """Both runs when there is no engine that works: the embedded tests and one line, or an error."""
    before = {name: site.digests() for name, site in sites.items()}
    reports = {name: await site.run(name, agent_box="docker", **options) for name, site in sites.items()}
    line = (words[0][1:], *words[1:])  # in the middle of a sentence it begins with a small letter
    kept_what_was_proven(sites["auto"], before["auto"], reports["auto"], "which an agent would take on", *line)
    wrote_nothing(sites["openhands"], before["openhands"], reports["openhands"], slug, *words)
    assert left() == []


async def test_no_image(sites: dict[str, Site], engine: OwnEngine) -> None:
    names = engine.docker("images", "--format", "{{.Repository}}:{{.Tag}}", "testwright-agent").split()
    engine.docker("rmi", "--force", *names)
    try:
        await without(sites, "docker", "image in Docker", "testwright setup docker")
    finally:
        make_agent_image(engine)


async def test_an_engine_that_is_not_running(
    sites: dict[str, Site], private: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{private}/none.sock")
    await without(sites, "docker", "The Docker engine does not answer", "Start it", "--agent-box bubblewrap")


async def test_no_permission(
    sites: dict[str, Site], engine: OwnEngine, private: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.folder.chmod(0o755)
    (engine.folder / "docker.sock").chmod(0o600)
    real = engine.client().program
    wrapper = private / "docker"
    wrapper.write_text(f'#!/bin/sh\nexec setpriv --reuid=65534 --regid=65534 --clear-groups {real} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setattr("testwright.boxes.docker.client.docker_program", lambda *_: wrapper)
    await without(sites, "docker", "You are not allowed to use Docker's socket", "to the group docker")


async def test_an_engine_whose_disk_is_full(sites: dict[str, Site], engine: OwnEngine) -> None:
    ballast = engine.data / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    try:
        await without(sites, "docker", "The disk of the Docker engine is full", "docker system df")
    finally:
        ballast.unlink()


async def test_local_mode_in_place_of_an_engine_that_is_gone_is_told(
    sites: dict[str, Site], set_up: Callable[[str], None], private: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With ``auto`` the agent runs in bubblewrap then: a full box too, but it is said, with the reason."""
    set_up("pinned")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{private}/none.sock")
    report = await sites["auto"].run("auto", agent_box="auto", max_iterations=1)
    assert report.status == "written", report.error
    (note,) = [note for note in report.notes if "local mode, in bubblewrap" in note]
    assert "The Docker engine does not answer" in note
    # Its model is at a port where nobody listens, which is told too.
    assert any("its model gave no answer" in note for note in report.notes), report.notes
