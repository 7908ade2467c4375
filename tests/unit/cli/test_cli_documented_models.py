"""The commands about models in the documents, run one after the other as a user would."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scripted_provider import Reply, ScriptedProvider, answer, json_reply, tool_call
from served_provider import served_provider

ROOT = Path(__file__).parents[3]
DOCUMENTS = ("README.md", "docs/models.md")
CALLED = answer(None, tool_calls=[tool_call("report_sum", {"sum": 42})])


def documented(document: str) -> list[list[str]]:
    """Words of the lines in shell blocks that say ``testwright models`` or ``testwright consent``, in order."""
    text = (ROOT / document).read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [shlex.split(line, comments=True) for block in blocks for line in block.splitlines()]
    return [words for words in lines if {"models", "consent"} & set(words[:4]) and "testwright" in words]


class _Anyone(dict[str, Reply]):
    """The same reply for every model."""

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ARG002 - of a dictionary
        return CALLED

    def __contains__(self, key: object) -> bool:
        return True

    def __getitem__(self, key: str) -> Reply:
        return CALLED


@pytest.fixture
def openrouter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedProvider]:
    """The shipped registry, whose OpenRouter is here."""
    root = tmp_path / "shop"
    root.mkdir()
    (root / "pyproject.toml").write_text('[project]\nname = "shop"\n')
    for name in [name for name in os.environ if name.startswith("TESTWRIGHT_") or name.endswith("_MODEL")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TESTWRIGHT_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("TESTWRIGHT_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-canary-of-this-test-alone")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(root)
    with served_provider() as server:
        registry = tmp_path / "registry.yaml"
        registry.write_text(f"version: 1\nproviders:\n  openrouter:\n    base_url: {server.base_url}\n")
        monkeypatch.setenv("TESTWRIGHT_MODEL_REGISTRY", str(registry))
        monkeypatch.setenv("TESTWRIGHT_MODEL_BASE_URL", server.base_url)
        server.serve("/models", json_reply({"data": [{"id": "qwen/qwen3-coder:free"}]}))
        server.serve(
            "/key", json_reply({"data": {"free_model_daily_requests": {"used": 3, "limit": 50, "remaining": 47}}})
        )
        server._always = _Anyone()
        yield server


@pytest.mark.parametrize("document", DOCUMENTS)
def test_each_command_does_what_it_says(
    testwright: Any, openrouter: ScriptedProvider, monkeypatch: pytest.MonkeyPatch, document: str
) -> None:
    commands = documented(document)
    assert len(commands) >= 6
    for words in commands:
        with monkeypatch.context() as patch:
            while "=" in words[0]:
                name, _, value = words.pop(0).partition("=")
                patch.setenv(name, value)
            outcome = testwright(*words[1:])
        told = f"{' '.join(words)}: {outcome}"
        assert "Testwright's own" not in outcome.stderr, told
        is_elsewhere = "TESTWRIGHT_MODEL_BASE_URL" in " ".join(words) or "1143" in outcome.stderr
        assert outcome.code == (3 if is_elsewhere else 0), told
        assert outcome.stdout, told
