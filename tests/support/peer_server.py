"""A real server of models in bubblewrap: it holds one listening socket of loopback, and has no network besides."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sandbox import Mounts, bwrap_arguments

from testwright.models.access import Models

PROGRAM = Path(__file__).parents[1] / "peer" / "serve.py"
MODEL = "smollm2"
CONTEXT = 1024
"""Tokens, of the 8,192 that the model could take: what exceeds it is quicker to make."""


@dataclass(frozen=True, slots=True)
class Installed:
    """What .ci/install-models has installed.

    Attributes:
        site: Folder with the server and what it needs.
        model: The model's file.
    """

    site: Path
    model: Path

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Installed | None:
        """What the variable ``PEER`` names: the lines that .ci/install-models prints."""
        named = dict(line.partition("=")[::2] for line in environ.get("PEER", "").splitlines())
        if not named:
            return None
        (model,) = Path(named["model"]).rglob("*.gguf")
        return cls(Path(named["site"]), model)


class PeerServer:
    """The server, as a context manager. Requests wait in the socket's queue until it is ready.

    Args:
        installed: Its files.
        log: Where its output goes.
        interrupts: Whether a request that comes while another one is being answered cuts that one off, as it does when
            nobody says otherwise.
        key: What it wants as a key; None: it wants none.
    """

    def __init__(self, installed: Installed, log: Path, *, interrupts: bool = False, key: str | None = None) -> None:
        self.log = log
        self._installed = installed
        self._options = [*(["--interrupt"] if interrupts else []), *(["--key", key] if key is not None else [])]
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.base_url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/v1"
        self._process: subprocess.Popen[bytes] | None = None
        self._inside = 0

    def __enter__(self) -> Self:
        site, model = self._installed.site, self._installed.model
        mounts = Mounts(read_only=(Path(sys.base_prefix), site, model, PROGRAM))
        box = bwrap_arguments(mounts, {"PYTHONPATH": str(site), "PYTHONUNBUFFERED": "1"}, Path("/tmp"))
        descriptor = self._socket.fileno()
        program = [os.path.realpath(sys.executable), str(PROGRAM), str(descriptor), str(model), MODEL, str(CONTEXT)]
        told, tells = os.pipe()
        with self.log.open("ab") as output, os.fdopen(told, "rb") as information:
            self._process = subprocess.Popen(
                [box[0], "--info-fd", str(tells), *box[1:], *program, *self._options],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=[descriptor, tells],
            )
            os.close(tells)
            self._inside = json.load(information)["child-pid"]
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._socket.close()

    def kill(self) -> None:
        """End it at once, in the middle of whatever it does. Its port refuses connections from then on."""
        if self._process is not None:
            # The first process of the namespace takes all the others with it. (bubblewrap would, too, but not when it is
            # killed before it has said so to the kernel.)
            with suppress(ProcessLookupError):
                os.kill(self._inside, signal.SIGKILL)
            self._process.wait(30)
            self._process = None
        # Otherwise connections would be made, and wait for a server that never comes.
        self._socket.close()


Start = Callable[..., PeerServer]
Open = Callable[..., AbstractAsyncContextManager[Models]]
