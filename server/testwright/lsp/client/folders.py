"""Workspace folders, and which project a file belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from lsprotocol import types

from testwright.analysis.targets import find_workspace
from testwright.lsp.texts.uris import path_of, uri_of


class Folders:
    """The client's workspace folders; a client may have none.

    Args:
        folders: As the client names them.
    """

    def __init__(self, folders: Iterable[types.WorkspaceFolder]) -> None:
        self._uris: dict[Path, str] = {}
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
        uris = dict(self._uris)  # a new one, since threads may be reading the other
        for folder in removed:
            if (path := path_of(folder.uri)) is not None:
                uris.pop(path, None)
        for folder in added:
            if (path := path_of(folder.uri)) is not None:
                uris[path] = folder.uri
        self._uris = uris

    @property
    def paths(self) -> tuple[Path, ...]:
        """The folders, as the client names them."""
        return tuple(self._uris)

    @property
    def uris(self) -> tuple[str, ...]:
        """Their addresses, as the client wrote them."""
        return tuple(self._uris.values())

    def uri_of(self, path: Path) -> str | None:
        """Address of the innermost folder that holds a file, as the client wrote it; None when none does."""
        folder = self._holding(path)
        return None if folder is None else self._uris[folder]

    def path_of(self, uri: str | None) -> Path | None:
        """The folder of that address; None when there is none."""
        return next((path for path, own in self._uris.items() if own == uri), None)

    def named_by_client(self, paths: Iterable[Path]) -> Iterator[tuple[Path, Path]]:
        """Those of some files that are in a folder, each with its path as the client would write it.

        Args:
            paths: Absolute, resolved.
        """
        folders = sorted(((folder.resolve(), folder) for folder in self._uris), key=lambda pair: -len(pair[0].parts))
        for path in paths:
            for resolved, folder in folders:
                if path.is_relative_to(resolved):
                    yield path, folder / path.relative_to(resolved)
                    break

    def root_of(self, path: Path) -> Path:
        """Root of the project that a file belongs to: the nearest one at or below its workspace folder.

        A folder of several projects thus has several roots. A folder that is a package is no project's root, whatever
        the client calls it: eglot without a repository names the folder of the file. Its project is looked for above,
        as the command line does, and as for a file without a folder. It is looked for each time, which takes a tenth of
        a millisecond, since what marks a root may come and go.

        Returns:
            Absolute, resolved.
        """
        root = find_workspace(path)
        folder = self._holding(path)
        if folder is None:
            return root
        resolved = folder.resolve()
        is_package = (resolved / "__init__.py").is_file()
        return root if is_package or root.is_relative_to(resolved) else resolved

    def _holding(self, path: Path) -> Path | None:
        """The innermost folder that holds a file, by its name or by where its name leads."""
        holding = [folder for folder in self._uris if path.is_relative_to(folder)]
        if not holding and self._uris:
            resolved = path.resolve()
            holding = [folder for folder in self._uris if resolved.is_relative_to(folder.resolve())]
        return max(holding, key=lambda folder: len(folder.parts), default=None)
