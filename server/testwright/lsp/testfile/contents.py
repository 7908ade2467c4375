"""A test file's bytes and an editor's text of it: whether they are the same, and what must change (pure).

Editors differ in what they tell of a file: some send every line with a bare line feed, whatever the file has, and most
leave out the byte order mark. Such a text is the same as the bytes when its lines are.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from testwright.analysis.buffers import Buffers
from testwright.errors import TargetError
from testwright.writing.edits import TextChange, text_edits
from testwright.writing.encoding import SourceFile, decoded

MARK = "\ufeff"

_END = re.compile(r"\r\n|\r|\n")


def text_of(data: bytes) -> str:
    """The text of a source file with its line ends, without the byte order mark.

    Raises:
        TargetError: The bytes are no text in the encoding that the file names.
    """
    return decoded(data)[0]


def data_of(path: Path, text: str) -> bytes:
    """The bytes that a file has when an editor saves a text there.

    Raises:
        TargetError: The text has no form in the encoding that it names.
    """
    return Buffers({path: text}).data(path) or b""


def is_text_of(text: str, data: bytes) -> bool:
    """Whether an editor's text is that of a file, line ends aside."""
    try:
        return _plain(text) == _plain(text_of(data))
    except TargetError:
        return False


def changes_to(text: str, data: bytes) -> tuple[TextChange, ...]:
    """What an editor must change in its text to have that of a file, in the line ends that its text has.

    A line that only ends in another way is not changed.

    Raises:
        TargetError: The bytes are no text.
    """
    wanted = (MARK if text.startswith(MARK) else "") + text_of(data)
    end = _usual_end(text)
    changes = text_edits(with_line_feeds(text), with_line_feeds(wanted))
    return tuple(TextChange(one.start_line, one.end_line, one.text.replace("\n", end)) for one in changes)


def with_ends_of(data: bytes, existing: bytes) -> bytes:
    """A file in the line ends of another that has the same encoding, for one that an editor has saved anew.

    Raises:
        TargetError: The bytes of one of them are no text.
    """
    like = SourceFile.of(existing)
    text = with_line_feeds(text_of(data)).replace("\n", like.newline)
    return like.bom + text.encode(like.encoding)


def with_line_feeds(text: str) -> str:
    """A text whose lines all end with a bare line feed."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _plain(text: str) -> str:
    return with_line_feeds(text.removeprefix(MARK))


def _usual_end(text: str) -> str:
    """The line end that most lines of a text have."""
    counted = Counter(_END.findall(text))
    return max(counted, key=lambda end: (counted[end], end == "\n"), default="\n")
