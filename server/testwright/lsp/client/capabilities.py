"""What this client can do, read once from ``initialize``. What it has not announced is never sent to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lsprotocol import types
from pygls.capabilities import get_capability


@dataclass(frozen=True, slots=True)
class Client:
    """A client's capabilities, and what it says about itself in ``initializationOptions``.

    Attributes:
        name: As in ``clientInfo``, empty when not told.
        progress: Takes server-created work-done progress.
        apply_edit: Takes ``workspace/applyEdit``.
        document_changes: Takes versioned edits in it.
        edit_metadata: Takes ``metadata`` with it (3.18).
        change_annotations: Takes annotated edits, which can ask for confirmation.
        show_document: Takes ``window/showDocument``.
        configuration: Answers ``workspace/configuration``.
        watched_files: Lets the server register file watchers.
        register_configuration: Lets the server register for ``didChangeConfiguration``.
        action_literals: Takes code actions with kind and title; else only bare commands.
        disabled_actions: Shows ``disabled.reason``.
        lens_refresh: Takes ``workspace/codeLens/refresh``.
        pull_diagnostics: Asks for diagnostics itself, and can be told to ask again; one that cannot would not see what
            a run has found until the next edit.
        push_diagnostics: Takes diagnostics that it has not asked for.
        show_message_request: Shows messages with actions.
        notifications: Takes the notifications ``testwright/...`` (``initializationOptions``); other clients would warn
            of what they do not know.
        reports: Shows the end of a run by itself, from ``testwright/runFinished`` (``initializationOptions``); else the
            server does it with ``window/showMessage``.
        machine_settings: Answers with the user's own settings of machine scope (``settings.MACHINE_SCOPE``), whatever a
            folder's settings say (``initializationOptions``).
        trusted: Whether the user trusts the workspace (``initializationOptions``; true when not told).
    """

    name: str
    progress: bool
    apply_edit: bool
    document_changes: bool
    edit_metadata: bool
    change_annotations: bool
    show_document: bool
    configuration: bool
    watched_files: bool
    register_configuration: bool
    action_literals: bool
    disabled_actions: bool
    lens_refresh: bool
    pull_diagnostics: bool
    push_diagnostics: bool
    show_message_request: bool
    notifications: bool
    reports: bool
    machine_settings: bool
    trusted: bool

    @classmethod
    def of(cls, params: types.InitializeParams) -> Client:
        """Read them."""
        capabilities = params.capabilities
        options = initialization_options(params)

        def has(path: str) -> bool:
            return bool(get_capability(capabilities, path, default=False))

        return cls(
            name=params.client_info.name if params.client_info else "",
            progress=has("window.work_done_progress"),
            apply_edit=has("workspace.apply_edit"),
            document_changes=has("workspace.workspace_edit.document_changes"),
            edit_metadata=has("workspace.workspace_edit.metadata_support"),
            change_annotations=get_capability(capabilities, "workspace.workspace_edit.change_annotation_support")
            is not None,
            show_document=has("window.show_document.support"),
            configuration=has("workspace.configuration"),
            watched_files=has("workspace.did_change_watched_files.dynamic_registration"),
            register_configuration=has("workspace.did_change_configuration.dynamic_registration"),
            action_literals=get_capability(capabilities, "text_document.code_action.code_action_literal_support")
            is not None,
            disabled_actions=has("text_document.code_action.disabled_support"),
            lens_refresh=has("workspace.code_lens.refresh_support"),
            pull_diagnostics=get_capability(capabilities, "text_document.diagnostic") is not None
            and has("workspace.diagnostics.refresh_support"),
            push_diagnostics=get_capability(capabilities, "text_document.publish_diagnostics") is not None,
            show_message_request=get_capability(capabilities, "window.show_message") is not None,
            notifications=options.get("notifications") is True or options.get("reports") is True,
            reports=options.get("reports") is True,
            machine_settings=options.get("machineSettings") is True,
            trusted=options.get("trusted") is not False,
        )


def initialization_options(params: types.InitializeParams) -> Mapping[str, Any]:
    """What the client says about itself; empty when it is no object."""
    options = params.initialization_options
    return options if isinstance(options, Mapping) else {}
