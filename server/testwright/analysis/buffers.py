"""Documents that an editor holds: their text is what counts, not what the disk has of them."""

from __future__ import annotations

import codecs
import io
import os
import tokenize
from collections.abc import Iterator, Mapping
from pathlib import Path

from testwright.errors import TargetError

_PYTHON = (".py", ".pyi")


class Buffers(Mapping[Path, str]):
    """Texts of open documents, by the absolute path of their file, links resolved.

    A file need not be on the disk. Of two names of one file, the one that is no link counts.
    """

    def __init__(self, texts: Mapping[Path, str] | None = None) -> None:
        """Take what an editor holds.

        Args:
            texts: Text by absolute path, line ends as in the editor.
        """
        named = [(_real(path), path, text) for path, text in (texts or {}).items()]
        self._texts = {real: text for real, _, text in named}
        self._texts.update({real: text for real, path, text in named if real == path})

    @classmethod
    def of(cls, texts: Mapping[Path, str]) -> Buffers:
        """The same, when it is one already."""
        return texts if isinstance(texts, cls) else cls(texts)

    def __getitem__(self, path: Path) -> str:
        return self._texts[_real(path)]

    def __iter__(self) -> Iterator[Path]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)

    def data(self, path: Path) -> bytes | None:
        """The bytes of a document as it would be saved; None when it is not open.

        A Python file is encoded as its coding line declares (PEP 263), everything else as UTF-8. The byte order mark
        of the file on the disk is kept.

        Raises:
            TargetError: Its text has no form in that encoding.
        """
        real = _real(path)
        text = self._texts.get(real)
        if text is None:
            return None
        encoding = _declared(text) if real.suffix in _PYTHON else "utf-8"
        try:
            data = text.encode(encoding)
        except UnicodeError as error:
            line = text.count("\n", 0, error.start) + 1 if isinstance(error, UnicodeEncodeError) else 0
            raise TargetError(
                f"{path} in the editor has a character that {encoding}, its encoding, cannot hold"
                f"{f' (line {line})' if line else ''}.",
                next_step="Correct that character, or the coding line at the top of the file.",
            ) from error
        if encoding == "utf-8" and not data.startswith(codecs.BOM_UTF8) and _has_mark(real):
            return codecs.BOM_UTF8 + data
        return data


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _declared(text: str) -> str:
    """The encoding that a coding line declares; UTF-8 where it declares none, or one that is none."""
    if text.startswith("\ufeff"):
        return "utf-8"
    head = "\n".join(text.split("\n", 2)[:2]).encode("utf-8", "replace")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(head).readline)
        "".encode(encoding)
    except (SyntaxError, LookupError):
        return "utf-8"  # whoever decodes it tells what is wrong with the coding line
    return encoding


def _has_mark(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8
    except OSError:
        return False
