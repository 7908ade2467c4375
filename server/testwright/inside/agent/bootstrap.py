"""First in the agent's box: takes the pipe, unpacks what comes on it, and starts the program that was unpacked.

The host passes the *text* of this module to ``python -I -c``, since a box need not show any file of ours: whatever the
program needs comes as a tar behind the first line. So it uses the standard library alone.

Standard input: one line, the header (a JSON object), then ``workspace_bytes`` bytes of tar, then JSON lines for the
program. The tar's folders are ``workspace`` (what the agent works on), ``library`` (our programs) and, where the
project has no pytest of its own, ``overlay``. All are unpacked below ``TMPDIR``, but not yet in the places where the
agent will find them (``conversation`` says why).
"""

import importlib
import json
import os
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import IO, Any, NoReturn

MAX_HEADER = 8 * 1024 * 1024
MAX_TAR = 1024 * 1024 * 1024
TOPS = ("workspace", "library", "overlay")
UNPACKED = "unpacked"


class Refused(Exception):
    """What came on the pipe is not what the host sends."""


class Rest:
    """So many bytes of a stream, as a file that ``tarfile`` reads."""

    def __init__(self, source: IO[bytes], size: int) -> None:
        self._source = source
        self.left = size

    def read(self, size: int = -1) -> bytes:
        """At most ``size`` bytes; none at the end, or when the stream ends too early."""
        wanted = self.left if size < 0 else min(size, self.left)
        data = self._source.read(wanted) if wanted else b""
        self.left -= len(data)
        return data


def take_pipe() -> tuple[IO[bytes], int]:
    """Take both ends for ourselves; what is started later inherits neither, and a print goes nowhere."""
    source, descriptor = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.close(null)
    return os.fdopen(source, "rb"), descriptor


def read_header(source: IO[bytes]) -> dict[str, Any]:
    """The first line.

    Raises:
        Refused: It is no header.
    """
    line = source.readline(MAX_HEADER + 1)
    if not line.endswith(b"\n"):
        raise Refused("The first line is too long, or the input ended before it did.")
    try:
        header = json.loads(line)
    except (ValueError, RecursionError):
        raise Refused("The first line is no JSON.") from None
    if not isinstance(header, dict) or header.get("type") != "start":
        raise Refused("The first line is no header.")
    size = header.get("workspace_bytes")
    if type(size) is not int or not 0 <= size <= MAX_TAR:
        raise Refused("The header does not say how many bytes the workspace has, or they are too many.")
    return header


def unpack(source: IO[bytes], size: int, folder: Path) -> None:
    """Unpack the tar; nothing but files, folders and links that stay in the folder.

    Raises:
        Refused: It is damaged, too short, or leads out of its folder.
    """
    rest = Rest(source, size)
    try:
        with tarfile.open(fileobj=rest, mode="r|") as archive:  # type: ignore[call-overload]  # it only ever reads
            for member in archive:
                if member.name.split("/")[0] not in TOPS:
                    raise Refused(f"The tar holds {member.name[:200]!r}, which has no place here.")
                archive.extract(member, folder, filter="data")
        while rest.read(65536):  # what pads the tar
            pass
    except (tarfile.TarError, OSError, EOFError) as error:
        raise Refused(f"The workspace could not be unpacked: {str(error)[:300]}") from error
    if rest.left:
        raise Refused("The input ended before the workspace was whole.")


def fail(descriptor: int, code: str, words: str) -> NoReturn:
    """Say why nothing can be done, and end."""
    line = json.dumps({"type": "failed", "code": code, "words": words}) + "\n"
    os.write(descriptor, line.encode())
    os._exit(1)


def main() -> None:
    """Start the agent's program on what came."""
    began = time.monotonic()
    source, descriptor = take_pipe()
    try:
        header = read_header(source)
        scratch = Path(tempfile.mkdtemp(prefix="agent-"))  # no name of a folder that the box shows
        unpacked = scratch / UNPACKED
        unpacked.mkdir()
        unpack(source, header["workspace_bytes"], unpacked)
        sys.path.insert(0, str(unpacked / "library"))
        program = importlib.import_module("testwright_inside.agent.program")
    except (Refused, OSError, ImportError) as error:
        fail(descriptor, "start", str(error)[:2000])
    program.run(header, source, descriptor, scratch, began)


if __name__ == "__main__":
    main()
