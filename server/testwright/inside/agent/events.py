"""What the SDK tells of the agent's work, as lines for the host.

Events are known by the name of their class and read by attributes, all of which are the same in SDK 1.34 and 1.58.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import PurePath
from typing import Any

from . import lines

Send = Callable[[dict[str, Any]], None]

_CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f]")
_EDITS = {"view": "read", "create": "create", "str_replace": "edit", "insert": "edit", "undo_edit": "undo the edit of"}


class Steps:
    """Tells the host of each step when it begins and when it has ended, and of what the agent says.

    Attributes:
        number: Of the last step, over all rounds.
        error: Code and text of the last error of the conversation, cleared by ``begin_round``.
    """

    def __init__(self, send: Send, workspace: PurePath) -> None:
        self.number = 0
        self.error: tuple[str, str] | None = None
        self._send = send
        self._workspace = workspace
        self._open: dict[str, dict[str, Any]] = {}
        self._before_round = 0

    def begin_round(self) -> None:
        """Count anew."""
        self._before_round = self.number
        self.error = None

    @property
    def in_round(self) -> int:
        """Steps since ``begin_round``."""
        return self.number - self._before_round

    def __call__(self, event: Any) -> None:
        """Take an event, from whatever thread."""
        kind = type(event).__name__
        if kind == "ActionEvent":
            self._begin(event)
        elif kind == "ObservationEvent":
            observation = event.observation
            text = _text(observation.to_llm_content)
            code = getattr(observation, "exit_code", None)
            self._end(event, text, is_error=bool(observation.is_error), exit_code=code)
        elif kind == "AgentErrorEvent":
            self._end(event, event.error, is_error=True, exit_code=None)
        elif kind == "ConversationErrorEvent":
            self.error = (event.code, event.detail)
        elif kind == "MessageEvent" and event.source == "agent":
            self._say(_text(event.llm_message.content))

    def _begin(self, event: Any) -> None:
        self._say(_text(event.thought))
        self.number += 1
        words = _words(event.tool_name, event.action, self._workspace)
        begun = self._open[event.tool_call_id] = lines.step_begins(self.number, event.tool_name, words)
        self._send(begun)
        if event.tool_name == "finish":
            self._say(getattr(event.action, "message", ""))

    def _end(self, event: Any, text: str, *, is_error: bool, exit_code: int | None) -> None:
        begun = self._open.pop(event.tool_call_id, None)
        if begun is None:  # a call that could not be read is told of without having begun
            self.number += 1
            begun = lines.step_begins(self.number, event.tool_name, f"use {event.tool_name} wrongly")
        self._send(lines.step_ended(begun, output=text, is_error=is_error, exit_code=exit_code))

    def _say(self, text: str) -> None:
        if text.strip():
            self._send(lines.said(text.strip()))


def _words(tool: str, action: Any, workspace: PurePath) -> str:
    if action is None:
        return f"use {tool} wrongly"
    command = getattr(action, "command", "")
    if tool == "terminal":
        if getattr(action, "reset", False):
            return "restart the terminal"
        if getattr(action, "is_input", False):
            return f"type {command}"
        first, *others = command.strip().splitlines() or [""]
        return f"run {first}{' …' if others else ''}" if first else "wait for the terminal"
    path = getattr(action, "path", None)
    if isinstance(path, str):
        place = PurePath(path)
        shown = place.relative_to(workspace) if place.is_relative_to(workspace) else place
        return f"{_EDITS.get(command, command)} {shown}"
    return tool


def _text(content: Any) -> str:
    text = "\n".join(part.text for part in content if isinstance(getattr(part, "text", None), str))
    return _CONTROL.sub("", text)
