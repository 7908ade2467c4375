"""What the user may say about what the agent needs: ``testwright setup ...``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from testwright.cli.options import debug_option, json_option

_OPENHANDS_HELP = """Set up the agent: OpenHands, in a Python environment of its own in Testwright's cache.

It is made of locked wheels from the package index that pip or uv is set up for; nothing is built, and nothing of it is
run outside a box. It takes about a gigabyte. Interrupted, it goes on where it was when it is started again.

\b
    testwright setup openhands
    testwright setup openhands --sdk newest --python 3.13
    testwright setup openhands --remove

\b
Exit codes:
    0    it is there; with --remove: it is gone
    2    the request is wrong
    3    it could not be made or removed
    130  cancelled
"""

_DOCKER_HELP = """Build the image that the agent runs in with Docker, and with --project one for a project.

Packages are fetched on this machine, from the index that pip or uv is set up for, and put into the image without a
network: wheels alone, the agent's by a lock of hashes, the project's by its uv.lock, poetry.lock, requirements*.txt or
pyproject.toml, the first of these that is there. No code of the project is in the image. What is there already is not
made again.

\b
    testwright setup docker
    testwright setup docker --project .
    testwright setup docker --base registry.example/python:3.12
    testwright setup docker --remove

\b
Exit codes:
    0    it is there; with --remove: it is gone
    2    the request is wrong
    3    it could not be made or removed
    130  cancelled
"""


@click.group(short_help="Set up what the agent needs.")
def setup() -> None:
    """Set up what the agent needs on this machine."""


@setup.command(short_help="Set up the agent in a Python environment of its own.", help=_OPENHANDS_HELP)
@click.option(
    "--sdk",
    type=click.Choice(["pinned", "newest"]),
    help="The SDK that openhands-ai wants, or the newest that was tried.  [default: pinned; to remove, both]",
)
@click.option("--python", metavar="INTERPRETER", type=click.Path(path_type=Path), help="Python 3.12 or 3.13 for it.")
@click.option("--remove", is_flag=True, help="Remove it, and what was kept to make it.")
@json_option
@debug_option
def openhands(*, sdk: Any, python: Path | None, remove: bool, as_json: bool) -> int:
    """Set up the agent; the help stands in ``_OPENHANDS_HELP``."""
    if remove and python is not None:
        raise click.UsageError("--python does not go with --remove.")
    from testwright.cli.setting_up import remove_agent, set_up_agent  # noqa: PLC0415

    if remove:
        return remove_agent(sdk, as_json=as_json)
    return set_up_agent(sdk or "pinned", python, as_json=as_json)


@setup.command(short_help="Build the image that the agent runs in with Docker.", help=_DOCKER_HELP)
@click.option(
    "--base",
    metavar="IMAGE",
    help="The image to build on: it has Python 3.12 or 3.13, and for a project its Python.  "
    "[default: the setting agent-image-base, else python:3.12-slim-bookworm]",
)
@click.option("--sdk", type=click.Choice(["pinned", "newest"]), help="As of setup openhands.  [default: pinned]")
@click.option(
    "--project",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Build an image for this project as well, with what it and its tests depend on.",
)
@click.option(
    "--python", metavar="VERSION", help="The project's Python.  [default: by .python-version, else requires-python]"
)
@click.option(
    "--allow-sdists",
    is_flag=True,
    help="Consent that packages without a wheel are built: that runs their code, in a container that has a network.",
)
@click.option("--remove", is_flag=True, help="Remove all images of Testwright from the engine.")
@json_option
@debug_option
def docker(*, remove: bool, as_json: bool, **said: Any) -> int:
    """Build the images; the help stands in ``_DOCKER_HELP``."""
    if remove and any(said.values()):
        raise click.UsageError("--remove goes with no other option.")
    if said["project"] is None and (said["python"] or said["allow_sdists"]):
        raise click.UsageError("--python and --allow-sdists are about a project: name it with --project.")
    from testwright.cli.setting_up_docker import Wanted, remove_made_images, set_up_images  # noqa: PLC0415

    if remove:
        return remove_made_images(as_json=as_json)
    return set_up_images(Wanted(**said), as_json=as_json)
