"""An editor for tests of the language server: a client that is as capable as real ones are, and strict."""

from lsp_client.client import EditorClient, EditorFactory, RequestFailed, ServerGone
from lsp_client.profiles import EGLOT, FULL, MINIMAL, NEOVIM, PROFILES, VSCODE, Profile

__all__ = [
    "EGLOT",
    "FULL",
    "MINIMAL",
    "NEOVIM",
    "PROFILES",
    "VSCODE",
    "EditorClient",
    "EditorFactory",
    "Profile",
    "RequestFailed",
    "ServerGone",
]
