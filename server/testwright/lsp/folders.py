"""Workspace folders, and which project a file belongs to."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from lsprotocol import types

from testwright.analysis.targets import find_workspace
from testwright.lsp.uris import path_of, uri_of


class Folders:
    """The client's workspace folders; a client may have none.

    Args:
        folders: As the client names them.
    """

    def __init__(self, folders: Iterable[types.WorkspaceFolder]) -> None:
        self._uris: dict[Path, str] = {}
        self._roots: dict[Path, Path] = {}
        self.change(folders, ())

    @classmethod
    def of(cls, params: types.InitializeParams) -> Folders:
        """Those of ``initialize``; older clients name one root."""
        folders = params.workspace_folders
        if not folders:
            uri = params.root_uri or (uri_of(Path(params.root_path)) if params.root_path else None)
            folders = [types.WorkspaceFolder(uri, "")] if uri else []
        return cls(folders)

    def change(self, added: Iterable[types.WorkspaceFolder], removed: Iterable[types.WorkspaceFolder]) -> None:
        """Take folders in and out."""
        for folder in removed:
            if (path := path_of(folder.uri)) is not None:
                self._uris.pop(path, None)
        for folder in added:
            if (path := path_of(folder.uri)) is not None:
                self._uris[path] = folder.uri
        self.forget_roots()

    @property
    def paths(self) -> tuple[Path, ...]:
        """The folders, as the client names them."""
        return tuple(self._uris)

    def uri_of(self, path: Path) -> str | None:
        """Address of the innermost folder that holds a file, as the client wrote it; None when none does."""
        holding = [folder for folder in self._uris if path.is_relative_to(folder)]
        return self._uris[max(holding, key=lambda folder: len(folder.parts))] if holding else None

    def root_of(self, path: Path) -> Path:
        """Root of the project that a file belongs to: the nearest one at or below its workspace folder.

        A folder of several projects thus has several roots. Without a folder it is what the command line takes.

        Returns:
            Absolute, resolved.
        """
        known = self._roots.get(path.parent)
        if known is None:
            known = self._roots[path.parent] = self._find(path)
        return known

    def forget_roots(self) -> None:
        """Look again: a file that marks a root has come or gone."""
        self._roots.clear()

    def _find(self, path: Path) -> Path:
        root = find_workspace(path)
        holding = [folder.resolve() for folder in self._uris if path.is_relative_to(folder)]
        if not holding or any(root.is_relative_to(folder) for folder in holding):
            return root
        return max(holding, key=lambda folder: len(folder.parts))
