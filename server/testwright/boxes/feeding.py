"""The standard input of a start: given whole, or kept open and written to while the program runs."""

from __future__ import annotations

import asyncio
import contextlib

from testwright.boxes.protocol import Command
from testwright.errors import BoxFailure

_LOST = (BrokenPipeError, ConnectionResetError)


class Input:
    """What is written to a program, with the pipe's own backpressure."""

    def __init__(self, writer: asyncio.StreamWriter | None, command: Command) -> None:
        """Hand over the beginning, so that all that is sent comes after it.

        Args:
            writer: The pipe's end.
            command: Says what is written first, and whether more will be.
        """
        self._writer = writer
        self._interactive = command.interactive
        self._one_at_a_time = asyncio.Lock()
        self._abandoned = False
        if writer is not None:
            writer.write(command.stdin)

    async def feed(self) -> None:
        """Write the beginning, and close the input unless more may come."""
        if self._writer is None:
            return
        with contextlib.suppress(*_LOST):  # a program need not read its input
            await self._writer.drain()
            if not self._interactive:
                self._writer.close()
                await self._writer.wait_closed()

    async def send(self, data: bytes) -> None:
        """Write more; returns when the pipe has taken all but what its buffer holds.

        Raises:
            BoxFailure: The program has ended, is being killed or has closed its input, or we have.
        """
        async with self._one_at_a_time:
            if self._writer is None or not self._interactive or self._writer.is_closing() or self._abandoned:
                raise self._closed()
            self._writer.write(data)
            try:
                await self._writer.drain()
            except _LOST as error:
                raise self._closed() from error
            if self._abandoned:
                raise self._closed()

    async def close(self) -> None:
        """End the input after what was sent."""
        if self._writer is not None:
            self._writer.close()

    def abandon(self) -> None:
        """Throw away what was not yet written; whoever waits to write is told."""
        self._abandoned = True
        if self._writer is not None:
            pipe = self._writer.transport
            if not pipe.is_closing() or pipe.get_write_buffer_size() > 0:  # else it is over already, or about to be
                pipe.abort()

    def _closed(self) -> BoxFailure:
        if self._abandoned:
            return BoxFailure("The program in the box has ended, so nothing can be sent to it.", next_step="Run again.")
        return BoxFailure("The program in the box takes no more input.", next_step="Run again.")
