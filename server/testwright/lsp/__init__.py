"""The language server: "Generate tests" in any editor that speaks the Language Server Protocol.

From the wire inwards:

``serving``, ``lifecycle``
    One client from its first byte to its last.
``wire/``
    Bytes to messages and back, and what is written down meanwhile, without the value of a key.
``server``, ``features/``
    Which feature answers what; one module for each thing that a client can ask for. ``dispatch`` and ``arguments``
    stand before the commands.
``session``
    The state of one client; each part of it has a room of its own, and all below.
``client/``
    What the client can do, its folders and settings, and the files that it watches.
``texts/``
    What it has open: text, positions, what is where, and whether it can be tested.
``work/``
    A run from the command that asks for it to its end. ``jobs`` calls the service, which is loaded by the first run
    and not before.
``testfile/``
    The finished test file on its way to where it belongs, and single tests out of it and back into it.
``coverage/``
    What tests cover, beside the text as it is now.
``reports/``
    The account of a run: made, shown, and kept beyond the server's end.

Nothing outside this package knows pygls or lsprotocol.
"""
