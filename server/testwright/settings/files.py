"""Reading of files that hold settings, ours or another tool's."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from testwright.errors import SettingsError

MAX_SETTINGS_BYTES = 1024 * 1024
"""A settings file of more than this is not read; the largest pyproject.toml files in the wild have some 100 KB."""


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file's content.

    Raises:
        SettingsError: It cannot be read or is no TOML; the line is named.
    """
    text = read_settings_text(path)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(
            f"{path.name} is not valid TOML: {error}.", next_step=f"Correct {path} at that line."
        ) from error
    except RecursionError as error:
        raise SettingsError(
            f"{path.name} is nested too deeply to be read.", next_step=f"Flatten the tables in {path}."
        ) from error


def read_settings_text(path: Path) -> str:
    """A settings file's text.

    Raises:
        SettingsError: It is no regular file, too large, not UTF-8, or the system refuses.
    """
    try:
        if not path.is_file():  # a pipe of that name would be waited on for ever
            raise SettingsError(f"{path} is not a regular file.", next_step="Replace it by a file, or remove it.")
        if path.stat().st_size > MAX_SETTINGS_BYTES:
            raise SettingsError(
                f"{path} is larger than {MAX_SETTINGS_BYTES // 1024} KiB, which no settings file should be.",
                next_step="Move what is not a setting elsewhere.",
            )
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise SettingsError(f"{path.name} is not UTF-8 (line {line}).", next_step=f"Save {path} as UTF-8.") from error
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be read: {error.strerror or error}.", next_step="Check its permissions."
        ) from error
