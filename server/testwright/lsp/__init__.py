"""The language server: "Generate tests" in any editor that speaks the Language Server Protocol.

From the wire inwards:

``streams``, ``transport``, ``protocol``
    Bytes to messages and back; messages to handlers, and what goes wrong to answers.
``server``, ``features/``
    Which feature answers what; one module for each thing that a client can ask for.
``session``
    The state of one client, of which each part has a room of its own: ``capabilities``, ``folders``, ``configuration``,
    ``documents``, ``runs``, ``hints``, ``results``.
``jobs``
    What a run does; it calls the service, which is loaded by the first run and not before.
``progress``, ``delivery``, ``report``
    The service's events, its file and its account, as this client can take them. ``editing`` and ``contents`` change
    what an editor holds.
``additions``, ``rejecting``
    Tests that a run has added: which are out again, and how they get there.
``keeping``
    What outlives the server.
``serving``, ``lifecycle``, ``logs``
    Start, end, and what is written down meanwhile.

Nothing outside this package knows pygls or lsprotocol.
"""
