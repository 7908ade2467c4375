"""How far the making of an image is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

ImageStep = Literal[
    "waiting", "pulling", "looking", "tools", "planning", "fetching", "installing", "building-packages", "packing",
    "building", "trying", "done",
]  # fmt: skip

_LONGEST = 160

_WORDS: dict[ImageStep, str] = {
    "waiting": "waiting for another set-up on this machine",
    "pulling": "fetching the image to build on",
    "looking": "looking into the image to build on",
    "tools": "installing git and tmux in an image",
    "planning": "looking up what is missing",
    "fetching": "fetching packages",
    "installing": "unpacking packages",
    "building-packages": "building source distributions in a container",
    "packing": "packing what goes into the image",
    "building": "building the image",
    "trying": "trying the image in a closed container",
    "done": "done",
}


@dataclass(frozen=True, slots=True)
class ImageProgress:
    """How far it is.

    Attributes:
        step: What it is doing.
        detail: A line of the engine's or the installer's; empty for none.
    """

    step: ImageStep
    detail: str = ""

    @property
    def words(self) -> str:
        """For a person: ``building the image: Step 3/9 : USER 0:0``."""
        return _WORDS[self.step] + (f": {self.detail}" if self.detail else "")


TellImage = Callable[[ImageProgress], None]
"""Is told how far it is; called in the event loop."""


def told(step: ImageStep, line: str = "") -> ImageProgress:
    """Progress with a line that a program has printed, made printable and short."""
    clean = " ".join("".join(char if char.isprintable() else " " for char in line).split())
    return ImageProgress(step, clean if len(clean) <= _LONGEST else clean[: _LONGEST - 1] + "…")
