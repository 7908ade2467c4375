"""``testwright setup docker``: make the images that the agent runs in, or remove them, and say how far it is."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from testwright.analysis.targets import find_workspace
from testwright.boxes.docker.client import DockerClient
from testwright.cli.output import print_json
from testwright.cli.setup_progress import setup_progress
from testwright.cli.signals import run_until_signal
from testwright.cli.views import size_words
from testwright.errors import UsageError
from testwright.provisioning.images.agent_images import make_agent_image, make_project_image
from testwright.provisioning.images.base import DEFAULT_BASE
from testwright.provisioning.images.making import ImageRequest, ProjectRequest
from testwright.provisioning.images.names import MadeImage, remove_images
from testwright.provisioning.images.progress import TellImage
from testwright.provisioning.locks import SdkName
from testwright.settings import Settings, resolve_settings


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user has said; None where nothing.

    Attributes:
        base: The image to build on.
        sdk: Which SDK.
        project: Folder of the project that an image is made for besides.
        python: Version of its Python.
        allow_sdists: Whether the code of source distributions may be run.
    """

    base: str | None
    sdk: SdkName | None
    project: Path | None
    python: str | None
    allow_sdists: bool


def set_up_images(wanted: Wanted, *, as_json: bool) -> int:
    """Make the images that are not there; 0.

    Args:
        wanted: What the user has said.
        as_json: Whether one JSON object is printed.

    Raises:
        TestwrightError: One could not be made.
        KeyboardInterrupt: A signal has cancelled it; nothing half made is left.
    """
    began = time.monotonic()
    notes: tuple[str, ...]
    root = _project(wanted.project)
    workspace = find_workspace(Path.cwd()) if root is None else root
    settings = resolve_settings(workspace, environ=os.environ)
    client = DockerClient.find(workspace, os.environ)
    with setup_progress() as tell:
        request = _request(wanted, settings, workspace, tell)
        if root is None:
            made, notes = run_until_signal(make_agent_image(client, request)), ()
        else:
            project = ProjectRequest(root, wanted.python, wanted.allow_sdists)
            made, found = run_until_signal(make_project_image(client, request, project))
            notes = found.notes
    if as_json:
        print_json(_to_json(made, notes))
        return 0
    click.echo(f"{_words(made)}, {size_words(made.size)} in all, in {time.monotonic() - began:.0f} s.")
    for note in notes:
        click.echo(note)
    return 0


def remove_made_images(*, as_json: bool) -> int:
    """Remove all images of ours; 0.

    Raises:
        TestwrightError: Docker cannot be used, or one is in use.
    """
    client = DockerClient.find(find_workspace(Path.cwd()), os.environ)
    removed = run_until_signal(remove_images(client))
    if as_json:
        print_json({"removed": list(removed)})
        return 0
    for name in removed:
        click.echo(f"Removed {name}")
    if not removed:
        click.echo("There are no images of Testwright on this engine, so there is nothing to remove.")
    return 0


def _project(named: Path | None) -> Path | None:
    if named is None:
        return None
    root = named.expanduser().resolve()
    if not root.is_dir():
        raise UsageError(f"{root} is not a folder.", next_step="Name the project's folder with --project.")
    return root


def _request(wanted: Wanted, settings: Settings, workspace: Path, tell: TellImage) -> ImageRequest:
    return ImageRequest(
        workspace=workspace,
        tell=tell,
        base=wanted.base or settings.agent_image_base or DEFAULT_BASE,
        sdk=wanted.sdk or settings.agent_sdk or "pinned",
        environ=dict(os.environ),
    )


def _words(made: MadeImage) -> str:
    contents = made.contents
    agent = f"the agent (OpenHands SDK {contents.sdk})"
    if contents.kind == "agent":
        return f"The image {made.name} has {agent} on Python {contents.python_version}"
    packages = f"the packages of {contents.source}" if contents.source else "no packages of the project"
    return f"The image {made.name} has {agent} and {packages} on Python {contents.python_version}"


def _to_json(made: MadeImage, notes: tuple[str, ...]) -> dict[str, Any]:
    contents = made.contents
    return {
        "image": made.name,
        "base": contents.base,
        "sdk": contents.sdk,
        "agent_interpreter": contents.agent_python,
        "interpreter": contents.python,
        "python": contents.python_version,
        "dependencies": contents.source,
        "bytes": made.size,
        "notes": list(notes),
    }
