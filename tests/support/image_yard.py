"""An engine, an image to build on, and small wheels in place of OpenHands: what tests of images are made with."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from wheelhouse import Wheelhouse

from testwright.boxes.docker.client import DockerClient
from testwright.provisioning.images.making import ImageRequest
from testwright.provisioning.images.names import list_images
from testwright.provisioning.images.progress import ImageProgress, TellImage

LABEL = "testwright-yard"
"""Of the image to build on, and so of whatever is made of it; its value is the image's name."""


@dataclass
class Yard:
    """An engine, a base of one's own name on it, a cache folder, and a house of wheels as the only source of packages.

    Attributes:
        base: Another name of the image to build on, so that whatever is made here is known by it.
    """

    client: DockerClient
    base: str
    house: Wheelhouse
    environ: dict[str, str]
    workspace: Path
    told: list[ImageProgress] = field(default_factory=list)

    @property
    def steps(self) -> list[str]:
        """What was told, each step once."""
        return list(dict.fromkeys(event.step for event in self.told))

    @property
    def agents(self) -> Path:
        return Path(self.environ["TESTWRIGHT_CACHE_DIR"]) / "agents"

    def request(self, tell: TellImage | None = None) -> ImageRequest:
        def both(event: ImageProgress) -> None:
            self.told.append(event)
            if tell is not None:
                tell(event)

        return ImageRequest(self.workspace, both, self.base, "pinned", self.environ)

    async def made(self) -> set[str]:
        """Names of the images that were made on this base."""
        found = await list_images(self.client)
        return {image.name for image in found if image.contents.base == self.base}

    async def all_images(self) -> set[str]:
        """Identifiers of all images on this base, the steps of builds included."""
        told = await self.client.run(
            "image", "ls", "--all", "--quiet", "--no-trunc", "--filter", f"label={LABEL}={self.base}"
        )
        return set(told.split())

    async def containers(self) -> set[str]:
        """Identifiers of all containers on this base."""
        told = await self.client.run("ps", "--all", "--quiet", "--no-trunc", "--filter", f"label={LABEL}={self.base}")
        return set(told.split())
