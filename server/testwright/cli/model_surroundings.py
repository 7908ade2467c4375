"""Which project the commands about models are for, and what its settings say."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from testwright.analysis.targets import find_workspace
from testwright.errors import UsageError
from testwright.models.plan import Plan, plan_models
from testwright.models.values import Need
from testwright.settings import Settings, resolve_settings


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A project, by its root, and its settings."""

    workspace: Path
    settings: Settings

    def plan(self, need: Need | None = None) -> Plan:
        """What is known of the models there, with the notes of the settings; nothing is sent for it.

        Args:
            need: What the task needs; what a run needs when None.

        Raises:
            TestwrightError: A registry, a key or the ledger cannot be used.
        """
        plan = plan_models(self.settings, self.workspace, environ=os.environ, need=need)
        return replace(plan, notes=(*self.settings.notes, *plan.notes))


def surroundings(workspace: Path | None) -> Surroundings:
    """The project that is meant.

    Args:
        workspace: Its root, as the user names it; None to find it from the current folder.

    Raises:
        UsageError: That is no folder.
        SettingsError: Its settings are wrong.
    """
    root = find_workspace(Path.cwd()) if workspace is None else workspace.expanduser().resolve()
    if not root.is_dir():
        raise UsageError(f"{workspace} is not a folder.", next_step="Name the root of a project.")
    return Surroundings(root, resolve_settings(root, environ=os.environ))
