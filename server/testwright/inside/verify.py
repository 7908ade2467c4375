"""Task ``verify``: the finished file by plain pytest, or the whole suite only collected."""

from typing import Any, Dict

from .channel import Channel
from .runner_plain import run_plain


def run(request: Dict[str, Any], channel: Channel) -> None:
    """Answer as ``run_plain`` does."""
    run_plain(request, channel)
