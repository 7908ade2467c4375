"""What the user may say: commands, arguments and options."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from testwright import __version__
from testwright.cli.model_commands import consent, models
from testwright.cli.options import agent_options, debug_option, json_option, refuse_both, tape_options, together
from testwright.cli.setup_commands import setup

_GENERATE_HELP = """Write a proven test file for each target.

A target is a module's file, or a class, method or function in it:

\b
    testwright generate src/shop/cart.py
    testwright generate src/shop/cart.py::Cart.total
    testwright generate --module shop.cart --coverage-threshold 85

Several targets are done one after the other, each with the whole budget.

The embedded engine goes first: it takes seconds and asks nobody. What it leaves, an agent (OpenHands) takes on, when it
is set up and a model may be asked; else one line says what that would have been, and what it takes. Whoever proposes a
test, it is proven in a box before it comes into the file.

\b
    testwright setup openhands
    testwright generate src/shop/cart.py --engine openhands --max-iterations 5

\b
Exit codes (the worst of several targets counts):
    0    the coverage threshold is reached
    1    it is not; what was proven is written all the same
    2    the request or a setting is wrong
    3    nothing could be proven, or nothing could be written
    130  cancelled
"""

_JUDGE_HELP = """Judge the tests that a module has.

It tells which of them pass under every hash seed, order, time zone and date, what they cover of the module, which
changes of it (mutants) none of them notices, and which tests assert nothing. Nothing is written.

\b
    testwright judge src/shop/cart.py
    testwright judge --module shop.cart --budget 120

Several modules are done one after the other, each with the whole budget.

\b
Exit codes (the worst of several modules counts):
    0    each test is sound: it passes, or skips itself
    1    a test fails, is flaky, or could not be judged in the time
    2    the request or a setting is wrong
    3    nothing could be judged
    130  cancelled
"""

_RUNS_HELP = """Tell which runs were cut off, by a kill, a crash or the end of the machine, and what they had proven.

Nothing half written is left of such a run: its test file is as it was, or whole. What it had proven until then is saved
outside the workspace. The next run on the module takes it off this list.

\b
    testwright runs
    testwright runs --forget 3f2a9c01d4b65e78
    testwright runs --forget all

\b
Exit codes:
    0    listed, also when there is none; forgotten
    2    there is no such run
    3    what is kept of runs cannot be read
"""

_which_modules = together(
    click.argument("targets", metavar="PATH[::Class.method]...", nargs=-1),
    click.option("--module", "modules", metavar="NAME", multiple=True, help="Find a module by its name."),
    click.option(
        "--workspace",
        metavar="DIR",
        type=click.Path(path_type=Path),
        help="Root of the project.  [default: found from the module]",
    ),
)
_where_code_runs = together(
    click.option(
        "--box",
        type=click.Choice(["auto", "bubblewrap", "landlock", "none"]),
        help="What code runs in. 'none' runs the module and its tests without isolation.  [default: auto]",
    ),
    click.option("--python", metavar="INTERPRETER", type=click.Path(path_type=Path), help="The project's Python."),
    click.option("--pass-env", metavar="NAME", multiple=True, help="Pass an environment variable into the box."),
)
_what_is_told = together(
    json_option,
    click.option("--events", is_flag=True, help="Print events as JSON lines on standard error."),
    debug_option,
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(
    __version__, message=f"%(prog)s %(version)s (Python {'.'.join(str(part) for part in sys.version_info[:3])})"
)
def commands() -> None:
    """Write unit tests for Python modules, prove them in a box, and put the file into the workspace."""


@commands.command(short_help="Write a proven test file for a module, class or function.", help=_GENERATE_HELP)
@_which_modules
@click.option(
    "--coverage-threshold",
    metavar="PERCENT",
    type=float,
    help="Coverage of lines and branches to reach.  [default: 70]",
)
@click.option(
    "--budget",
    metavar="SECONDS",
    type=float,
    help="Wall time for all, from baseline to writing; an agent has --model-deadline besides.  [default: 30]",
)
@click.option(
    "--engine",
    type=click.Choice(["auto", "embedded", "openhands"]),
    help="Who proposes tests: the embedded engine, the agent, or 'auto': the first, then the other on what is left.  "
    "[default: auto]",
)
@agent_options
@_where_code_runs
@click.option("--output", metavar="FILE", type=click.Path(path_type=Path), help="The test file to write or extend.")
@click.option(
    "--placement",
    type=click.Choice(["auto", "tests", "beside"]),
    help="Where a new test file goes: as the project does it, below its tests folder, or beside the module.  "
    "[default: auto]",
)
@click.option("--dry-run", is_flag=True, help="Print a diff and write nothing.")
@click.option("--seed", metavar="NUMBER", type=int, help="The same seed gives the same file.  [default: 0]")
@tape_options
@_what_is_told
def generate(
    *,
    targets: tuple[str, ...],
    modules: tuple[str, ...],
    workspace: Path | None,
    as_json: bool,
    events: bool,
    **options: Any,
) -> int:
    """Write a proven test file for each target; the help stands in ``_GENERATE_HELP``."""
    if not targets and not modules:
        raise click.UsageError("Give at least one PATH[::Class.method], or --module NAME.")
    for name in ("output", "record", "replay"):
        if options[name] is not None and len(targets) + len(modules) > 1:
            raise click.UsageError(f"--{name} names one file, so it goes with one target only.")
    refuse_both(options["record"], options["replay"])
    # Loaded here, as in each command, so that the help does not wait for it.
    from testwright.cli.generating import generate_all  # noqa: PLC0415
    from testwright.cli.running import all_wanted  # noqa: PLC0415

    wanted = all_wanted(targets, modules)
    return generate_all(wanted, workspace=workspace, options=options, as_json=as_json, events=events)


@commands.command(short_help="Judge the tests that a module has.", help=_JUDGE_HELP)
@_which_modules
@click.option("--budget", metavar="SECONDS", type=float, help="Wall time for all.  [default: 30]")
@_where_code_runs
@click.option("--seed", metavar="NUMBER", type=int, help="Order of the mutants, should time run out.  [default: 0]")
@_what_is_told
def judge(
    *,
    targets: tuple[str, ...],
    modules: tuple[str, ...],
    workspace: Path | None,
    as_json: bool,
    events: bool,
    **options: Any,
) -> int:
    """Judge the tests of each module; the help stands in ``_JUDGE_HELP``."""
    if not targets and not modules:
        raise click.UsageError("Give at least one PATH, or --module NAME.")
    from testwright.cli.judging import judge_all  # noqa: PLC0415
    from testwright.cli.running import all_wanted  # noqa: PLC0415

    wanted = all_wanted(targets, modules)
    return judge_all(wanted, workspace=workspace, options=options, as_json=as_json, events=events)


@commands.command("lsp", short_help="Serve an editor over the Language Server Protocol.")
@click.option(
    "--tcp", metavar="[HOST:]PORT", help="Listen for one client on a port, for debugging; 0 takes a free one."
)
@click.option(
    "--stdio", is_flag=True, expose_value=False, help="Speak over standard input and output, as always without --tcp."
)
@click.option(
    "--log-level",
    "level",
    type=click.Choice(["error", "warning", "info", "debug"]),
    default="info",
    help="Of the log on standard error.  [default: info]",
)
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    help="Of that log: lines for people, or a JSON object on each.  [default: text]",
)
@click.option("--clientProcessId", "client_process", type=int, hidden=True)
@debug_option
def language_server(*, tcp: str | None, level: Any, log_format: Any, client_process: int | None) -> int:
    """Serve one editor over the Language Server Protocol; editors start it themselves.

    The exit code is 0 when the client has asked for the end in order, else 1.
    """
    from testwright.cli.serving import serve  # noqa: PLC0415

    return serve(tcp, level, log_format, client_process)


@commands.command(short_help="Tell what is there and what is missing.")
@click.option(
    "--workspace",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Root of the project.  [default: found from here]",
)
@click.option("--python", metavar="INTERPRETER", type=click.Path(path_type=Path), help="The project's Python.")
@json_option
@debug_option
def doctor(*, workspace: Path | None, python: Path | None, as_json: bool) -> int:
    """Tell what is there and what is missing, each with the next step.

    The exit code is 0 when tests can be generated here, else 1.
    """
    from testwright.cli.checking import check  # noqa: PLC0415

    return check(workspace, python=python, as_json=as_json)


@commands.command(short_help="Remove all that is kept outside the workspace.")
@click.option("--dry-run", is_flag=True, help="Print what would be removed, and remove nothing.")
@debug_option
def clean(*, dry_run: bool) -> int:
    """Remove all that Testwright keeps outside the workspace: its cache, its state, and what a crash left.

    The agent's environment goes with the cache, and what runs that were cut off had proven with the state. Folders of a
    run that is going on stay, and so do the agent's images: `testwright setup docker --remove` removes those. The exit
    code is 3 when something could not be removed, else 0.
    """
    from testwright.cli.cleaning import clean_up  # noqa: PLC0415

    return clean_up(dry_run=dry_run)


@commands.command(short_help="Tell which runs were cut off, and what they had proven.", help=_RUNS_HELP)
@click.option("--forget", metavar="ID|all", help="Keep nothing of it any more; what it had proven stays where it is.")
@json_option
@debug_option
def runs(*, forget: str | None, as_json: bool) -> int:
    """Tell which runs were cut off; the help stands in ``_RUNS_HELP``."""
    from testwright.cli.interrupted import forget_runs, list_runs  # noqa: PLC0415

    return list_runs(as_json=as_json) if forget is None else forget_runs(forget, as_json=as_json)


commands.add_command(models)
commands.add_command(consent)
commands.add_command(setup)
