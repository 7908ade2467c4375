from __future__ import annotations

import asyncio
import json
import os
import stat
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from virtual_clock import VirtualClock

from testwright.errors import ReplayMismatch, UsageError
from testwright.models import tape as tape_module
from testwright.models import tape_reading
from testwright.models.keys import Secret, cleaned
from testwright.models.tape import RecordingTape, ReplayTape
from testwright.models.tape_format import SENDER_FIELDS
from testwright.models.values import (
    Chain,
    ChatAnswer,
    ChatRequest,
    Choice,
    Fault,
    FaultKind,
    JsonObject,
    ModelEntry,
    Provider,
    Usage,
)
from testwright.models.words import printable

KEY = "sk-canary-of-this-test-alone"
PROVIDER = Provider(
    name="openrouter",
    base_url="https://service.example/api/v1",
    key_variable="OPENROUTER_API_KEY",
    free_requests_per_day=50,
    speaks_openrouter=True,
)


def entry(name: str) -> ModelEntry:
    return ModelEntry(
        name=name,
        provider=PROVIDER.name,
        cost_per_1m_input=0.0,
        cost_per_1m_output=0.25,
        priority=3,
        status="untested",
        tools=True,
        known_issues=("It is slow.",),
    )


ONE, TWO = entry("vendor/one:free"), entry("vendor/two")
CHAIN = Chain(
    (
        Choice(entry=ONE, provider=PROVIDER, is_taken=True, why="First by priority."),
        Choice(entry=TWO, provider=PROVIDER, is_taken=True, why="Second."),
        Choice(entry=entry("vendor/gone"), provider=PROVIDER, is_taken=False, why="It is gone."),
    )
)


def asked(text: str, **more: Any) -> ChatRequest:
    return ChatRequest(body={"messages": [{"role": "user", "content": text}], **more})


def answer(text: str, model: str = ONE.name) -> ChatAnswer:
    body = {"id": "gen-1", "choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]}
    return ChatAnswer(
        model=model,
        body=body,
        finish_reason="stop",
        usage=Usage(prompt_tokens=3, completion_tokens=4, cost=0.5),
        seconds=2.0,
    )


def ask(outcome: ChatAnswer | Fault, clock: VirtualClock | None = None, seconds: float = 0.0) -> Any:
    async def do() -> ChatAnswer:
        if clock is not None:
            await clock.sleep(seconds)
        if isinstance(outcome, Fault):
            raise outcome
        return outcome

    return do


async def nobody() -> ChatAnswer:
    raise AssertionError("a replay asks nobody")


Step = tuple[ModelEntry, ChatRequest, ChatAnswer | Fault]


async def record(path: Path, steps: list[Step], *, clean: Callable[[str], str] = str) -> RecordingTape:
    tape = RecordingTape.open(path, chain=CHAIN, clock=VirtualClock(), clean=clean, seed=0)
    with closing(tape):
        for who, what, outcome in steps:
            assert await outcome_of(tape.chat(who, what, ask(outcome))) is outcome
    return tape


async def outcome_of(asking: Awaitable[ChatAnswer]) -> ChatAnswer | Fault:
    try:
        return await asking
    except Fault as fault:
        return fault


def same(one: ChatAnswer | Fault, other: ChatAnswer | Fault) -> bool:
    return type(one) is type(other) and asdict(one) == asdict(other)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
# What is never written stands in a test of its own.
objects = st.dictionaries(st.text(max_size=6).filter(lambda name: name not in SENDER_FIELDS), json_values, max_size=4)
shown = st.text().map(printable)  # so the client makes it
numbers = st.floats(min_value=0, allow_nan=False, allow_infinity=False)
usages = st.builds(
    Usage, prompt_tokens=st.integers(0), completion_tokens=st.integers(0), cost=numbers, is_estimated=st.booleans()
)
answers = st.builds(ChatAnswer, model=st.text(), body=objects, finish_reason=st.text(), usage=usages, seconds=numbers)
faults = st.builds(
    Fault,
    kind=st.sampled_from(get_args(FaultKind)),
    words=shown,
    status=st.none() | st.integers(),
    retry_after=st.none() | numbers,
    resets_at=st.none() | numbers,
    provider_name=st.none() | shown,
    usage=st.none() | usages,
    was_sent=st.booleans(),
)
steps = st.tuples(st.sampled_from([ONE, TWO]), st.builds(ChatRequest, body=objects), answers | faults)


@given(st.lists(steps, max_size=6))
async def test_a_replay_gives_what_was_recorded(tmp_path_factory: pytest.TempPathFactory, recorded: list[Step]) -> None:
    path = tmp_path_factory.mktemp("tape") / "run.jsonl"
    await record(path, recorded)
    assert path.exists() is bool(recorded)
    if not recorded:
        return
    tape = ReplayTape.open(path)
    for who, what, outcome in recorded:
        assert same(await outcome_of(tape.chat(who, what, nobody)), outcome)
    assert tape.left == 0
    assert tape.notes == ()


async def test_no_key_and_nobody_who_asks_is_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    request = asked(f"the key is {KEY}", user="ada.lovelace", metadata={KEY: [f"a{KEY}b"]})
    hurt = Fault("bad-key", f"{KEY} is refused", status=401, provider_name=f"x {KEY}")
    told = answer(f"you said {KEY}")
    told = ChatAnswer(**{**asdict(told), "usage": told.usage, "body": {**told.body, "user_id": "user_123"}})
    clean = partial(cleaned, secrets=[Secret(KEY)])
    await record(path, [(ONE, request, hurt), (TWO, request, told)], clean=clean)
    text = path.read_text()
    for word in (KEY, "canary", "lovelace", "user_123", PROVIDER.base_url, "service.example", "OPENROUTER_API_KEY"):
        assert word not in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600

    tape = ReplayTape.open(path)
    # The key of a replay may be another one, or none: what was cleaned is what is compared.
    again = asked("the key is …", user="bob", metadata={"…": ["a…b"]})
    assert (await outcome_of(tape.chat(ONE, again, nobody))).words == "… is refused"  # type: ignore[union-attr]


async def test_the_chain_of_a_replay_is_that_of_the_record(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    await record(path, [(ONE, asked("a"), answer("b"))])
    replay = ReplayTape.open(path)
    assert [choice.entry for choice in replay.chain.taken] == [ONE, TWO]
    assert {choice.provider for choice in replay.chain.taken} == {Provider(name="openrouter", base_url="")}


async def test_the_clock_of_a_replay_moves_as_it_did(tmp_path: Path) -> None:
    path, clock = tmp_path / "run.jsonl", VirtualClock()
    begun = clock.time()
    tape = RecordingTape.open(path, chain=CHAIN, clock=clock, clean=str, seed=0)
    with closing(tape):
        await clock.sleep(100)
        await outcome_of(tape.chat(ONE, asked("a"), ask(Fault("down", "no"), clock, 7.5)))
        await clock.sleep(30)
        await tape.chat(ONE, asked("a"), ask(answer("b"), clock, 1))

    replay = ReplayTape.open(path)
    clock_of_replay = replay.clock
    assert clock_of_replay.time() == begun
    first = clock_of_replay.monotonic()

    def passed() -> float:
        return clock_of_replay.monotonic() - first

    replay.begin()
    assert passed() == pytest.approx(100), "as long as it was before the first question"
    with pytest.raises(Fault):
        await replay.chat(ONE, asked("a"), nobody)
    assert passed() == pytest.approx(107.5)
    await clock_of_replay.sleep(0.25)
    assert passed() == pytest.approx(107.75), "a wait is as long as is told"
    await clock_of_replay.sleep(100)
    assert passed() == pytest.approx(137.5), "but ends when the next request is due"
    await replay.chat(ONE, asked("a"), nobody)
    replay.begin()
    assert passed() == pytest.approx(138.5)
    await asyncio.gather(*(clock_of_replay.sleep(86_400) for _ in range(50)))
    assert clock_of_replay.time() - begun == pytest.approx(86_538.5), "those who wait at the same time wait together"


async def test_the_text_of_an_answer_is_told(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    odd = ChatAnswer(model="m", body={"choices": []}, finish_reason="stop", usage=Usage(), seconds=0)
    await record(path, [(ONE, asked("a"), answer("said")), (ONE, asked("b"), answer("")), (ONE, asked("c"), odd)])
    tape, heard = ReplayTape.open(path), list[str]()
    for text in "abc":
        await tape.chat(ONE, asked(text), nobody, on_text=heard.append)
    assert heard == ["said"]


async def test_requests_of_a_model_are_matched_by_what_they_ask_and_in_order(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    await record(
        path,
        [
            (ONE, asked("a"), Fault("down", "first", status=502)),
            (ONE, asked("a"), answer("second")),
            (TWO, asked("a"), answer("of two")),
            (ONE, asked("b"), answer("third")),
        ],
    )
    tape = ReplayTape.open(path)
    assert tape.left == 4
    assert tape.asked == (ONE.name, TWO.name)
    heard = [
        await outcome_of(tape.chat(who, asked(text), nobody))
        for who, text in [(TWO, "a"), (ONE, "b"), (ONE, "a"), (ONE, "a")]
    ]
    assert [one.words if isinstance(one, Fault) else one.body["choices"][0]["message"]["content"] for one in heard] == [
        "of two",
        "third",
        "first",
        "second",
    ]
    assert tape.left == 0


@pytest.mark.parametrize(
    ("who", "request_", "words"),
    [
        (
            ONE,
            asked("the quick brown fox"),
            'messages[0].content is "the quick brown cat" in the record and "the quick brown fox" now',
        ),
        (ONE, ChatRequest(body={}), "messages is in the record and is not asked now"),
        (ONE, asked("the quick brown cat", tools=[]), "tools is asked now and is not in the record"),
        (ONE, ChatRequest(body={"messages": []}), "messages has 1 entries in the record and 0 now"),
        (
            ONE,
            ChatRequest(body={"messages": [None]}),
            'messages[0] is {"role": "user", "content": "the quick brown cat"} in the record and null now',
        ),
        (TWO, asked("the quick brown cat"), "what is left of it was asked of vendor/one:free"),
    ],
    ids=["text", "missing", "more", "shorter", "type", "model"],
)
async def test_what_was_not_recorded_is_told_with_the_first_difference(
    tmp_path: Path, who: ModelEntry, request_: ChatRequest, words: str
) -> None:
    path = tmp_path / "run.jsonl"
    await record(path, [(ONE, asked("the quick brown cat"), answer("x"))])
    with pytest.raises(ReplayMismatch) as caught:
        await ReplayTape.open(path).chat(who, request_, nobody)
    assert caught.value.message == f"The record has no answer to this request to {who.name}: {words}."
    assert caught.value.next_step


async def test_of_long_texts_the_place_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    await record(path, [(ONE, asked("a" * 500 + "b" + "c" * 500), answer("x"))])
    with pytest.raises(ReplayMismatch) as caught:
        await ReplayTape.open(path).chat(ONE, asked("a" * 500 + "d" + "c" * 500), nobody)
    shown = f'…"{"a" * 30}b{"c" * 29}"…'
    assert f"content is {shown} in the record and {shown.replace('b', 'd')} now." in caught.value.message


async def test_asking_more_often_than_was_recorded_is_told(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    await record(path, [(ONE, asked("a"), answer("x"))])
    tape = ReplayTape.open(path)
    await tape.chat(ONE, asked("a"), nobody)
    with pytest.raises(ReplayMismatch, match="the same was asked before, and less often"):
        await tape.chat(ONE, asked("a"), nobody)
    with pytest.raises(ReplayMismatch, match="all of it was asked already"):
        await tape.chat(ONE, asked("b"), nobody)


async def test_a_record_without_requests_leaves_no_file(tmp_path: Path) -> None:
    tape = RecordingTape.open(tmp_path / "run.jsonl", chain=CHAIN, clock=VirtualClock(), clean=str, seed=0)
    tape.close()
    tape.close()
    assert list(tmp_path.iterdir()) == []
    assert (tape.count, tape.notes) == (0, ())


async def test_what_is_cancelled_is_not_recorded_and_what_came_before_is(tmp_path: Path) -> None:
    path, clock = tmp_path / "run.jsonl", VirtualClock()
    tape = RecordingTape.open(path, chain=CHAIN, clock=clock, clean=str, seed=0)
    await tape.chat(ONE, asked("a"), ask(answer("x")))
    never = asyncio.Event()

    async def waits() -> ChatAnswer:
        await never.wait()
        raise AssertionError("unreachable")

    task = asyncio.ensure_future(tape.chat(ONE, asked("b"), waits))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    tape.close()
    assert tape.count == 1
    assert ReplayTape.open(path).left == 1


async def test_fifty_at_once_are_all_recorded_whole(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    tape = RecordingTape.open(path, chain=CHAIN, clock=VirtualClock(), clean=str, seed=0)
    texts = [f"{number} {'x' * 20_000}" for number in range(50)]
    await asyncio.gather(*(tape.chat(ONE, asked(text), ask(answer(text))) for text in texts))
    tape.close()
    replay = ReplayTape.open(path)
    for text in texts:
        heard = await replay.chat(ONE, asked(text), nobody)
        assert heard.body == answer(text).body


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.write_text("mine"), "exists already"),
        (lambda path: path.mkdir(), "exists already"),
        (lambda path: path.symlink_to("elsewhere"), "exists already"),
        (lambda path: path.parent.rmdir(), "No such file or directory"),
    ],
    ids=["file", "folder", "link", "no folder"],
)
def test_a_record_is_made_in_a_new_file_only(tmp_path: Path, make: Callable[[Path], None], words: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    path = folder / "run.jsonl"
    make(path)
    with pytest.raises(UsageError, match=words) as caught:
        RecordingTape.open(path, chain=CHAIN, clock=VirtualClock(), clean=str, seed=0)
    assert str(path) in caught.value.message
    assert caught.value.next_step
    assert not path.is_file() or path.read_text() == "mine"
    assert not (tmp_path / "elsewhere").exists()


async def test_a_full_disk_costs_no_answer(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    tape = RecordingTape.open(path, chain=CHAIN, clock=VirtualClock(), clean=str, seed=0)
    await tape.chat(ONE, asked("a"), ask(answer("x")))
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, tape._file.fileno())
    os.close(full)
    assert (await tape.chat(ONE, asked("b"), ask(answer("y")))).body == answer("y").body
    tape.close()
    assert tape.notes == (f"The record in {path} is not whole: No space left on device.",)
    assert ReplayTape.open(path).left == 1


async def test_a_record_that_grows_too_large_ends_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tape_module, "MAX_TAPE_BYTES", 4 * 1024**2)
    path = tmp_path / "run.jsonl"
    large = [(ONE, asked(text), answer("x" * 3 * 1024**2)) for text in "ab"]
    tape = await record(path, [*large, (ONE, asked("c"), answer("small"))])
    assert tape.notes == (f"The record in {path} ends before the run does: it would be larger than 4 MiB.",)
    assert ReplayTape.open(path).left == 1, "it has no gap"
    monkeypatch.setattr(tape_reading, "MAX_TAPE_BYTES", 1024**2)
    with pytest.raises(UsageError, match="larger than 1 MiB"):
        ReplayTape.open(path)


async def test_a_record_that_a_crash_cut_off_is_replayed_up_to_there(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    await record(path, [(ONE, asked(text), answer(text)) for text in "ab"])
    data = path.read_bytes()
    last = data.rindex(b"\n", 0, -1) + 1
    for end in (last + 1, (last + len(data)) // 2, len(data) - 1):
        path.write_bytes(data[:end])
        tape = ReplayTape.open(path)
        assert tape.left == 1
        assert tape.notes == (f"{path} is cut off in its last line; it is replayed up to there.",)


def header(**changes: Any) -> bytes:
    return json.dumps({"testwright_tape": 1, "made": 0, "made_by": "testwright 9", "chain": [], **changes}).encode()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is no record of Testwright"),
        (b"\n", "is no record of Testwright"),
        (header(), "is no record of Testwright"),  # a crash in the first line
        (b"\xff\xfe\x00\n", "is no record of Testwright"),
        (b"[]\n", "is no record of Testwright"),
        (b"[" * 100_000 + b"\n", "is no record of Testwright"),
        (b'{"status": "written"}\n', "is no record of Testwright"),
        (
            header(testwright_tape=2) + b"\n",
            "is a record of version 2 (made by testwright 9); this Testwright reads version 1",
        ),
        (header(testwright_tape="1") + b"\n", "is a record of version '1'"),
        (header(made="today") + b"\n", "is damaged in line 1 (made: "),
        (header(chain=[{"entry": {}}]) + b"\n", "is damaged in line 1 (chain.0.entry.name: "),
        (header() + b"\n{}\n", "is damaged in line 2 (provider: Field required)"),
        (header() + b"\n\n", "is damaged in line 2"),
        (
            header() + b"\n" + b'{"provider":"p","model":"m","body":{},"at":0,"until":0}\n',
            "is damaged in line 2 (neither answer nor fault)",
        ),
        (header() + b"\n" + b'{"a":' * 100_000 + b"\n", "is damaged in line 2"),
    ],
    ids=lambda value: None if isinstance(value, bytes) else value[:30],
)
def test_a_file_that_is_no_whole_record_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        ReplayTape.open(path)
    assert words in caught.value.message
    assert str(path) in caught.value.message
    assert caught.value.next_step


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda _: None, "does not exist"),
        (lambda path: path.mkdir(), "is not a regular file"),
        (os.mkfifo, "is not a regular file"),
        (lambda path: path.symlink_to(path.name), "cannot be read|does not exist"),
    ],
    ids=["missing", "folder", "pipe", "loop"],
)
def test_what_is_no_file_is_refused(tmp_path: Path, make: Callable[[Path], None], words: str) -> None:
    path = tmp_path / "run.jsonl"
    make(path)
    with pytest.raises(UsageError, match=words):
        ReplayTape.open(path)


async def test_a_terminal_obeys_nothing_of_a_record(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    evil = "\x1b[2J\u202e"
    await record(path, [(ONE, asked("a"), Fault("down", f"no{evil}", provider_name=evil))])
    path.write_text(
        path.read_text().replace(ONE.name, f"one{evil}".encode("unicode_escape").decode().replace("\\x1b", "\\u001b"))
    )
    tape = ReplayTape.open(path)
    first = tape.chain.taken[0].entry
    assert first.name == "one\\x1b[2J\\u202e"
    with pytest.raises(ReplayMismatch) as caught:
        await tape.chat(first, asked(f"b{evil}"), nobody)
    assert caught.value.message.isprintable()
    fault = await outcome_of(tape.chat(first, asked("a"), nobody))
    assert isinstance(fault, Fault)
    assert (fault.words, fault.provider_name) == ("no\\x1b[2J\\u202e", "\\x1b[2J\\u202e")
    for damage in (header(testwright_tape=9, made_by=evil), header(**{evil: 1})):
        path.write_bytes(damage + b"\n")
        with pytest.raises(UsageError) as refused:
            ReplayTape.open(path)
        assert refused.value.message.isprintable()


async def test_a_body_that_is_no_json_is_recorded_by_its_types(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    body: JsonObject = {"bytes": b"x", "path": Path("x"), "tuple": (1, 2), "text": "\ud800\u2028\n"}
    fault = Fault("bad-request", "no JSON", was_sent=False)
    await record(path, [(ONE, ChatRequest(body=body), fault)])
    assert same(await outcome_of(ReplayTape.open(path).chat(ONE, ChatRequest(body=body), nobody)), fault)
