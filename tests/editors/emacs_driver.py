"""Emacs in a terminal of its own: keys are typed, and what came of it is asked through ``emacsclient``."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import shutil
import struct
import subprocess
import termios
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from processes import children, commands_of
from waiting import wait_until

ANSWER_SECONDS = 20.0
"""For one expression; Emacs answers within milliseconds unless it is busy or asks something."""


def quoted(text: object) -> str:
    """A string as Emacs Lisp reads it."""
    return '"' + str(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


class Emacs:
    """A running Emacs with a user's configuration.

    Args:
        program: Emacs.
        config: Text of the user's ``init.el``.
        private: Folder for all that it writes; its home.
        environment: Its whole environment.
        cwd: Where it is started.
    """

    def __init__(self, program: Path, config: str, private: Path, environment: Mapping[str, str], cwd: Path) -> None:
        self._client = program.with_name("emacsclient")
        self._private = private
        self._environment = {**environment, "HOME": str(private), "TERM": "xterm"}
        (private / ".emacs.d").mkdir(parents=True)
        (private / ".emacs.d" / "init.el").write_text(config, encoding="utf-8")
        self._screen = bytearray()
        self._terminal, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 160, 0, 0))
        # Emacs listens only in a folder that nobody else may enter.
        self._socket = private / "run" / "socket"
        self._socket.parent.mkdir(mode=0o700)
        # Its home is new, so it would compile eglot in each test anew, which takes longer than the test.
        serve = f"""(progn (setq native-comp-deferred-compilation nil)
            (setq server-socket-dir {quoted(self._socket.parent)} server-name "socket") (server-start))"""
        self._process = subprocess.Popen(
            [shutil.which("setsid") or "setsid", "--ctty", str(program), "-nw", "--eval", serve],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            cwd=cwd,
            env=self._environment,
        )
        os.close(terminal)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_until_ready(self) -> None:
        """Wait until it takes expressions."""
        wait_until("socket of Emacs's", self._socket.exists, seconds=20)
        assert self.eval("emacs-version")

    def _read(self) -> None:
        """Take what it draws, so that it never waits for the terminal."""
        with contextlib.suppress(OSError):
            while drawn := os.read(self._terminal, 65536):
                self._screen += drawn

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    @property
    def server(self) -> int:
        """The language server's process."""
        (found,) = [
            pid for pid, command in commands_of(children(self.pid)).items() if command.rstrip().endswith(" lsp")
        ]
        return found

    @property
    def log(self) -> str:
        """Its messages, what went over the wire, and the server's standard error."""
        if self._process.poll() is not None:
            return f"Emacs ended with {self._process.returncode}:\n{bytes(self._screen[-4000:])!r}"
        try:
            return f"{self.messages()}\n{self.events()}\n{self.stderr()}"
        except (AssertionError, subprocess.TimeoutExpired) as error:
            return f"{error}\n{bytes(self._screen[-4000:])!r}"

    def eval(self, expression: str) -> Any:
        """Evaluate Emacs Lisp in it; what comes back is what JSON can hold of it."""
        out = self._private / "answer.json"
        code = f"""(let ((value {expression}) (coding-system-for-write 'utf-8))
            (require 'json)
            (write-region (json-encode (vector value)) nil {quoted(out)} nil 'silent) t)"""
        ended = subprocess.run(
            [str(self._client), "--socket-name", str(self._socket), "--eval", code],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=ANSWER_SECONDS,
            check=False,
        )
        assert ended.returncode == 0, f"{expression}: {ended.stdout}{ended.stderr}"
        assert ended.stdout.strip() == "t", f"{expression}: {ended.stdout}{ended.stderr}"
        (value,) = json.loads(out.read_text(encoding="utf-8"))
        return value

    def in_window(self, expression: str) -> Any:
        """Evaluate Emacs Lisp in the buffer that is shown."""
        return self.eval(f"(with-selected-window (frame-selected-window) {expression})")

    def type(self, keys: str) -> None:
        """Type at the keyboard. A blank is quoted, since it completes where a choice is read."""
        os.write(self._terminal, keys.replace(" ", "\x11 ").encode())

    def command(self, name: str) -> None:
        """Call a command by its name, as ``M-x`` does."""
        self.type(f"\x1bx{name}\r")

    def edit(self, path: Path) -> None:
        """Open a file by ``C-x C-f``, and wait until eglot manages it."""
        self.type(f"\x18\x06\x01\x0b{path}\r")
        visited = f"(equal buffer-file-name {quoted(path)})"
        wait_until("file in the window", lambda: self.in_window(visited) is True, seconds=10)
        managed = "(and (fboundp 'eglot-managed-p) (eglot-managed-p) t)"
        wait_until("server for the buffer", lambda: self.in_window(managed) is True, seconds=20)

    def place_cursor(self, text: str) -> None:
        """Put point on the first occurrence of a text in the buffer that is shown."""
        assert self.in_window(f"(progn (goto-char 1) (search-forward {quoted(text)} nil t))"), text

    def titles(self) -> list[str]:
        """Titles of the code actions at point."""
        found = self.in_window("(vconcat (mapcar (lambda (it) (plist-get it :title)) (eglot-code-actions (point))))")
        assert isinstance(found, list)
        return found

    def choose(self, title: str) -> None:
        """Call ``eglot-code-actions`` and choose the one of that title."""
        self.command("eglot-code-actions")
        wait_until("choice", lambda: "Pick an action" in self.minibuffer(), seconds=10)
        self.type(f"{title}\r")

    def minibuffer(self) -> str:
        """What is asked, and what was typed so far; empty when nothing is asked."""
        of = "(with-current-buffer (window-buffer (active-minibuffer-window)) (buffer-string))"
        return str(self.eval(f'(if (active-minibuffer-window) {of} "")'))

    def messages(self) -> str:
        """The buffer of its messages."""
        return str(self.eval('(with-current-buffer "*Messages*" (buffer-string))'))

    def events(self) -> str:
        """What went over the wire, as eglot has logged it."""
        return self._buffers("events")

    def stderr(self) -> str:
        """The server's standard error."""
        return self._buffers("stderr")

    def _buffers(self, name: str) -> str:
        """Text of eglot's buffers of that name, which are those of its connections."""
        of = f'(and (string-match-p "EGLOT.*{name}" (buffer-name it)) (with-current-buffer it (buffer-string)))'
        return str(self.eval(f'(mapconcat (lambda (it) {of}) (buffer-list) "")'))

    def wait_for_message(self, text: str, *, seconds: float = 50) -> None:
        """Wait until a text stands in its messages."""
        wait_until(f"message {text!r}", lambda: text in self.messages(), seconds=seconds)

    def text(self, path: Path) -> str:
        """Text of the buffer that visits a file."""
        return str(self.eval(f"(with-current-buffer (find-buffer-visiting {quoted(path)}) (buffer-string))"))

    def is_modified(self, path: Path) -> bool:
        """Whether the buffer of a file is changed and not saved."""
        return self.eval(f"(and (buffer-modified-p (find-buffer-visiting {quoted(path)})) t)") is True

    def quit(self) -> None:
        """Leave it, whatever is not saved."""
        self.eval("(progn (run-at-time 0 nil (lambda () (kill-emacs))) t)")
        self._process.wait(20)

    def close(self) -> None:
        """End it if it has not ended."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._reader.join(5)
        with contextlib.suppress(OSError):
            os.close(self._terminal)


StartEmacs = Callable[..., Emacs]
