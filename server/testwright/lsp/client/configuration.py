"""The editor's settings: options as they arrive on the wire, settings as they hold, for each folder.

The protocol does not tell at which level a value was set, and a repository can bring settings of its own
(``.vscode/settings.json``, ``.dir-locals.el``), which some editors take without a question. So what names a program,
chooses how code is contained or where it is sent, or says what may be spent is taken from
``initializationOptions.settings``, which are the user's own, and from what the client answers only when it says there
that it sees to it (``machineSettings``). There is no setting for a key: one that looks like it is refused, and no value
is ever told in a message.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from lsprotocol import types

from testwright.errors import SettingsError
from testwright.settings import (
    OPTION_NAMES,
    Options,
    is_python_name,
    may_be_of_repository,
    option_name,
    parse_options,
)
from testwright.settings.trust import STRICTER_ONLY

SECTION = "testwright"
ORIGIN = "the editor's settings"
ASK_SECONDS = 2.0

HINTS = ("code_lens", "diagnostics")
OURS = ("confirm_edits", "log_level")
CLIENTS = frozenset({"trace", "path", "server", "interpreter", "status_bar", "enable"})
"""Settings of the same section that are the client's own business."""
OF_ONE_RUN = frozenset({"output", "dry_run"})
NEVER_OF_A_FOLDER = frozenset({"model_registry"}) | STRICTER_ONLY
"""What a repository may say in its ``pyproject.toml``, where it is the weakest source, and not here: an editor's
registry counts as the user's own, and an editor's limits are stronger than those of the user's environment."""

LEVELS = ("error", "warning", "info", "debug")

_KEY_LIKE = re.compile(r"(?:^|_)(?:api_?)?keys?(?:_|$)|token|secret|password|credential|authorization")

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
        given: ``initializationOptions.settings``: the user's own.
        machine_settings: Whether the client answers with the user's own value for settings of machine scope.
    """

    def __init__(self, ask: Asks | None, given: object, *, machine_settings: bool = False) -> None:
        self._ask = ask
        self._given = given.get(SECTION, given) if isinstance(given, Mapping) else None
        self._pushed: object = None
        self._machine_settings = machine_settings
        self._known: dict[str | None, EditorSettings] = {}
        self._reading: dict[str | None, asyncio.Task[EditorSettings]] = {}
        self._interpreters: dict[str | None, Path] = {}

    def change(self, pushed: object) -> None:
        """Forget what is known; ``pushed`` is what the notification carries, of use only where we cannot ask."""
        if (section := _pushed_section(pushed)) is not None:
            self._pushed = section
        self.forget()

    def forget(self) -> None:
        """Ask anew for each folder."""
        self._known.clear()
        self._reading.clear()

    def set_interpreter(self, folder_uri: str | None, python: Path | None) -> None:
        """Take the interpreter that the user has chosen in the editor, which is the user's own word.

        Args:
            folder_uri: For which folder; None for all that have none of their own.
            python: An absolute path; None to take it back.
        """
        if python is None:
            self._interpreters.pop(folder_uri, None)
        else:
            self._interpreters[folder_uri] = python
        self.forget()

    async def of_folder(self, folder_uri: str | None, folder: Path | None = None) -> EditorSettings:
        """Settings for the files of a workspace folder.

        Args:
            folder_uri: Its address as the client names it; None for files outside of all.
            folder: Its path, from which a relative interpreter is taken.
        """
        while (known := self._known.get(folder_uri)) is None:
            reading = self._reading.get(folder_uri)
            if reading is None:
                reading = self._reading[folder_uri] = asyncio.create_task(self._read(folder_uri, folder))
            try:
                found = await asyncio.shield(reading)
            finally:
                is_current = self._reading.get(folder_uri) is reading  # else they have changed meanwhile
                if is_current and reading.done():
                    del self._reading[folder_uri]
            if is_current:
                self._known[folder_uri] = found
        return known

    async def _read(self, folder_uri: str | None, folder: Path | None) -> EditorSettings:
        current = self._pushed
        if self._ask is not None:
            items = [types.ConfigurationItem(folder_uri, SECTION)]
            params = types.ConfigurationParams(items)
            answer = await self._ask(types.WORKSPACE_CONFIGURATION, params, seconds=ASK_SECONDS)
            if isinstance(answer, list | tuple) and len(answer) == 1:
                current = answer[0]
            else:
                logger.warning("The client did not answer workspace/configuration; its earlier settings hold.")
        chosen = self._interpreters.get(folder_uri, self._interpreters.get(None))
        found = read_settings(self._given, current, machine_settings=self._machine_settings)
        python = found.options.python or chosen
        if python is not None and folder is not None and not is_python_name(python):
            python = folder / python.expanduser()
        return replace(found, options=replace(found.options, python=python))


def read_settings(given: object, current: object, *, machine_settings: bool = False) -> EditorSettings:
    """Settings of a folder.

    Args:
        given: The user's own, from the start.
        current: As the client has them now for the folder; stronger.
        machine_settings: Whether ``current`` is the user's own where settings of machine scope are concerned.
    """
    reader = _Reader()
    users = _named(given)
    try:
        for name, (key, value) in _named(current).items():
            trusted = machine_settings or users.get(name, (key, None))[1] == value
            if trusted or (name not in NEVER_OF_A_FOLDER and may_be_of_repository(name, value)):
                reader.take(name, key, value)
            else:
                reader.refuse(key)
        for name, (key, value) in users.items():
            if name not in reader.names:
                reader.take(name, key, value)
        options = parse_options(reader.options, origin=ORIGIN, tell_values=False)
        return EditorSettings(options, **_checked(reader.ours), notes=tuple(reader.notes))
    except SettingsError as error:
        return EditorSettings(notes=tuple(reader.notes), error=error)


@dataclass(slots=True)
class _Reader:
    """Settings by whose they are: those of a run by their name on the wire, and those of the language server."""

    options: dict[str, object] = field(default_factory=dict)
    ours: dict[str, object] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=set)

    def take(self, name: str, key: str, value: object) -> None:
        if name not in OPTION_NAMES and _KEY_LIKE.search(name):
            raise SettingsError(
                f"{_shortened(key)} in {ORIGIN} looks like a key, and keys are never kept in settings.",
                next_step="Remove it there and set the variable OPENROUTER_API_KEY for the server.",
            )
        if name in OF_ONE_RUN:
            raise SettingsError(
                f"{key} in {ORIGIN} belongs to one run, not to an editor.",
                next_step="Remove it; the command line has it.",
            )
        self.names.add(name)
        if name == "hints":
            self._take_hints(value)
        elif name in OURS:
            self.ours[name] = value
        elif name not in CLIENTS:
            self.options[key] = value

    def refuse(self, key: str) -> None:
        """Say that a value is not used since a repository may have set it."""
        self.notes.append(
            f"{key} in {ORIGIN} is not used, since it may come from the folder and not from you. "
            "Set it in initializationOptions.settings of your editor's configuration for the server."
        )

    def _take_hints(self, hints: object) -> None:
        if not isinstance(hints, Mapping):
            raise _wrong("hints", "an object with codeLens and diagnostics")
        for name, (key, value) in _named(hints).items():
            if name in HINTS:
                self.ours[name] = value
            else:
                self.notes.append(
                    f"hints.{_shortened(key)} in {ORIGIN} is no setting of Testwright, so it changes nothing."
                )


def _checked(ours: Mapping[str, object]) -> dict[str, Any]:
    for name, value in ours.items():
        key = {"code_lens": "hints.codeLens", "diagnostics": "hints.diagnostics", "confirm_edits": "confirmEdits"}
        if name == "log_level":
            if value not in LEVELS:
                raise _wrong("logLevel", ", ".join(LEVELS))
        elif not isinstance(value, bool):
            raise _wrong(key[name], "true or false")
    return dict(ours)


def _wrong(key: str, allowed: str) -> SettingsError:
    return SettingsError(f"{key} in {ORIGIN} has a value that is not allowed.", next_step=f"Allowed: {allowed}.")


def _shortened(key: str) -> str:
    return key if len(key) <= 40 else key[:40] + "…"


def _named(section: object) -> dict[str, tuple[str, object]]:
    """Settings by our name, with the name on the wire; what is null is not set."""
    if not isinstance(section, Mapping):
        return {}
    return {option_name(str(key)): (str(key), value) for key, value in section.items() if value is not None}


def _pushed_section(pushed: object) -> object:
    """Our section of what a client pushes: with the section's name around it, or bare; None when it is not there."""
    if not isinstance(pushed, Mapping):
        return None
    if SECTION in pushed:
        return {} if pushed[SECTION] is None else pushed[SECTION]
    ours = {*OPTION_NAMES, *OURS, "hints"}
    return pushed if any(name in ours for name in _named(pushed)) else None
