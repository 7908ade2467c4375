"""One conversation of the SDK, in rounds.

The SDK looks into its working folder for skills, plug-ins with hooks, MCP servers and agents of the repository, and
obeys or starts what it finds; that cannot be switched off. It looks once, at the first message. So the working folder
is empty then, and gets the user's files only afterwards: to the agent, all of them are data.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from openhands.sdk import LLM, Agent, Conversation, Tool  # type: ignore[import-not-found]
from openhands.tools.file_editor import FileEditorTool  # type: ignore[import-not-found]
from openhands.tools.terminal import TerminalTool  # type: ignore[import-not-found]

from . import lines
from .agreed_file import read_agreed
from .endpoint import MODEL, Endpoint
from .events import Steps
from .pipe import Pipe
from .questions import Questions

ANSWER_SECONDS = 24 * 3600  # how long an answer may take is the host's to decide
TOOLS_A_REQUEST = 4  # more tool calls than this for each request of a round, and the agent is running wild


class Rounds:
    """Runs rounds of one conversation."""

    def __init__(self, header: dict[str, Any], unpacked: Path, workspace: Path, pipe: Pipe) -> None:
        """Make the agent ready.

        Args:
            header: The first line.
            unpacked: The user's files.
            workspace: Where they go; made here.
            pipe: To the host.
        """
        self._header = header
        self._unpacked = unpacked
        self._workspace = workspace
        self._pipe = pipe
        self._steps = Steps(self._tell, workspace)
        self._questions = Questions(pipe.ask, header["max_steps"], header.get("max_input_tokens"))
        self._endpoint = Endpoint(self._questions)
        self._endpoint.start()
        workspace.mkdir()
        self._conversation = self._open()

    def run(self, text: str) -> None:
        """Run one round, and tell of the file and of how it ended."""
        self._questions.begin_round()
        self._steps.begin_round()
        problem = ""
        try:
            self._conversation.send_message(text)
            self._put_files_in_place()
            self._conversation.run()
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
        status, detail = self._ended(problem)
        self._pipe.send(lines.file(*self._file()))
        self._pipe.send(lines.round_end(status, detail, self._steps.in_round))

    def close(self) -> None:
        """End the conversation and its terminal."""
        self._conversation.close()
        self._endpoint.stop()

    def _open(self) -> Any:
        header = self._header
        llm = LLM(
            model=f"openai/{MODEL}",
            base_url=self._endpoint.base_url,
            api_key=self._endpoint.token,
            usage_id="agent",
            num_retries=0,
            timeout=ANSWER_SECONDS,
            native_tool_calling=header.get("tool_calling", True),
            max_output_tokens=header.get("max_output_tokens"),
            disable_vision=True,
            caching_prompt=False,
        )
        agent = Agent(
            llm=llm,
            tools=[
                Tool(name=TerminalTool.name, params={"terminal_type": "subprocess"}),
                Tool(name=FileEditorTool.name),
            ],
            include_default_tools=["FinishTool", "ThinkTool"],
            system_prompt=header.get("system"),
            system_prompt_kwargs={"cli_mode": True},
        )
        return Conversation(
            agent=agent,
            workspace=str(self._workspace),
            callbacks=[self._steps],
            max_iteration_per_run=header["max_steps"],
            stuck_detection=True,
            visualizer=None,
        )

    def _put_files_in_place(self) -> None:
        for entry in sorted(self._unpacked.iterdir()) if self._unpacked.is_dir() else ():
            entry.replace(self._workspace / entry.name)

    def _tell(self, line: dict[str, Any]) -> None:
        self._pipe.send(line)
        if self._steps.in_round > TOOLS_A_REQUEST * self._header["max_steps"]:
            self._conversation.pause()

    def _file(self) -> tuple[bytes | None, str | None]:
        return read_agreed(self._workspace, self._header["test_path"], self._header["file_limit"])

    def _ended(self, problem: str) -> tuple[str, str]:
        """Status and detail of the round. What the host refused comes first: all else follows from it."""
        refusal = self._questions.refusal
        if refusal is not None:
            return "max-steps" if refusal.slug == "max-steps" else "refused", refusal.message
        if problem:
            return "error", problem
        status = str(self._conversation.state.execution_status.value)
        code, detail = self._steps.error or ("", "")
        if status in ("finished", "stuck"):
            return status, detail
        if status == "paused" or code == "MaxIterationsReached":
            return "max-steps", detail
        return "error", f"{code}: {detail}" if code else f"The conversation has ended as {status}."
