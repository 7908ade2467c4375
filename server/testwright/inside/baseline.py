"""Task ``baseline``: the project's existing tests, with coverage of the target."""

from typing import Any, Dict

from .channel import Channel
from .runner_plain import run_plain


def run(request: Dict[str, Any], channel: Channel) -> None:
    """Answer ``test`` for each, ``so-far`` now and then, and ``finished``."""
    run_plain(request, channel)
