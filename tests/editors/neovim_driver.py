"""Neovim without a screen, driven through its own remote expressions."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from processes import children
from waiting import wait_until

RECORDER = Path(__file__).with_name("recorder.lua")

ANSWER_SECONDS = 20.0
"""For one expression; Neovim answers within milliseconds unless it waits for a key."""


class Neovim:
    """A running Neovim with a user's configuration.

    Args:
        program: Neovim.
        config: Text of the user's ``init.lua``.
        private: Folder for all that it writes.
        environment: Its whole environment.
        cwd: Where it is started.
    """

    def __init__(self, program: Path, config: str, private: Path, environment: Mapping[str, str], cwd: Path) -> None:
        self._program = program
        self._private = private
        self._socket = private / "socket"
        self._output = private / "neovim.out"
        (private / "config" / "nvim").mkdir(parents=True)
        (private / "config" / "nvim" / "init.lua").write_text(config, encoding="utf-8")
        folders = {f"XDG_{name.upper()}_HOME": str(private / name) for name in ("config", "data", "state", "cache")}
        self._environment = {**environment, **folders, "NVIM_LOG_FILE": str(private / "nvim.log")}
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                [str(program), "--headless", "--listen", str(self._socket), "--cmd", f"luafile {RECORDER}"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=cwd,
                env=self._environment,
            )

    def wait_until_ready(self) -> None:
        """Wait until it takes expressions."""
        # The socket is there a moment before Neovim listens.
        wait_until("answer of Neovim's", lambda: self._expression("1").returncode == 0, seconds=20)

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    @property
    def log(self) -> str:
        """What it logged of the protocol, the server's standard error included, and what it printed."""
        paths = (self._private / "state" / "nvim" / "lsp.log", self._output)
        return "\n".join(path.read_text("utf-8", "replace") for path in paths if path.exists())

    def lua(self, code: str, *arguments: object) -> Any:
        """Run Lua in it; ``...`` are the arguments, and what it returns comes back."""
        script = self._private / "expression.lua"
        script.write_text(code, encoding="utf-8")
        passed = json.dumps(json.dumps(arguments))
        call = f"vim.json.encode({{loadfile('{script}')(unpack(vim.json.decode(_A)))}})"
        ended = self._expression(f'luaeval("{call}", {passed})')
        assert ended.returncode == 0, ended.stderr
        values = json.loads(ended.stdout)
        return values[0] if values else None

    def _expression(self, expression: str) -> subprocess.CompletedProcess[str]:
        """Evaluate a Vim expression in it."""
        return subprocess.run(
            [str(self._program), "--server", str(self._socket), "--remote-expr", expression],
            env=self._environment,
            capture_output=True,
            encoding="utf-8",
            errors="replace",  # a wrong edit may have left bytes that are no text
            timeout=ANSWER_SECONDS,
            check=False,
        )

    def edit(self, path: Path) -> None:
        """Open a file, and wait until the server has it."""
        self.lua("vim.cmd.edit(...)", str(path))
        attached = "return #vim.lsp.get_clients({ bufnr = 0, name = 'testwright' })"
        wait_until("server for the buffer", lambda: self.lua(attached), seconds=20)

    def place_cursor(self, text: str) -> None:
        """Put the cursor on the first occurrence of a text in the current buffer."""
        assert self.lua("return vim.fn.search('\\\\V' .. ..., 'cw')", text) > 0, text

    def titles(self) -> list[str]:
        """Titles of the code actions at the cursor."""
        self.lua(
            """
            testwright_titles = nil
            vim.lsp.buf.code_action({ filter = function(action)
              testwright_titles = testwright_titles or {}
              table.insert(testwright_titles, action.title)
              return false
            end })
            """
        )
        found = wait_until("code action", lambda: self.lua("return testwright_titles"), seconds=10)
        assert isinstance(found, list)
        return found

    def choose(self, title: str) -> None:
        """Choose the code action of that title at the cursor."""
        self.lua(
            """
            local title = ...
            vim.lsp.buf.code_action({ filter = function(action) return action.title == title end, apply = true })
            """,
            title,
        )

    def progress(self, kind: str | None = None) -> list[dict[str, Any]]:
        """The progress that was shown, of one kind or all: ``begin``, ``report``, ``end``."""
        seen = self.lua("return testwright_seen.progress")
        return [value for value in seen if kind in (None, value["kind"])]

    def messages(self) -> list[str]:
        """The messages that the server has shown."""
        return [message["message"] for message in self.lua("return testwright_seen.messages")]

    def wait_for_end(self, *, seconds: float = 50) -> dict[str, Any]:
        """Wait for the end of a progress, and give it."""
        return wait_until("end of the progress", lambda: self.progress("end"), seconds=seconds)[-1]

    def wait_for_message(self, pattern: str, *, seconds: float = 10) -> str:
        """Wait for a message that a pattern is found in."""
        return wait_until(
            f"message {pattern!r}",
            lambda: next((text for text in self.messages() if re.search(pattern, text)), ""),
            seconds=seconds,
        )

    def text(self, path: Path) -> str:
        """Text of the buffer that shows a file, as it would be saved."""
        text = self.lua(
            """
            local buffer = vim.fn.bufnr(...)
            if buffer < 0 then return vim.NIL end
            local last = vim.bo[buffer].endofline and '\\n' or ''
            return table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, true), '\\n') .. last
            """,
            str(path),
        )
        assert isinstance(text, str), f"{path} is in no buffer"
        return text

    def is_modified(self, path: Path) -> bool:
        """Whether the buffer of a file is changed and not saved."""
        return self.lua("return vim.bo[vim.fn.bufnr(...)].modified", str(path)) is True

    def append(self, path: Path, text: str) -> None:
        """Type lines at the end of the buffer of a file, without saving."""
        self.lua(
            """
            local path, lines = ...
            vim.api.nvim_buf_set_lines(vim.fn.bufnr(path), -1, -1, true, lines)
            """,
            str(path),
            text.removesuffix("\n").split("\n"),
        )

    def undo(self, path: Path, *, redo: bool = False) -> None:
        """Undo, or redo, one step in the buffer of a file."""
        code = "local path, command = ...; vim.api.nvim_buf_call(vim.fn.bufnr(path), function() vim.cmd(command) end)"
        self.lua(code, str(path), "redo" if redo else "undo")

    def undo_step(self, path: Path) -> int:
        """Number of the undo step at which the buffer of a file is."""
        code = "return vim.fn.undotree(vim.fn.bufnr(...)).seq_cur"
        step = self.lua(code, str(path))
        assert isinstance(step, int)
        return step

    def lenses(self) -> set[tuple[int, str]]:
        """Code lenses that are drawn in the current buffer: line, counted from 0, and title."""
        marks = self.lua("return vim.api.nvim_buf_get_extmarks(0, -1, 0, -1, { details = true })")
        return {
            (line, text)
            for _, line, _, details in marks
            for text, _ in details.get("virt_text", [])
            if text.strip(" |")
        }

    def diagnostics(self, path: Path) -> list[dict[str, Any]]:
        """Diagnostics of the buffer of a file: where they come from, their code, and the name of their severity."""
        found = self.lua(
            """
            return vim.tbl_map(function(one)
              return { source = one.source, code = one.code, severity = vim.diagnostic.severity[one.severity] }
            end, vim.diagnostic.get(vim.fn.bufnr(...)))
            """,
            str(path),
        )
        assert isinstance(found, list)
        return found

    def shown(self) -> list[str]:
        """Files that are shown in a window."""
        names = self.lua(
            """
            return vim.tbl_map(function(window)
              return vim.api.nvim_buf_get_name(vim.api.nvim_win_get_buf(window))
            end, vim.api.nvim_list_wins())
            """
        )
        assert isinstance(names, list)
        return names

    @property
    def server(self) -> int:
        """The language server's process."""
        (found,) = children(self.pid)
        return found

    def quit(self) -> None:
        """Leave it, whatever is not saved."""
        self.lua("vim.schedule(function() vim.cmd('qall!') end)")
        self._process.wait(20)

    def close(self) -> None:
        """End it if it has not ended."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


StartNeovim = Callable[..., Neovim]
