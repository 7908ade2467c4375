"""``testwright setup openhands``: make the agent's environment or remove it, and say how far it is."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from testwright.cli.output import print_json
from testwright.cli.setup_progress import setup_progress
from testwright.cli.signals import run_until_signal
from testwright.cli.views import relative_to_home, size_words
from testwright.provisioning.agent_environment import AgentEnvironment, remove
from testwright.provisioning.locks import SdkName
from testwright.service.agent import setup as service


def set_up_agent(sdk: SdkName, python: Path | None, *, as_json: bool) -> int:
    """Make the agent's environment, unless it is there; 0.

    Args:
        sdk: Which SDK.
        python: The interpreter that the user names for it.
        as_json: Whether one JSON object is printed.

    Raises:
        TestwrightError: It could not be made.
        KeyboardInterrupt: A signal has cancelled it; what was fetched is kept.
    """
    began = time.monotonic()
    with setup_progress() as tell:
        made = run_until_signal(service.set_up_agent(tell, sdk=sdk, python=python))
    if as_json:
        print_json(_to_json(made))
        return 0
    click.echo(
        f"The agent is set up: OpenHands SDK {made.sdk} on Python {made.python_version} in "
        f"{relative_to_home(made.folder)}, {size_words(made.size)}, in {time.monotonic() - began:.0f} s."
    )
    for note in made.notes:
        click.echo(note)
    return 0


def remove_agent(sdk: SdkName | None, *, as_json: bool) -> int:
    """Remove the environment of an SDK, or all; 0.

    Raises:
        TestwrightError: It is in use, or could not be removed.
    """
    with setup_progress() as tell:
        removed = run_until_signal(remove(sdk, tell=tell))
    if as_json:
        print_json({"removed": [str(path) for path in removed]})
        return 0
    for path in removed:
        click.echo(f"Removed {relative_to_home(path)}")
    if not removed:
        click.echo("The agent is not set up, so there is nothing to remove.")
    return 0


def _to_json(made: AgentEnvironment) -> dict[str, Any]:
    return {
        "folder": str(made.folder),
        "interpreter": str(made.python),
        "python": made.python_version,
        "sdk": made.sdk,
        "bytes": made.size,
        "notes": list(made.notes),
    }
