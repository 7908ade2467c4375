"""Whether a text is a tool call that the server has not recognised as one. Pure.

Each form is what some family of models writes, and what servers look for when they are set up for it (names of vLLM's
``--tool-call-parser``): ``<tool_call>`` of Hermes, Qwen and GLM, ``<function=…>`` of Qwen3-Coder and Llama,
``[TOOL_CALLS]`` of Mistral, the special tokens of DeepSeek and Kimi, ``<invoke name="…">``, and an object with name and
arguments of Llama, alone or in a fence. A tool that was offered must be named, and the call must stand where a model
would call: prose about a tool, an example in the middle of an explanation and code in a fence are none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Set as AbstractSet
from typing import Any

# Quantifiers that give nothing back wherever two of them could share the same characters: a model, or who writes what
# it reads, may send a hundred thousand of those.
_FENCE = re.compile(r"^(`{3,}+|~{3,}+)[ \t]*+([\w+-]*+)[^\n]*+\n(.*?)(?:^\1[ \t]*+$|\Z)", re.MULTILINE | re.DOTALL)
_CALL_FENCES = frozenset({"", "json", "xml", "tool_call", "tool_code"})
"""Languages of fences in which a call may stand; others hold code, which may have anything in it."""
_MARKED = (
    re.compile(
        r'^[ \t]*<tool_call>\s*(?:\{\s*"name"\s*:\s*"([\w.-]+)"|<function=([\w.-]+)>|([\w.-]++)\s*+<arg_key>)',
        re.MULTILINE,
    ),
    re.compile(r"^[ \t]*<function=([\w.-]+)>\s*(?:\{|<parameter=|</function>)", re.MULTILINE),
    re.compile(r'^[ \t]*<invoke name="([\w.-]+)">', re.MULTILINE),
    re.compile(r'\[TOOL_CALLS\]\s*(?:\[\s*\{\s*"name"\s*:\s*"([\w.-]+)"|([\w.-]++)\s*+(?:\[ARGS\]\s*+)?\{)'),
    re.compile(r'<\|python_tag\|>\s*\{\s*"name"\s*:\s*"([\w.-]+)"'),
    re.compile(r"<\|tool_call_begin\|>\s*(?:functions\.)?([\w.-]+?)(?::\d+)?\s*<\|tool_call_argument_begin\|>"),
    re.compile(r"<｜tool▁call▁begin｜>(?:function<｜tool▁sep｜>)?([\w.-]+)"),  # noqa: RUF001 - DeepSeek's own tokens
    re.compile(r'<｜DSML｜invoke name="([\w.-]+)"'),  # noqa: RUF001 - the same
)
_ARGUMENTS = frozenset({"arguments", "parameters"})
_BESIDE = frozenset({"name", "type", "id"})


def call_in_text(text: str, offered: AbstractSet[str]) -> str | None:
    """The tool that a text calls; None when it calls none.

    Args:
        text: What a model has said in a message without tool calls.
        offered: Names of the tools that it was offered.
    """
    prose = _FENCE.sub(lambda fence: fence[3] if fence[2].lower() in _CALL_FENCES else "", text)
    for form in _MARKED:
        for match in form.finditer(prose):
            name = next(group for group in match.groups() if group is not None)
            if name in offered:
                return name
    return _object_at_end(text, offered)


def _object_at_end(text: str, offered: AbstractSet[str]) -> str | None:
    """The tool that an object names which is all of the text, or stands in a fence with nothing after it."""
    stripped = text.strip()
    candidates = [stripped]
    fences = list(_FENCE.finditer(stripped))
    if fences and fences[-1].end() == len(stripped) and fences[-1][2].lower() in _CALL_FENCES:
        candidates.append(fences[-1][3])
    for candidate in candidates:
        try:
            found = json.loads(candidate)
        except (ValueError, RecursionError):
            continue
        calls = found if isinstance(found, list) else [found]
        names = [_name_of(call) for call in calls]
        if names and all(name in offered for name in names):
            return names[0]
    return None


def _name_of(call: Any) -> str | None:
    """The name in an object that is a call and nothing else."""
    if not isinstance(call, dict):
        return None
    if isinstance(call.get("function"), dict) and call.keys() <= {"function", "type", "id"}:
        call = call["function"]
    arguments = call.keys() & _ARGUMENTS
    if len(arguments) != 1 or not call.keys() <= _BESIDE | _ARGUMENTS:
        return None
    name = call.get("name")
    value = call[arguments.pop()]
    return name if isinstance(name, str) and isinstance(value, dict | str) else None
