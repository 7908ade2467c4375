"""A record's file, read strictly: it may have come with a bug report of anybody's."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from testwright.errors import UsageError
from testwright.models.tape_format import MAX_TAPE_BYTES, VERSION, Header, Recorded
from testwright.models.words import printable


def read_record(path: Path) -> tuple[Header, list[Recorded], bool]:
    """The header, the requests in the order of the file, and whether a last line was left out because it is cut off.

    Raises:
        UsageError: It cannot be read, is no record, or one of another version; the line is named.
    """
    whole, _, rest = _read(path).rpartition(b"\n")
    lines = whole.split(b"\n")
    header = _header(path, lines[0])
    return header, [_recorded(path, number, line) for number, line in enumerate(lines[1:], 2)], bool(rest)


def reason_of(error: Exception) -> str:
    """What the system says, without its number."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _read(path: Path) -> bytes:
    try:
        if not path.is_file():  # a pipe would be waited on for ever
            what = "is not a regular file" if path.exists() else "does not exist"
            raise UsageError(f"{path} {what}.", next_step="Name a file that --record has made.")
        if path.stat().st_size > MAX_TAPE_BYTES:
            raise UsageError(
                f"{path} is larger than {MAX_TAPE_BYTES // 1024**2} MiB, which no record is.",
                next_step="Name a file that --record has made.",
            )
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise UsageError(
            f"The record {path} cannot be read: {reason_of(error)}.", next_step="Check its permissions."
        ) from error


def _header(path: Path, line: bytes) -> Header:
    try:
        values = json.loads(line)
        version = values["testwright_tape"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise UsageError(
            f"{path} is no record of Testwright: its first line is not that of one.",
            next_step="Name a file that --record has made.",
        ) from error
    if version != VERSION:
        made_by = values.get("made_by")
        by = f" (made by {printable(made_by)})" if isinstance(made_by, str) else ""
        raise UsageError(
            f"{path} is a record of version {version!r}{by}; this Testwright reads version {VERSION}.",
            next_step="Replay it with the Testwright that made it, or record it anew.",
        )
    try:
        return Header.model_validate(values)
    except ValidationError as error:
        raise _damaged(path, 1, error) from error


def _recorded(path: Path, number: int, line: bytes) -> Recorded:
    try:
        recorded = Recorded.model_validate(json.loads(line))
        recorded.outcome()
    except (ValueError, RecursionError) as error:
        raise _damaged(path, number, error) from error
    return recorded


def _damaged(path: Path, number: int, error: Exception) -> UsageError:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        detail = f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    else:
        detail = str(error) or type(error).__name__
    return UsageError(
        f"{path} is damaged in line {number} ({printable(detail)}).",
        next_step="Use an undamaged copy, or record it anew.",
    )
