"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

_Function = TypeVar("_Function", bound=Callable[..., Any])


def debug_option(function: _Function) -> _Function:
    """``--debug`` is read by ``own_error``, which must know it when anything goes wrong."""
    return click.option(
        "--debug", is_flag=True, expose_value=False, help="Show the traceback of an error of Testwright's own."
    )(function)


def json_option(function: _Function) -> _Function:
    """``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output.")(function)


def together(*options: Callable[[_Function], _Function]) -> Callable[[_Function], _Function]:
    """Options that several commands have, as one decorator; the help lists them in this order."""

    def decorate(function: _Function) -> _Function:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


agent_options = together(
    click.option(
        "--agent-box",
        type=click.Choice(["auto", "docker", "bubblewrap", "none"]),
        help="What the agent runs in; 'auto' takes Docker, else bubblewrap, and says so. 'none' is no isolation.  "
        "[default: auto]",
    ),
    click.option(
        "--agent-sdk",
        type=click.Choice(["pinned", "newest"]),
        help="Which SDK the agent runs with.  [default: the one that is set up]",
    ),
    click.option(
        "--max-iterations",
        metavar="NUMBER",
        type=int,
        help="Rounds of the agent at most, each judged and answered.  [default: 3]",
    ),
    click.option("--preferred-model", metavar="MODEL", help="The model to ask first.  [default: by the registry]"),
    click.option(
        "--max-model-cost",
        metavar="DOLLARS",
        type=float,
        help="What models may cost; with 0 only free ones are asked.  [default: 0]",
    ),
    click.option(
        "--model-deadline", metavar="SECONDS", type=float, help="Wall time for all that models do.  [default: 1800]"
    ),
)
"""Of each command that may let an agent work, by the names of its settings."""

tape_options = together(
    click.option(
        "--record",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="Write what is asked of models, and what they say, into a new file.",
    ),
    click.option(
        "--replay",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="Answer from such a file: no network, no key, no consent.",
    ),
)
"""Of each command that asks models."""


def refuse_both(record: Path | None, replay: Path | None) -> None:
    """Refuse ``--record`` beside ``--replay``.

    Raises:
        click.UsageError: Both were given.
    """
    if record is not None and replay is not None:
        raise click.UsageError("--record and --replay do not go together: a replay would record itself.")
