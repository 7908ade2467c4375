"""Sentences of the service as they read in an editor: its next steps name options of the command line (pure)."""

from __future__ import annotations

import re

from testwright.settings import OPTION_NAMES, option_name

_OPTION = re.compile(r"`[^`]*`|(?<![\w-])--([a-z]+(?:-[a-z]+)*)")
"""An option, or a whole command, which is left as it is."""
_NO_SETTING = frozenset({"output", "dry_run"})
"""Options of one run, which no setting of an editor says."""


def in_editor_words(sentence: str) -> str:
    """The sentence, with settings in place of options that there are as settings, and with commands for the others.

    >>> in_editor_words("Give it more time with --budget.")
    'Give it more time with the setting testwright.budget.'
    >>> in_editor_words("Name another file with --output.")
    'Name another file with `testwright generate --output`.'
    """
    return _OPTION.sub(_words, sentence)


def _words(match: re.Match[str]) -> str:
    if match[1] is None:
        return match[0]
    name = option_name(match[1])
    if name in OPTION_NAMES and name not in _NO_SETTING:
        return f"the setting testwright.{_camel(name)}"
    return f"`testwright generate --{match[1]}`"


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
