"""``testwright clean``: remove what is kept outside the workspace, and say so."""

from __future__ import annotations

import click

from testwright import housekeeping
from testwright.cli.errors import EXIT_NOTHING
from testwright.cli.views import relative_to_home, size_words


def clean_up(*, dry_run: bool) -> int:
    """Remove all places that no run holds and print each; 0 when nothing of them is left, else 3."""
    code = 0
    found = housekeeping.places()
    for place in found:
        words = f"{place.kind} {relative_to_home(place.path)} ({size_words(place.size)})"
        if place.in_use:
            click.echo(f"Left {words}: a run that is going on holds it.")
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
