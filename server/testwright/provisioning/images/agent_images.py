"""The images that the agent runs in with Docker: its own, and on top of it one for each project.

An image is named after all that it is made of, so it is made once; it gets that name when it is whole and was tried.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from testwright.boxes.docker.client import DockerClient
from testwright.errors import SetupFailure
from testwright.housekeeping import cache_dir, remove_tree
from testwright.provisioning.agent_environment import FOLDER
from testwright.provisioning.dependencies.reading import choose_python, dependency_digest, read_dependencies
from testwright.provisioning.dependencies.values import Dependencies
from testwright.provisioning.holding import held
from testwright.provisioning.images.base import find_base
from testwright.provisioning.images.making import ImageMaker, ImageRequest, ProjectRequest
from testwright.provisioning.images.names import MadeImage, list_images
from testwright.provisioning.images.progress import told
from testwright.provisioning.index_settings import index_settings
from testwright.provisioning.installer import Installer, bring_uv, find_uv, running_pythons
from testwright.provisioning.locks import SdkName, lock_of
from testwright.provisioning.making import TORN, remove_torn


async def make_agent_image(client: DockerClient, request: ImageRequest) -> MadeImage:
    """Make the agent's image, unless it is there. Failed or cancelled, nothing is left but what uv has fetched.

    Raises:
        DockerUnavailable: Docker or the image to build on cannot be had.
        DockerFailure: The build fails.
        SetupFailure: The image to build on does not fit, or packages cannot be had.
        SettingsError: ``TESTWRIGHT_CACHE_DIR`` names a folder that cannot be ours.
        WriteFailure: The cache folder cannot be written.
    """
    async with _maker(client, request) as maker:
        made = await maker.agent_image(await find_base(client, request.base, request.tell))
    request.tell(told("done"))
    return made


async def make_project_image(
    client: DockerClient, request: ImageRequest, project: ProjectRequest
) -> tuple[MadeImage, Dependencies]:
    """Make a project's image, and the agent's below it, unless they are there.

    Returns:
        The image, and what the project depends on, with sentences on what was left out.

    Raises:
        DockerUnavailable: Docker or the image to build on cannot be had.
        DockerFailure: A build fails.
        SetupFailure: The project's files cannot be read, its Python is not there, or packages cannot be had.
        SettingsError: ``TESTWRIGHT_CACHE_DIR`` names a folder that cannot be ours.
        WriteFailure: The cache folder cannot be written.
    """
    async with _maker(client, request) as maker:
        made, found = await maker.project_image(await find_base(client, request.base, request.tell), project)
    request.tell(told("done"))
    return made, found


async def find_image(
    client: DockerClient,
    *,
    root: Path | None,
    base: str | None = None,
    sdk: SdkName | None = None,
    python: str | None = None,
) -> tuple[MadeImage | None, tuple[str, ...]]:
    """The image that is there for a project, else the agent's own; quick, and nothing is made or fetched.

    Args:
        client: Speaks to the engine.
        root: The project's folder; None for the agent's image alone.
        base: What the user has named to build on; None for any.
        sdk: None for whichever there is, the pinned one first.
        python: Version of the project's Python; None to go by its files.

    Returns:
        The image, None when there is none, and sentences for the user.

    Raises:
        DockerUnavailable: Docker cannot be used.
        DockerFailure: It refuses.
    """
    images = await list_images(client)
    agent = _agent_among(images, base, sdk)
    if agent is None or root is None:
        return agent, ()
    contents = agent.contents
    try:
        version = choose_python(root, [found.version for found in contents.pythons], python)
        needed = await asyncio.to_thread(read_dependencies, root, contents.platform(version))
    except SetupFailure as error:
        return agent, (f"The agent has nothing of what the project depends on: {error.message}",)
    digest = dependency_digest(needed, version)
    for image in images:
        made = image.contents
        if (made.kind, made.under, made.dependencies) == ("project", agent.name, digest):
            return image, ()
    if not needed.requirements and version == contents.python_version:
        return agent, needed.notes
    note = (
        "The agent has nothing of what the project depends on, since the project has no image of its own: "
        "`testwright setup docker --project .` makes it."
    )
    return agent, (note,)


def _agent_among(images: tuple[MadeImage, ...], base: str | None, sdk: SdkName | None) -> MadeImage | None:
    for name in ("pinned", "newest") if sdk is None else (sdk,):
        digest = lock_of(name).digest
        for image in images:
            made = image.contents
            if made.kind == "agent" and made.lock == digest and base in (None, made.base):
                return image
    return None


@asynccontextmanager
async def _maker(client: DockerClient, request: ImageRequest) -> AsyncIterator[ImageMaker]:
    """What makes images, while our folder for agents is held: in it are uv's cache and a scratch."""
    folder = cache_dir(request.environ) / FOLDER
    async with held(folder, lambda: request.tell(told("waiting"))) as hold:
        await asyncio.to_thread(remove_torn, folder)
        scratch = folder / f".image-{secrets.token_hex(4)}{TORN}"
        try:
            scratch.mkdir(mode=0o700)
            settings = index_settings(request.environ)
            program = await find_uv(request.workspace, request.environ, folder)
            if program is None:
                request.tell(told("planning", "installing uv, which fetches the packages"))
                program = await bring_uv(folder, running_pythons(Path(sys.executable)), settings, hold)
            yield ImageMaker(client, request, Installer(program, folder, settings, hold), scratch)
        except OSError as error:
            raise SetupFailure(
                f"{error.filename or scratch} could not be written: {error.strerror or error}.",
                next_step="Make room on the disk, or name another folder in TESTWRIGHT_CACHE_DIR.",
            ) from error
        finally:
            with suppress(OSError):  # else the next start removes it
                await asyncio.shield(asyncio.to_thread(remove_tree, scratch))
