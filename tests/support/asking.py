"""Short ways to ask a scripted provider."""

from __future__ import annotations

from typing import Any, Literal

from scripted_provider import ScriptedProvider

from testwright.models.client import Endpoint, ProviderClient
from testwright.models.keys import Secret
from testwright.models.values import ChatAnswer, ChatRequest, Fault, ModelEntry

HELLO: dict[str, Any] = {"messages": [{"role": "user", "content": "Hello."}]}
PLENTY = 86_400.0


def entry_of(name: str = "a:free", **fields: Any) -> ModelEntry:
    """A model that costs nothing."""
    facts = {"cost_per_1m_input": 0.0, "cost_per_1m_output": 0.0, "priority": 1, "status": "untested", **fields}
    return ModelEntry(name=name, provider="scripted", **facts)


def endpoint_of(server: ScriptedProvider, key: str | None = None, **fields: Any) -> Endpoint:
    """A scripted provider as the client knows it."""
    return Endpoint(provider=server.provider(**fields), key=None if key is None else Secret(key))


async def ask(
    client: ProviderClient,
    endpoint: Endpoint,
    body: dict[str, Any] | None = None,
    *,
    model: ModelEntry | None = None,
    stream: bool = True,
    time_left: float = PLENTY,
    data_collection: Literal["allow", "deny"] = "allow",
    on_text: Any = None,
) -> ChatAnswer:
    """Ask once."""
    return await client.chat(
        endpoint,
        model or entry_of(),
        ChatRequest(body=HELLO if body is None else body, stream=stream),
        data_collection=data_collection,
        time_left=time_left,
        on_text=on_text,
    )


async def fault_of(client: ProviderClient, endpoint: Endpoint, **fields: Any) -> Fault:
    """Ask once, and be refused."""
    try:
        answer = await ask(client, endpoint, **fields)
    except Fault as fault:
        return fault
    raise AssertionError(f"an answer instead of a fault: {answer}")
