"""The language server: "Generate tests" in any editor that speaks the Language Server Protocol.

From the wire inwards:

``streams``, ``transport``, ``protocol``
    Bytes to messages and back; messages to handlers, and what goes wrong to answers.
``serving``, ``lifecycle``, ``logs``, ``redaction``, ``crashes``
    Start, end, and what is written down meanwhile, without the value of a key.
``server``, ``features/``
    Which feature answers what; one module for each thing that a client can ask for. ``dispatch`` and ``arguments``
    stand before the commands, ``scopes`` and ``suitability`` say what can be done at a place.
``session``
    The state of one client. Each part of it has a room of its own: ``peer`` and ``capabilities`` the client,
    ``folders`` and ``configuration`` its workspace, ``documents`` what it has open, ``test_places``, ``warnings``,
    ``runs``, ``hints`` and ``results`` what is known. ``watching`` follows the disk.
``launch``, ``runs``, ``jobs``, ``restarting``
    A run from the command that asks for it to its end. ``jobs`` calls the service, which is loaded by the first run
    and not before.
``progress``, ``announcing``, ``endings``
    The service's events, and how a run ended, as this client can take them.
``delivery``, ``editing``, ``contents``, ``additions``, ``rejecting``
    The finished test file on its way to where it belongs, and single tests out of it and back into it.
``accounts``, ``report`` and others, ``markdown``, ``report_files``, ``keeping``
    The account of a run: made, shown, and kept beyond the server's end.
``hints``, ``figures``, ``placed``, ``display``, ``coverage_status``, ``diagnosing``
    What tests cover, beside the text as it is now.
``uris``, ``positions``
    Addresses and columns, as the protocol has them and as Python does.

Nothing outside this package knows pygls or lsprotocol.
"""
