"""``testwright clean``: remove what is kept outside the workspace, and say so."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from pathlib import Path

import click

from testwright import housekeeping
from testwright.analysis.targets import find_workspace
from testwright.boxes.docker.client import DockerClient
from testwright.boxes.docker.reaping import find_containers, reap_all
from testwright.boxes.reaping import Reaped, Registry
from testwright.cli.errors import EXIT_NOTHING
from testwright.cli.views import relative_to_home, size_words
from testwright.errors import TestwrightError
from testwright.provisioning.agent_environment import FOLDER, setup_is_running
from testwright.provisioning.images.names import list_images
from testwright.service.interrupted import interrupted_runs

ENGINE_SECONDS = 10.0
"""How long a Docker engine is waited for, which need not have anything of ours."""
REMOVES_IMAGES = "`testwright setup docker --remove` removes it"


def clean_up(*, dry_run: bool) -> int:
    """Remove all places that no run holds and print each; 0 when nothing else is left, 3 when a removal failed.

    Images stay, since an engine may serve others too; they are named, with what removes them.
    """
    code = 0
    workspace = find_workspace(Path.cwd())
    reaped = Reaped(0, ()) if dry_run else asyncio.run(reap_all(workspace=workspace))
    _tell_reaped(reaped)
    found = housekeeping.places(*Registry.default().noted_folders())
    has_agent = any(_has_agent(place) for place in found)
    for place in found:
        words = f"{place.kind} {relative_to_home(place.path)} ({size_words(place.size)}{_contents(place)})"
        if why := _why_left(place):
            click.echo(f"Left {words}: {why}.")
        elif dry_run:
            click.echo(f"Would remove {words}")
        else:
            try:
                housekeeping.remove_tree(place.path)
            except OSError as error:
                click.echo(f"testwright: {words} could not be removed: {error.strerror or error}.", err=True)
                code = EXIT_NOTHING
            else:
                click.echo(f"Removed {words}")
    on_engine = asyncio.run(_on_engine(workspace, reaped.containers, has_agent=has_agent))
    for line in on_engine:
        click.echo(line)
    if not found and not on_engine:
        click.echo("Nothing is kept outside the workspace.")
    return code


def _tell_reaped(reaped: Reaped) -> None:
    for folder in reaped.folders:
        click.echo(f"Removed scratch {relative_to_home(folder)}, which a crash had left")
    if reaped.trees:
        click.echo(f"Ended {reaped.trees} {'box' if reaped.trees == 1 else 'boxes'} that a crash had left")


def _has_agent(place: housekeeping.Place) -> bool:
    return place.kind == "cache" and (place.path / FOLDER).is_dir()


def _contents(place: housekeeping.Place) -> str:
    """What of a place the user may not expect to go with it."""
    if _has_agent(place):
        return ", with the agent that was set up"
    if place.kind == "state" and (place.path / housekeeping.RUNS).exists():
        try:
            runs = len(interrupted_runs())
        except TestwrightError:
            return ""
        if runs:
            return f", with what {'a run that was' if runs == 1 else f'{runs} runs that were'} cut off had proven"
    return ""


def _why_left(place: housekeeping.Place) -> str:
    if place.in_use:
        return "a run that is going on may need it"
    return "the agent is being set up there" if place.kind == "cache" and setup_is_running() else ""


async def _on_engine(workspace: Path, crashed: Collection[str], *, has_agent: bool) -> list[str]:
    """A line for each thing of ours that is on the Docker engine, or was.

    Args:
        workspace: No program in it is started.
        crashed: Names of containers that a crash may have left, which were to be removed.
        has_agent: Whether there may be images: what makes them has left something in the cache.
    """
    try:
        client = DockerClient.find(workspace)
        async with asyncio.timeout(ENGINE_SECONDS):
            containers = await find_containers(client)
            images = await list_images(client)
    except (TestwrightError, TimeoutError) as error:
        why = error.message if isinstance(error, TestwrightError) else "The Docker engine does not answer."
        told = [f"Left container {name}: {why}" for name in crashed]
        return [*told, f"Left images of the agent, if there are any: {why}"] if has_agent else told
    there = {*containers.held, *containers.left}
    return [
        *(f"Left container {name}: the Docker engine would not remove it." for name in crashed if name in there),
        *(f"Removed container {name}, which a crash had left" for name in crashed if name not in there),
        *(f"Left image {one.name} ({size_words(one.size)}): {REMOVES_IMAGES}." for one in images),
    ]
