"""Serve a model: the program that runs in the box, on the listening socket that it is given.

usage: serve.py SOCKET MODEL NAME CONTEXT [--interrupt] [--key KEY]
"""

from __future__ import annotations

import socket
import sys

import uvicorn  # type: ignore[import-not-found]  # these three are in the box alone
from llama_cpp.server.app import create_app  # type: ignore[import-not-found]
from llama_cpp.server.settings import ModelSettings, ServerSettings  # type: ignore[import-not-found]


def main() -> None:
    """Serve until killed."""
    descriptor, model, name, context = sys.argv[1:5]
    app = create_app(
        server_settings=ServerSettings(
            # By default a request that comes while another one is being answered cuts that one off.
            interrupt_requests="--interrupt" in sys.argv,
            api_key=sys.argv[sys.argv.index("--key") + 1] if "--key" in sys.argv else None,
        ),
        model_settings=[ModelSettings(model=model, model_alias=name, n_ctx=int(context), seed=1, verbose=False)],
    )
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    server.run(sockets=[socket.socket(fileno=int(descriptor))])


if __name__ == "__main__":
    main()
