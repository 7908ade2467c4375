"""What the user may say about models: ``testwright models ...`` and ``testwright consent``."""

from __future__ import annotations

from pathlib import Path

import click

from testwright.cli.options import debug_option, json_option, refuse_both, tape_options

_CHECK_HELP = """Ask models one cheap question that they can only answer by calling a tool.

Without MODEL, those are asked that a run would ask first, or all of a replay. One that calls the tool with the right
argument is taken for active for a week; one that does not is given no task that needs tools for a day. Each costs one
request, which counts against the day's free ones; how many that will be is told before. Nothing of the workspace is
sent, so no consent is needed.

\b
    testwright models check
    testwright models check qwen/qwen3-coder:free
    testwright models check --limit 3 --record check.jsonl
    testwright models check --replay check.jsonl

\b
Exit codes:
    0    each model that was asked can call tools
    1    one of them cannot, or did not answer
    2    the request or a setting is wrong
    3    none could be asked
    130  cancelled
"""

_CONSENT_HELP = """Agree, or no longer agree, that a workspace's code is sent to models.

It shows what would be sent where, and whether you have agreed; at a terminal it asks. Consent holds for one workspace,
its destination and what may be done with the data there, and is asked anew when one of these changes. A model on this
machine needs none.

\b
    testwright consent
    testwright consent --give ~/src/shop
    testwright consent --withdraw
    testwright consent --list

\b
Exit codes:
    0    agreed, or no consent is needed; withdrawn; listed
    1    not agreed
    2    the request or a setting is wrong
    130  cancelled
"""


_workspace_option = click.option(
    "--workspace",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Whose settings hold.  [default: found from here]",
)


@click.group(short_help="Tell of models, refresh what is known of them, and check them.")
def models() -> None:
    """Tell which models there are, which would be asked and why, and what they have cost."""


@models.command("list", short_help="Tell which models are known.")
@click.option("--all", "with_gone", is_flag=True, help="Those as well that are gone.")
@_workspace_option
@json_option
@debug_option
def list_models(*, with_gone: bool, workspace: Path | None, as_json: bool) -> int:
    """Tell which models are known: what they cost, what they can, and what was learnt of them."""
    from testwright.cli.model_listing import list_known  # noqa: PLC0415

    return list_known(workspace, with_gone=with_gone, as_json=as_json)


@models.command(short_help="Tell which models would be asked, in which order, and why.")
@click.option("--tools/--no-tools", default=True, help="For a task that needs a model to call tools.  [default: tools]")
@click.option("--context", metavar="TOKENS", type=click.IntRange(min=0), default=0, help="Tokens that must fit.")
@_workspace_option
@json_option
@debug_option
def explain(*, tools: bool, context: int, workspace: Path | None, as_json: bool) -> int:
    """Tell which models would be asked, in which order, and why; and what is missing: a key, your consent.

    The exit code is 0 when a model can be asked, 1 when something is missing. Nothing is sent.
    """
    from testwright.cli.model_listing import explain_chain  # noqa: PLC0415

    return explain_chain(workspace, tools=tools, context=context, as_json=as_json)


@models.command(short_help="Ask the providers which models they have.")
@click.option("--dry-run", is_flag=True, help="Show what is new and what has gone, and keep nothing.")
@_workspace_option
@json_option
@debug_option
def refresh(*, dry_run: bool, workspace: Path | None, as_json: bool) -> int:
    """Ask the providers which models they have, show what has changed, and keep it in the cache.

    Nothing of the workspace is sent, so no consent is needed; a key is sent where there is one, and where it belongs.
    The exit code is 0 when a provider has answered, else 3.
    """
    from testwright.cli.model_refreshing import refresh_all  # noqa: PLC0415

    return refresh_all(workspace, dry_run=dry_run, as_json=as_json)


@models.command(short_help="Ask models whether they can call a tool.", help=_CHECK_HELP)
@click.argument("names", metavar="[MODEL]...", nargs=-1)
@click.option(
    "--limit",
    metavar="NUMBER",
    type=click.IntRange(min=1),
    help="Models that are asked at most.  [default: 5, or all that are named]",
)
@tape_options
@_workspace_option
@json_option
@debug_option
def check(  # noqa: PLR0913 - an option each
    *,
    names: tuple[str, ...],
    limit: int | None,
    record: Path | None,
    replay: Path | None,
    workspace: Path | None,
    as_json: bool,
) -> int:
    """Ask models whether they can call a tool; the help stands in ``_CHECK_HELP``."""
    refuse_both(record, replay)
    from testwright.cli.model_checking import check_all  # noqa: PLC0415

    return check_all(names, workspace, limit=limit, record=record, replay=replay, as_json=as_json)


@models.command(short_help="Tell what models were asked and what it has cost.")
@_workspace_option
@json_option
@debug_option
def stats(*, workspace: Path | None, as_json: bool) -> int:
    """Tell what each model was asked in the last 30 days and its cost, and what is left of the free requests."""
    from testwright.cli.model_stats import show_stats  # noqa: PLC0415

    return show_stats(workspace, as_json=as_json)


@click.command(short_help="Agree that a workspace's code is sent to models, or withdraw it.", help=_CONSENT_HELP)
@click.argument("workspace", metavar="[WORKSPACE]", type=click.Path(path_type=Path), required=False)
@click.option("--give", "what", flag_value="give", help="Agree without being asked, in a script.")
@click.option("--withdraw", "what", flag_value="withdraw", help="Agree no longer.")
@click.option("--registry", "with_registry", is_flag=True, help="To the workspace's own registry of models, too.")
@click.option("--list", "what", flag_value="list", help="Tell for which workspaces you have agreed.")
@json_option
@debug_option
def consent(*, workspace: Path | None, what: str | None, with_registry: bool, as_json: bool) -> int:
    """Agree that a workspace's code is sent to models, or withdraw it; the help stands in ``_CONSENT_HELP``."""
    if what == "list" and workspace is not None:
        raise click.UsageError("--list tells of all workspaces; name none.")
    if with_registry and what in ("list", "withdraw"):
        raise click.UsageError(f"--registry does not go with --{what}: without consent no registry is used either.")
    from testwright.cli.consenting import do_consent  # noqa: PLC0415

    return do_consent(workspace, what=what, with_registry=with_registry, as_json=as_json)
