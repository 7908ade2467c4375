"""The command line: ``testwright generate``, ``judge``, ``runs``, ``setup``, ``models``, ``doctor`` and others.

Results go to standard output, progress and errors to standard error. Exit codes: 0 the threshold is reached (the tests
are sound), 1 it is not (what was proven is written all the same), 2 the request is wrong, 3 nothing could be proven or
judged, 130 cancelled.

``commands``, ``model_commands`` and ``setup_commands`` are what the user may say, ``generating`` and ``judging`` do it
by way of ``running``. ``interrupted`` is about runs that were cut off, ``setting_up`` and ``setting_up_docker`` make
what the agent needs, ``model_listing``, ``model_refreshing``, ``model_checking``, ``model_stats`` and ``consenting`` do
what is about models; ``views``, ``judge_views`` and ``model_views`` are what a person sees. What takes time to load is
loaded by the command that needs it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress

import click

from testwright.cli.commands import commands
from testwright.cli.errors import EXIT_CANCELLED, EXIT_NOTHING, EXIT_USAGE, own_error
from testwright.errors import TestwrightError


def main() -> None:
    """Entry point of the ``testwright`` program."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run the program and return its exit code; every error is told in a sentence."""
    if sys.platform == "win32":
        click.echo("testwright: Windows is not supported. Install and run Testwright in WSL.", err=True)
        return EXIT_USAGE
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal's encoding cannot show is escaped, and is no reason to fail.
        with suppress(AttributeError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        result = commands.main(list(arguments), prog_name="testwright", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read the output has gone; Python would complain once more when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return EXIT_NOTHING
    except click.ClickException as error:
        error.show()
        return EXIT_USAGE
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last place where it can be told in a sentence
        return _told(error)
    return int(result or 0)


def _told(error: BaseException) -> int:
    if isinstance(error, KeyboardInterrupt | click.Abort):
        message, code = "Cancelled.", EXIT_CANCELLED
    elif isinstance(error, TestwrightError):
        message, code = str(error), error.exit_code
    else:
        message, code = own_error(error), EXIT_NOTHING
    click.echo(f"testwright: {message}", err=True)
    return code
