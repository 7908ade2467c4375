"""Task ``baseline``: the project's existing tests, with coverage of the target."""

from typing import Any, Dict

from .channel import Channel
from .runner_plain import run_plain


def run(request: Dict[str, Any], channel: Channel) -> None:
    """Answer as ``run_plain`` does."""
    run_plain(request, channel)
