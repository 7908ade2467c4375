"""The models of one run: made ready at the first question, closed with the run, and told of in its account."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Self

from testwright.model import ModelUse
from testwright.models.values import ChatAnswer, ChatRequest, Need, RouterEvent
from testwright.service.account import Account
from testwright.service.job import GenerateRequest, Job

if TYPE_CHECKING:
    from testwright.models.access import Models


class RunModels:
    """An engine's way to the models. A run whose engine asks none loads nothing, and needs neither key nor consent.

    Args:
        account: Gets what was asked, and is told each step.
        job: Whose code it is about.
        request: Names the file that is recorded to, or answered from.
        need: What the engine needs of a model.
        environ: Where keys are looked for.
    """

    def __init__(
        self, account: Account, job: Job, request: GenerateRequest, need: Need, environ: Mapping[str, str]
    ) -> None:
        self._account = account
        self._job = job
        self._request = request
        self._need = need
        self._environ = environ
        self._opening = asyncio.Lock()
        self._stack = AsyncExitStack()
        self._models: Models | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            await self._stack.__aexit__(kind, error, traceback)
        finally:
            if self._models is None:
                self._account.note(_unused(self._request))
            else:
                self._account.models = self._models.uses()
                self._account.note(*self._models.notes)
                if isinstance(error, asyncio.CancelledError):  # it has no report
                    self._account.note(_spent(self._account.models))

    async def ask(self, request: ChatRequest, *, on_text: Callable[[str], None] | None = None) -> ChatAnswer:
        """Get one answer: an engine's ``Ask``.

        Raises:
            ModelError: No answer can be had.
            TestwrightError: The models could not be made ready.
        """
        async with self._opening:
            if self._models is None:
                self._models = await self._open()
        return await self._models.complete(request, on_text=on_text)

    async def _open(self) -> Models:
        open_models = await asyncio.to_thread(_opener)
        opened = open_models(
            self._job.settings,
            self._job.target.workspace,
            environ=self._environ,
            need=self._need,
            on_event=self._tell,
            record=self._request.record,
            replay=self._request.replay,
        )
        return await self._stack.enter_async_context(opened)

    def _tell(self, event: RouterEvent) -> None:
        self._account.progress(event.message, **{**event.data, "event": event.kind, "model": event.model})


def _opener() -> Callable[..., AbstractAsyncContextManager[Models]]:
    # What speaks to providers takes longer to load than an event loop may wait, and most runs need none of it.
    from testwright.models.access import open_models  # noqa: PLC0415

    return open_models


def _spent(uses: Sequence[ModelUse]) -> str:
    """What to tell of a run that was cancelled after it had asked models."""
    count = sum(use.requests for use in uses)
    if not count:
        return ""
    requests = "1 request was" if count == 1 else f"{count} requests were"
    return f"{requests} sent to models before the run was cancelled; `testwright models stats` counts them."


def _unused(request: GenerateRequest) -> str:
    """What to tell of a record that was asked for when no model was asked."""
    if request.record is not None:
        return f"No model was asked, so nothing was recorded in {request.record}."
    if request.replay is not None:
        return f"No model was asked, so nothing was answered from {request.replay}."
    return ""
