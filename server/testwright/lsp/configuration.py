"""The editor's settings: options as they arrive on the wire, settings as they hold, for each folder.

The protocol does not tell at which level a value was set, and a repository can bring settings of its own
(``.vscode/settings.json``, ``.dir-locals.el``). So what names a program or chooses how code is contained is asked for
without a scope, where an editor answers with the user's own level, and is not taken from a folder's answer. There is no
setting for a key: one that looks like it is refused, and its value is told to nobody.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from lsprotocol import types

from testwright.errors import SettingsError
from testwright.settings import MACHINE_SCOPE, Options, is_inside_workspace, option_name, parse_options

SECTION = "testwright"
ORIGIN = "the editor's settings"

HINTS = ("code_lens", "diagnostics")
OURS = ("confirm_edits", "log_level")
CLIENTS = frozenset({"trace", "path", "server", "interpreter", "status_bar", "enable"})
"""Settings of the same section that are the client's own business."""

LEVELS = ("error", "warning", "info", "debug")

_KEY_LIKE = re.compile(r"(?i)api_?key|token|secret|password|authorization")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EditorSettings:
    """What holds for the files of one folder.

    Attributes:
        options: For ``resolve_settings(editor=...)``.
        code_lens: Whether code lenses are shown.
        diagnostics: Whether uncovered lines are told as diagnostics of severity hint.
        confirm_edits: Whether the client asks before it changes an existing test file.
        log_level: From which level on the client's log is written.
        notes: Sentences for the user: what was set and is not used, with the reason.
        error: Why the settings cannot be used; a run then fails with it.
    """

    options: Options = field(default_factory=Options)
    code_lens: bool = True
    diagnostics: bool = False
    confirm_edits: bool = False
    log_level: str = "warning"
    notes: tuple[str, ...] = ()
    error: SettingsError | None = None


class Asks(Protocol):
    """Asks the client and waits for its answer, None when there is none in time."""

    async def __call__(self, method: str, params: Any, *, seconds: float) -> Any:
        """Ask."""
        ...


class Configuration:
    """Settings by folder, asked for when first needed and again after a change.

    Args:
        ask: Asks the client; None for a client that cannot be asked, which pushes its settings.
        pushed: What it said in ``initializationOptions``.
    """

    def __init__(self, ask: Asks | None, pushed: object) -> None:
        self._ask = ask
        self._pushed = _section(pushed)
        self._known: dict[str | None, EditorSettings] = {}
        self._interpreters: dict[str | None, Path] = {}

    def change(self, pushed: object) -> None:
        """Forget what is known; ``pushed`` is what the notification carries, of use only where we cannot ask."""
        self._known.clear()
        if pushed is not None and (section := _section(pushed)) is not None:
            self._pushed = section

    def set_interpreter(self, folder_uri: str | None, python: Path | None) -> None:
        """Take the interpreter that the user has chosen in the editor, which is the user's own word."""
        if python is None:
            self._interpreters.pop(folder_uri, None)
        else:
            self._interpreters[folder_uri] = python
        self._known.clear()

    async def of_folder(self, folder_uri: str | None) -> EditorSettings:
        """Settings for the files of a workspace folder; None for files outside of all."""
        known = self._known.get(folder_uri)
        if known is None:
            known = self._known[folder_uri] = await self._read(folder_uri)
        return known

    async def _read(self, folder_uri: str | None) -> EditorSettings:
        chosen = self._interpreters.get(folder_uri, self._interpreters.get(None))
        if self._ask is None:
            return read_settings(self._pushed, self._pushed, chosen)
        items = [types.ConfigurationItem(section=SECTION), types.ConfigurationItem(folder_uri, SECTION)]
        answer = await self._ask(types.WORKSPACE_CONFIGURATION, types.ConfigurationParams(items), seconds=2.0)
        if not isinstance(answer, list) or len(answer) != len(items):
            logger.warning("The client did not answer workspace/configuration; its earlier settings hold.")
            return read_settings(self._pushed, self._pushed, chosen)
        user, folder = answer
        return read_settings(user, folder, chosen)


def read_settings(user: object, folder: object, interpreter: Path | None = None) -> EditorSettings:
    """Settings from two answers of the client.

    Args:
        user: The section as the user has set it.
        folder: The section as it holds for a folder.
        interpreter: What the user has chosen in the editor; a ``python`` in the settings is stronger.
    """
    sorted_ = _Sorted()
    users = _named(user)
    try:
        for name, (key, value) in _named(folder).items():
            if (
                name not in MACHINE_SCOPE
                or users.get(name, (key, None))[1] == value
                or (name == "python" and is_inside_workspace(value))
            ):
                sorted_.take(name, key, value)
            else:
                sorted_.notes.append(
                    f"{key} in the settings of this folder is not used: it is taken from your user settings alone."
                )
        for name in sorted(MACHINE_SCOPE - sorted_.names):
            if name in users:
                sorted_.take(name, *users[name])
        if "python" not in sorted_.names and interpreter is not None:
            sorted_.take("python", "python", str(interpreter))
        options = parse_options(sorted_.options, origin=ORIGIN)
        return EditorSettings(options, **_checked(sorted_.ours), notes=tuple(sorted_.notes))
    except SettingsError as error:
        return EditorSettings(notes=tuple(sorted_.notes), error=error)


@dataclass(slots=True)
class _Sorted:
    """Settings by whose they are: those of a run by their name on the wire, and those of the language server."""

    options: dict[str, object] = field(default_factory=dict)
    ours: dict[str, object] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=set)

    def take(self, name: str, key: str, value: object) -> None:
        if _KEY_LIKE.search(name):
            raise SettingsError(
                f"{key} in {ORIGIN} looks like a key, and keys are never kept in settings.",
                next_step="Remove it there and set the variable OPENROUTER_API_KEY for the server.",
            )
        self.names.add(name)
        if name == "hints":
            self._take_hints(value)
        elif name in OURS:
            self.ours[name] = value
        elif name not in CLIENTS:
            self.options[key] = value

    def _take_hints(self, hints: object) -> None:
        for name, (key, value) in _named(hints).items():
            if name in HINTS:
                self.ours[name] = value
            else:
                self.notes.append(f"hints.{key} in {ORIGIN} is no setting of Testwright, so it changes nothing.")


def _checked(ours: Mapping[str, object]) -> dict[str, Any]:
    for name, value in ours.items():
        allowed = value in LEVELS if name == "log_level" else isinstance(value, bool)
        if not allowed:
            words = ", ".join(LEVELS) if name == "log_level" else "true or false"
            raise SettingsError(f"{name} in {ORIGIN} is {value!r:.60}, which is not allowed.", next_step=f"{words}.")
    return dict(ours)


def _named(section: object) -> dict[str, tuple[str, object]]:
    """Settings by our name, with the name on the wire; what is null is not set."""
    if not isinstance(section, Mapping):
        return {}
    return {option_name(str(key)): (str(key), value) for key, value in section.items() if value is not None}


def _section(pushed: object) -> object:
    """Our section of what a client pushes: with the section's name around it, or bare."""
    if isinstance(pushed, Mapping):
        for name in (SECTION, "settings"):
            if isinstance(pushed.get(name), Mapping):
                return _section(pushed[name])
        return pushed
    return None
