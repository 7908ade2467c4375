"""What real clients announce, as they announce it.

``vscode``
    vscode-languageclient 11.0.0: its own ``computeClientCapabilities()``, called under Node with an empty ``vscode`` module.
``neovim``
    Neovim 0.11.4: ``vim.lsp.protocol.make_client_capabilities()``.
``eglot``
    eglot 1.9: ``eglot-client-capabilities`` in its source, for a file that is not remote. No progress, no code lens, no
    ``disabled``; it breaks on an edit with ``metadata``.
``minimal``
    The least with which the whole job can be done: code actions and plain edits, in UTF-32.
``full``
    All that the language server can make use of, in UTF-8.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "announced"


@dataclass(frozen=True, slots=True)
class Profile:
    """A client.

    Attributes:
        name: As in ``clientInfo``.
        capabilities: As in ``initialize``.
    """

    name: str
    capabilities: dict[str, Any]

    def has(self, *path: str) -> bool:
        """Whether a capability is announced: true, or an object."""
        value: Any = self.capabilities
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        return value is not None and value is not False

    def can_register(self, method: str) -> bool:
        """Whether the server may register for a method later."""
        section, _, name = method.partition("/")
        return self.has(section, name, "dynamicRegistration")


def _read(name: str) -> Profile:
    return Profile(name, json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")))


VSCODE = _read("vscode")
NEOVIM = _read("neovim")
EGLOT = _read("eglot")
MINIMAL = _read("minimal")


def _full() -> Profile:
    capabilities = copy.deepcopy(VSCODE.capabilities)
    capabilities["general"]["positionEncodings"] = ["utf-8", "utf-16", "utf-32"]
    return Profile("full", capabilities)


FULL = _full()
PROFILES = (FULL, VSCODE, NEOVIM, EGLOT, MINIMAL)
