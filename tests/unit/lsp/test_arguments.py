"""What commands take is read field by field, and what is wrong is said without being shown."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from lsprotocol import types

from testwright.lsp.features.arguments import (
    CancelArguments,
    Fields,
    GenerateArguments,
    JudgeArguments,
    NoArguments,
    RefreshArguments,
    WrongArgument,
)

COMMAND = "testwright.generateTests"
RANGE = {"start": {"line": 3, "character": 0}, "end": {"line": 4, "character": 2}}


def params(*arguments: Any, token: int | str | None = None) -> types.ExecuteCommandParams:
    return types.ExecuteCommandParams(COMMAND, list(arguments), work_done_token=token)


def read(given: Any) -> GenerateArguments:
    fields = Fields.of_command(params(given))
    found = GenerateArguments.read(fields)
    fields.finish()
    return found


def test_all_that_generate_takes() -> None:
    found = read({"uri": "file:///a.py", "range": RANGE, "workDoneToken": 5})

    assert found == GenerateArguments(
        "file:///a.py", types.Range(types.Position(3, 0), types.Position(4, 2)), None, show=True, token=5
    )
    assert read({"uri": "file:///a.py", "show": False}).show is False
    assert read({"uri": "file:///a.py", "symbol": "Cart.total"}).symbol == "Cart.total"
    assert read({"uri": "file:///a.py", "symbol": None, "range": None}).range is None


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (None, "testwright.generateTests needs uri, a text."),
        ({}, "testwright.generateTests needs uri, a text."),
        ("file:///a.py", "testwright.generateTests takes one object, not a text."),
        (["file:///a.py"], "testwright.generateTests takes one object, not a list."),
        ({"uri": 3}, "uri of testwright.generateTests must be a text of 1 to 8192 characters, not a number."),
        ({"uri": True}, "uri of testwright.generateTests must be a text of 1 to 8192 characters, not true or false."),
        ({"uri": ""}, "uri of testwright.generateTests must be a text of 1 to 8192 characters, not an empty text."),
        ({"uri": "a\0b"}, "uri of testwright.generateTests must be a text of 1 to 8192 characters, not a text."),
        ({"uri": "a" * 9000}, "uri of testwright.generateTests must be a text of 1 to 8192 characters, not a text."),
        ({"uri": "a", "ur": 1}, "testwright.generateTests does not take 'ur'. Did you mean uri?"),
        (
            {"uri": "a", "budget": 1},
            "testwright.generateTests does not take 'budget'. It takes uri, range, symbol, show, workDoneToken.",
        ),
        (
            {"uri": "a", "workDoneToken": 1.5},
            "workDoneToken of testwright.generateTests must be a progress token, an integer or a text, not a number.",
        ),
        (
            {"uri": "a", "range": RANGE, "symbol": "f"},
            "testwright.generateTests takes range or symbol, not both.",
        ),
        (
            {"uri": "a", "range": {"start": RANGE["end"], "end": RANGE["start"]}},
            "range of testwright.generateTests ends before it starts.",
        ),
    ],
)
def test_a_wrong_argument_gets_a_sentence(given: Any, sentence: str) -> None:
    with pytest.raises(WrongArgument) as caught:
        read(given)

    assert caught.value.message == sentence
    assert caught.value.code == -32602


@pytest.mark.parametrize(
    "wrong",
    [
        "text",
        [],
        {},
        {"start": {"line": 0, "character": 0}},
        {"start": {"line": -1, "character": 0}, "end": {"line": 0, "character": 0}},
        {"start": {"line": True, "character": 0}, "end": {"line": 1, "character": 0}},
        {"start": {"line": 0.5, "character": 0}, "end": {"line": 1, "character": 0}},
        {"start": {"line": 0, "character": 0}, "end": {"line": 1, "character": None}},
        {"start": [0, 0], "end": [1, 0]},
    ],
)
def test_a_range_must_be_one(wrong: Any) -> None:
    with pytest.raises(WrongArgument, match="must be a range with start and end"):
        read({"uri": "a", "range": wrong})


def test_there_is_one_argument_at_most() -> None:
    with pytest.raises(WrongArgument, match=r"takes one object, not 2 arguments"):
        Fields.of_command(params({}, {}))


def test_no_value_is_told() -> None:
    secret = "sk-or-v1-0123456789abcdef"  # noqa: S105 - looks like one
    wrong: tuple[Any, ...] = ({"uri": [secret]}, {"uri": "a", "range": secret}, {"uri": "a", "workDoneToken": [secret]})
    for given in wrong:
        with pytest.raises(WrongArgument) as caught:
            read(given)
        assert secret not in caught.value.message


def test_the_token_of_the_request_counts_where_the_argument_has_none() -> None:
    assert JudgeArguments.read(Fields.of_command(params({"uri": "a"}, token=7))).token == 7
    assert JudgeArguments.read(Fields.of_command(params({"uri": "a", "workDoneToken": 8}, token=7))).token == 8
    assert JudgeArguments.read(Fields.of_command(params({"uri": "a"}))).token is None
    assert JudgeArguments.read(Fields.of_command(params({"uri": "a"}, token=7), with_token=False)).token is None


def test_what_may_be_left_out() -> None:
    assert RefreshArguments.read(Fields.of_command(params())) == RefreshArguments(None, None)
    assert CancelArguments.read(Fields.of_command(params({}))) == CancelArguments(None)
    assert CancelArguments.read(Fields.of_command(params({"run": "generate-1"}))).run == "generate-1"
    fields = Fields.of_command(params({"all": True}))
    NoArguments.read(fields)
    with pytest.raises(WrongArgument, match=r"does not take 'all'. It takes nothing."):
        fields.finish()


def test_flags_and_lists() -> None:
    fields = Fields(
        "subject", {"trusted": False, "tests": ["a", "b", "a"], "show": "yes", "none": [], "mixed": ["a", 1]}
    )

    assert fields.required_flag("trusted") is False
    assert fields.flag("absent", default=True) is True
    assert fields.texts("tests") == ("a", "b")
    with pytest.raises(WrongArgument, match="show of subject must be true or false, not a text"):
        fields.flag("show", default=True)
    with pytest.raises(WrongArgument, match="subject needs missing, true or false"):
        fields.required_flag("missing")
    for name in ("none", "mixed", "absent"):
        with pytest.raises(WrongArgument, match=f"{name} of subject must be a list of at least one text"):
            fields.texts(name)


def test_an_object_as_pygls_makes_it_of_a_notification_it_does_not_know() -> None:
    class Object(NamedTuple):
        trusted: bool

    made = Object(trusted=True)

    assert Fields("testwright/didChangeTrust", made).required_flag("trusted") is True
