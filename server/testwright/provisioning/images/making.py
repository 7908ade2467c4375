"""How the images are made: what is there is taken, what is missing is fetched, packed, built, tried and named."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from testwright.boxes.docker.box import DockerBox
from testwright.boxes.docker.client import DockerClient
from testwright.boxes.protocol import Command, Limits, World
from testwright.errors import SetupFailure, TestwrightError
from testwright.provisioning.agent_environment import NEEDED_BYTES
from testwright.provisioning.dependencies.reading import choose_python, dependency_digest, read_dependencies
from testwright.provisioning.dependencies.values import Dependencies
from testwright.provisioning.images.base import BaseImage
from testwright.provisioning.images.building import Build, build, usable_network
from testwright.provisioning.images.names import (
    AGENT_PREFIX,
    PROJECT_PREFIX,
    Contents,
    MadeImage,
    list_images,
)
from testwright.provisioning.images.packages import Layout, Packages, fetch, pack
from testwright.provisioning.images.progress import TellImage, told
from testwright.provisioning.images.sdists import Workshop, build_packages
from testwright.provisioning.installer import Installer
from testwright.provisioning.locks import SdkName, lock_of
from testwright.provisioning.making import check_room
from testwright.provisioning.trial import import_in

PROJECT = "testwright.project"
"""Label of a project's image: the digest of its folder's path, so that the one before it can be removed."""

_PROJECT_BYTES = 500_000_000
_TRIAL_SECONDS = 60.0
_NOWHERE = World(Path("/nonexistent"), Path("/nonexistent"), ())


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """For whom an image is made.

    Attributes:
        workspace: No program in it is started.
        tell: Is told how far it is.
        base: The image to build on.
        sdk: Which SDK.
        environ: Variables to look at.
    """

    workspace: Path
    tell: TellImage
    base: str
    sdk: SdkName
    environ: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ProjectRequest:
    """A project that an image is made for.

    Attributes:
        root: Its folder; only its dependency files are read.
        python: Version that the user names; None to go by the project's files.
        allow_sdists: The user consents that the code of source distributions is run, in a container with a network.
    """

    root: Path
    python: str | None = None
    allow_sdists: bool = False


@dataclass(frozen=True, slots=True)
class _Assembly:
    """What an image is put together from.

    Attributes:
        contents: Name and labels.
        under: The image below.
        site: Folder of the packages.
        prefix: Where the environment is in the image.
        python: The interpreter that it is made of, in the image.
        trial: Tries the image of a name, and raises when it is not good.
        labels: Beside those of the contents.
    """

    contents: Contents
    under: str
    site: Path
    prefix: str
    python: str
    trial: Callable[[str], Awaitable[None]]
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImageMaker:
    """Makes images on one engine.

    Attributes:
        client: Speaks to the engine.
        request: For whom.
        installer: uv.
        scratch: A folder of ours, empty at the start.
    """

    client: DockerClient
    request: ImageRequest
    installer: Installer
    scratch: Path

    async def agent_image(self, base: BaseImage) -> MadeImage:
        """The agent's image."""
        lock, python = lock_of(self.request.sdk), base.agent_python()
        contents = Contents(
            kind="agent",
            base=base.name,
            under=base.identifier,
            machine=base.machine,
            pythons=base.pythons,
            sdk=lock.sdk,
            lock=lock.digest,
            agent_python=f"{AGENT_PREFIX}/bin/python",
            python=python.path,
            python_version=python.version,
        )
        there = await self._there(contents)
        if there is not None:
            return there
        await asyncio.to_thread(check_room, self.installer.folder, 2 * NEEDED_BYTES[self.request.sdk])
        under = await self._with_tools(base)
        packages = Packages(
            lines=lock.path.read_text("utf-8").splitlines(),
            count=lock.packages(python.version),
            is_locked=True,
            platform=contents.platform(python.version),
            glibc=base.glibc,
            may_be_built=False,
        )
        site = await fetch(self.installer, packages, self._folder("agent"), self.request.tell)

        async def trial(image: str) -> None:
            await import_in(DockerBox(self.client, image), _NOWHERE, contents.agent_python, lock.sdk)

        made = await self._made(_Assembly(contents, under, site, AGENT_PREFIX, python.path, trial))
        await self._remove_outdated(made, {})
        return made

    async def project_image(self, base: BaseImage, project: ProjectRequest) -> tuple[MadeImage, Dependencies]:
        """A project's image, and what it depends on."""
        # What the files say comes first: the agent's image takes its time.
        versions = [python.version for python in base.pythons]
        version = await asyncio.to_thread(choose_python, project.root, versions, project.python)
        path = next(python.path for python in base.pythons if python.version == version)
        found = await asyncio.to_thread(read_dependencies, project.root, base.platform(version))
        if found.unbuilt and not project.allow_sdists:
            raise SetupFailure(
                f"There is no wheel of {', '.join(found.unbuilt)}, and to build one runs its code.",
                next_step="Consent with --allow-sdists: it is built in a container, which has a network for that.",
            )
        agent = await self.agent_image(base)
        contents = dataclasses.replace(
            agent.contents,
            kind="project",
            under=agent.name,
            python=f"{PROJECT_PREFIX}/bin/python",
            python_version=version,
            dependencies=dependency_digest(found, version),
            source=found.source,
        )
        there = await self._there(contents)
        if there is not None:
            return there, found
        await asyncio.to_thread(check_room, self.installer.folder, _PROJECT_BYTES)
        packages = Packages(
            lines=found.requirements,
            count=len(found.requirements),
            is_locked=found.is_locked,
            platform=contents.platform(version),
            glibc=base.glibc,
            may_be_built=True,
        )
        folder = self._folder("project")
        if project.allow_sdists and found.requirements:
            workshop = Workshop(self.client, agent.name, path, await usable_network(self.client))
            site, notes = await build_packages(workshop, self.installer, packages, folder, self.request.tell)
            found = dataclasses.replace(found, notes=(*found.notes, *notes))
        else:
            site = await fetch(self.installer, packages, folder, self.request.tell)
        label = {PROJECT: hashlib.sha256(str(project.root.resolve()).encode()).hexdigest()[:16]}
        trial = self._trial_of(contents)
        made = await self._made(_Assembly(contents, agent.name, site, PROJECT_PREFIX, path, trial, label))
        await self._remove_outdated(made, label)
        return made, found

    async def _with_tools(self, base: BaseImage) -> str:
        """Name of an image that has git and tmux: the base itself, or one on top of it."""
        if not base.missing:
            return base.name
        if not base.has_apt:
            raise SetupFailure(
                f"The image {base.name} lacks {', '.join(base.missing)}, and has no apt-get to install it with.",
                next_step="Name an image that has it with --base.",
            )
        contents = Contents(
            kind="tools", base=base.name, under=base.identifier, machine=base.machine, pythons=base.pythons
        )
        there = await self._there(contents)
        if there is not None:
            return there.name
        archive = self._folder("tools") / "context.tar"
        await asyncio.to_thread(pack, None, Layout("tools.Dockerfile", contents.token), archive)
        network = await usable_network(self.client)
        return await build(
            self.client, Build(contents, base.name, archive, network=network, step="tools"), self.request.tell
        )

    async def _made(self, parts: _Assembly) -> MadeImage:
        """Build an image, try it, and name it."""
        contents = parts.contents
        self.request.tell(told("packing"))
        archive = parts.site.parent / "context.tar"
        minor = contents.platform(contents.python_version).minor
        layout = Layout("environment.Dockerfile", contents.token, parts.prefix, minor)
        await asyncio.to_thread(pack, parts.site, layout, archive)
        arguments = {"PYTHON": parts.python, "PREFIX": parts.prefix}

        async def told_trial(image: str) -> None:
            self.request.tell(told("trying"))
            await parts.trial(image)

        wanted = Build(contents, parts.under, archive, arguments=arguments, labels=parts.labels)
        await build(self.client, wanted, self.request.tell, told_trial)
        there = await self._there(contents)
        if there is None:
            raise SetupFailure(
                "The image was built and is not there any more.",
                next_step="Check whether something else removes images of this engine, then try again.",
            )
        return there

    def _trial_of(self, contents: Contents) -> Callable[[str], Awaitable[None]]:
        """Starts a project's interpreter with the packages that it has now."""

        async def trial(image: str) -> None:
            question = "import platform; print(); print(platform.python_version())"
            command = Command((contents.python, "-c", question), limits=Limits(wall=_TRIAL_SECONDS))
            async with await DockerBox(self.client, image).start(_NOWHERE, command) as process:
                lines = [line async for line in process.lines()]
                ended = await process.wait()
            if ended.code != 0 or lines[-1:] != [contents.python_version.encode()]:
                why = next((line for line in reversed(ended.stderr.splitlines()) if line.strip()), f"code {ended.code}")
                raise SetupFailure(
                    f"The project's Python does not start with the packages that it needs: {why.strip()[:300]}.",
                    next_step="Look at the packages that add something to Python's start (.pth files).",
                )

        return trial

    async def _there(self, contents: Contents) -> MadeImage | None:
        return next((image for image in await list_images(self.client) if image.name == contents.name), None)

    async def _remove_outdated(self, made: MadeImage, labels: Mapping[str, str]) -> None:
        """Remove what the image takes the place of; what a container still uses stays."""
        mine = made.contents
        images = await list_images(self.client)
        if mine.kind == "agent":
            old = [
                image.name
                for image in images
                if image.contents.kind == "agent"
                and (image.contents.base, image.contents.sdk) == (mine.base, mine.sdk)
                and image.name != made.name
            ]
            doomed = [image.name for image in images if image.contents.under in old] + old
        else:
            doomed = [
                image.name
                for image in images
                if image.contents.kind == "project"
                and labels.items() <= image.labels.items()
                and image.name != made.name
            ]
        for name in doomed:
            with suppress(TestwrightError):
                await self.client.run("image", "rm", name, seconds=120, doing=f"remove the image {name}")

    def _folder(self, name: str) -> Path:
        folder = self.scratch / name
        folder.mkdir()
        return folder
