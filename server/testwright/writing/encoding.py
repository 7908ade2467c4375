"""The bytes of a source file as text, and text as bytes of the same kind (pure)."""

from __future__ import annotations

import codecs
import io
import re
import tokenize
from collections import Counter
from dataclasses import dataclass

from testwright.errors import TargetError, WriteFailure

_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")
_NEWLINE = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class SourceFile:
    r"""A source file, taken apart.

    Attributes:
        lines: Its bytes, line by line with line ends, without the byte order mark.
        text: Its text, newlines as ``\n``.
        encoding: Codec of the text.
        bom: The byte order mark, or nothing.
        newline: The line end that most lines have.
    """

    lines: tuple[bytes, ...]
    text: str
    encoding: str
    bom: bytes
    newline: str

    @classmethod
    def of(cls, data: bytes, *, default_newline: str = "\n") -> SourceFile:
        """Decode a file as Python does (PEP 263).

        Raises:
            TargetError: Its bytes are no text in the encoding that it names.
        """
        text, encoding, bom = decoded(data)
        lines = tuple(_LINE.findall(data[len(bom) :]))
        text = _NEWLINE.sub("\n", text)
        if len(lines) != text.count("\n") + (not text.endswith("\n") and text != ""):
            raise TargetError(
                f"The existing test file is in {encoding}, whose lines cannot be told apart.",
                next_step="Save it as UTF-8, or name another file with --output; it was not touched.",
            )
        ends = Counter(line[len(line.rstrip(b"\r\n")) :].decode("ascii") for line in lines)
        del ends[""]
        newline = max(ends, key=lambda end: (ends[end], end == "\n"), default=default_newline)
        return cls(lines, text, encoding, bom, newline)

    def encode(self, text: str) -> bytes:
        r"""New text in the file's encoding and with its line ends; what it cannot hold is escaped.

        Escapes mean the same in a string and in a pattern, and nothing else of ours holds other letters than ASCII,
        identifiers excepted.

        Raises:
            WriteFailure: A name cannot be written in the encoding.
        """
        data = text.replace("\n", self.newline).encode(self.encoding, "backslashreplace")
        back = _NEWLINE.sub("\n", data.decode(self.encoding))
        if back != text and any(not name.isascii() for name in _names(text)):
            raise WriteFailure(
                f"The tests hold a name that cannot be written in {self.encoding}, the existing test file's encoding.",
                next_step="Save that file as UTF-8, or name another file with --output; it was not touched.",
            )
        return data


def decoded(data: bytes) -> tuple[str, str, bytes]:
    """The text of a source file as Python decodes it (PEP 263), line ends as they are.

    Returns:
        The text, its codec, and the byte order mark, which is not in the text.

    Raises:
        TargetError: Its bytes are no text in the encoding that it names.
    """
    bom = codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""
    # Unlike a stream, this knows the old line end of the Macintosh.
    every_line = (match[0] for match in _LINE.finditer(data))
    try:
        encoding, _ = tokenize.detect_encoding(lambda: next(every_line, b""))
        encoding = encoding.removesuffix("-sig")
        return data[len(bom) :].decode(encoding), encoding, bom
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        raise TargetError(
            f"The existing test file cannot be decoded: {error}.",
            next_step="Save it as UTF-8, or name another file with --output; it was not touched.",
        ) from error


def _names(text: str) -> list[str]:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return [token.string for token in tokens if token.type == tokenize.NAME]
