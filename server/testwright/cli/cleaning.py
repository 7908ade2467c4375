"""``testwright clean``: remove what is kept outside the workspace, and say so."""

from __future__ import annotations

import click

from testwright import housekeeping
from testwright.boxes.reaping import Registry, reap_orphans
from testwright.cli.errors import EXIT_NOTHING
from testwright.cli.views import relative_to_home, size_words
from testwright.provisioning.agent_environment import setup_is_running


def clean_up(*, dry_run: bool) -> int:
    """Remove all places that no run holds and print each; 0 when nothing else is left, 3 when a removal failed."""
    code = 0
    if not dry_run:
        reaped = reap_orphans()
        for folder in reaped.folders:
            click.echo(f"Removed scratch {relative_to_home(folder)}, which a crash had left")
        if reaped.trees:
            click.echo(f"Ended {reaped.trees} {'box' if reaped.trees == 1 else 'boxes'} that a crash had left")
    found = housekeeping.places(*Registry.default().noted_folders())
    for place in found:
        words = f"{place.kind} {relative_to_home(place.path)} ({size_words(place.size)})"
        if why := _why_left(place):
            click.echo(f"Left {words}: {why}.")
        elif dry_run:
            click.echo(f"Would remove {words}")
        else:
            try:
                housekeeping.remove_tree(place.path)
            except OSError as error:
                click.echo(f"testwright: {words} could not be removed: {error.strerror or error}.", err=True)
                code = EXIT_NOTHING
            else:
                click.echo(f"Removed {words}")
    if not found:
        click.echo("Nothing is kept outside the workspace.")
    return code


def _why_left(place: housekeeping.Place) -> str:
    if place.in_use:
        return "a run that is going on may need it"
    return "the agent is being set up there" if place.kind == "cache" and setup_is_running() else ""
