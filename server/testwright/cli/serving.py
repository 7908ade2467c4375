"""``testwright lsp``: the language server in this process."""

from __future__ import annotations

import gc
import re
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from testwright.lsp.wire.logs import Format, Level

_ADDRESS = re.compile(r"(?:(?P<host>\[[0-9a-fA-F:.]+\]|[^:\s]*):)?(?P<port>\d{1,5})")


def serve(tcp: str | None, level: Level, log_format: Format, client_process: int | None) -> int:
    """Serve one client, and return the exit code.

    Args:
        tcp: ``HOST:PORT`` or ``PORT`` to listen on; None for standard input and output.
        level: Of the log on standard error.
        log_format: Of that log.
        client_process: The client's process, should it not say so itself.

    Raises:
        UsageError: The streams are no pipes, or the port cannot be had.
    """
    if tcp is not None:
        match = _ADDRESS.fullmatch(tcp)
        if match is None or int(match["port"]) > 65535:
            raise click.UsageError(f"--tcp {tcp} is no address. Write it as 127.0.0.1:7000, or 0 for a free port.")
        _look_for_little_garbage()
        from testwright.lsp.serving import serve_port  # noqa: PLC0415
        from testwright.lsp.wire.logs import LogSettings  # noqa: PLC0415

        host = (match["host"] or "127.0.0.1").strip("[]")
        return serve_port(host, int(match["port"]), LogSettings(level, log_format), client_process)

    from testwright.lsp.wire.transport import claim_standard_streams  # noqa: PLC0415

    streams = claim_standard_streams()  # before anything else is imported that might print
    _look_for_little_garbage()
    from testwright.lsp.serving import serve_standard_streams  # noqa: PLC0415
    from testwright.lsp.wire.logs import LogSettings  # noqa: PLC0415

    return serve_standard_streams(streams, LogSettings(level, log_format), client_process)


def _look_for_little_garbage() -> None:
    """Look only through what is new while modules are imported, which stay.

    Looking through all that was imported so far, again and again, takes an eighth of the start and finds nothing; not
    to look at all would leave the server a quarter larger. The server goes back to Python's own thresholds when it
    has all that it needs.
    """
    gc.set_threshold(5000, 1000, 1000)
