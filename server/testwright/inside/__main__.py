"""Entry of every program of ours in a box.

Started as ``python -c "import sys; sys.path.insert(0, LIB); import testwright_inside.__main__ as m; m.main()"`` by
``testwright.boxes.session``, where LIB holds a copy of this package under the name ``testwright_inside`` (so that the
server's own package is never imported in a box). The request is one JSON object on standard input:

``task``
    Name of the module in this package whose ``run(request, channel)`` does the work.
``library``
    LIB, to be taken off ``sys.path`` again.
``import_roots``
    Folders put first on ``sys.path``.
``overlay``
    Folder with pytest and coverage, put last on ``sys.path``: the project's own packages win.
"""

from __future__ import annotations

import importlib
import sys

from .channel import Channel


def main() -> None:
    """Run the task of the request."""
    channel, request = Channel.take()
    library = request["library"]
    roots = list(request["import_roots"])
    rest = [entry for entry in sys.path if entry not in ("", library) and entry not in roots]
    sys.path[:] = [*roots, *rest, request["overlay"]]
    task = importlib.import_module("." + request["task"], __package__)
    task.run(request, channel)
