"""The command line at a terminal of its own."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def at_a_terminal(*arguments: str, answers: str = "", columns: int = 80) -> tuple[int, str]:
    """Run a command, type the answers, and return its exit code and what was on the screen, without colours."""
    terminal, end = pty.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    command = [sys.executable, "-m", "testwright.cli", *arguments]
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    process = subprocess.Popen(command, stdin=end, stdout=end, stderr=end, env={**environment, "TERM": "xterm"})
    os.close(end)
    os.write(terminal, answers.encode())
    screen = b""
    try:
        while data := os.read(terminal, 65536):
            screen += data
    except OSError:  # so Linux tells of the end
        pass
    finally:
        os.close(terminal)
    return process.wait(timeout=20), _CONTROL.sub("", screen.decode()).replace("\r\n", "\n")
