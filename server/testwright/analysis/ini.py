"""Read ini files as pytest does."""

from __future__ import annotations

from pathlib import Path

import iniconfig

from testwright.errors import SettingsError
from testwright.settings import read_settings_text


def read_ini(path: Path) -> dict[str, dict[str, str]]:
    """Sections of an ini file, by pytest's own parser.

    Raises:
        SettingsError: It cannot be read; the line is named.
    """
    try:
        content = iniconfig.IniConfig(str(path), data=read_settings_text(path))
    except iniconfig.ParseError as error:
        raise SettingsError(
            f"{path.name} is not a valid ini file: {error.msg} (at line {error.lineno + 1}).",
            next_step=f"Correct {path} at that line.",
        ) from error
    return {section.name: dict(section.items()) for section in content}
