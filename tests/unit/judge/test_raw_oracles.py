"""Whole test functions: which of them can fail, which assert, which may run, and what they cost a reader."""

from __future__ import annotations

import pytest

from testwright.judge.minimise import cost, minimise
from testwright.judge.oracles import weakness
from testwright.judge.refusals import refusal
from testwright.model import Candidate, CoverageSets, Evidence, Import, RawTest, Verdict

SOURCE = "def find(text):\n    return text[0]\n\n\ndef log(text):\n    print(text)\n"


def raw(body: str, *support: str, row: tuple[str, ...] = (), identifier: str = "r") -> Candidate:
    function = "def test_it(tmp_path, monkeypatch):\n" + "".join(f"    {line}\n" for line in body.splitlines())
    modules = (Import(name) for name in ("pytest", "time", "sys", "os", "asyncio"))
    members = (("shop", "find"), ("shop", "log"), ("contextlib", "suppress"), ("unittest.mock", "patch"))
    imports = (*modules, *(Import(module, name) for module, name in members))
    source = RawTest("test_it", function, support, (), tuple(f"p{at}" for at, _ in enumerate(row)), row)
    return Candidate(identifier, "find", "", (), "", None, (), None, None, imports, (), "openhands", source)


@pytest.mark.parametrize(
    "body",
    [
        "assert find('x') == 'x'",
        "for text in 'ab':\n    assert find(text) == text",
        "with pytest.raises(ValueError):\n    find('')",
        "with pytest.raises(Exception, match='empty'):\n    find('')",
        "with pytest.raises((ValueError, TypeError)):\n    find('')",
        "with pytest.raises(Exception) as caught:\n    find('')\nassert str(caught.value) == 'empty'",
        "with pytest.warns(DeprecationWarning):\n    find('')",
        "double.assert_called_once_with('x')",
        "numpy.testing.assert_allclose(find('x'), 1)",
        "assert_frame_equal(find('x'), expected)",
        "try:\n    find('')\nexcept ValueError as error:\n    assert str(error) == 'empty'\nelse:\n    pytest.fail('no error')",
        "try:\n    assert find('x') == 'x'\nexcept AssertionError:\n    raise",
        "try:\n    assert find('x') == 'x'\nexcept ValueError:\n    pass",
        "try:\n    assert find('x') == 'x'\nfinally:\n    log('end')",
        "try:\n    find('')\nexcept Exception:\n    pass\nassert find('x') == 'x'",
        "try:\n    assert find('x') == 'x'\nexcept Exception as error:\n    assert str(error) == 'y'",
        "asyncio.run(asyncio.sleep(0))\nassert find('x') == 'x'",
        "monkeypatch.setattr(time, 'sleep', print)\nassert find('x') == 'x'",
    ],
)
def test_what_asserts_is_strong(body: str) -> None:
    assert weakness(raw(body), SOURCE) is None


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("find('x')", "it asserts nothing"),
        ("assert True", "asserts nothing about"),
        ("assert isinstance(find('x'), str)", "asserts nothing about"),
        ("assert find('x') is not None", "asserts nothing about"),
        ("result = find('x')\nassert result", "asserts nothing about"),
        ("with pytest.raises(Exception):\n    find('')", "expects no more than Exception"),
        ("with pytest.raises((ValueError, Exception)):\n    find('')", "expects no more than"),
        ("double.assert_called_once_with", "it asserts nothing"),
        ("try:\n    assert find('x') == 'x'\nexcept Exception:\n    pass", "catches what its own"),
        ("try:\n    assert find('x') == 'x'\nexcept:\n    log('x')", "catches what its own"),
        ("try:\n    assert find('x') == 'x'\nexcept (ValueError, AssertionError):\n    pass", "catches what its own"),
        ("try:\n    double.assert_called()\nexcept BaseException:\n    return", "catches what its own"),
        ("with suppress(AssertionError):\n    assert find('x') == 'x'", "suppresses what its own"),
        ("try:\n    assert find('x') == 'y'\nfinally:\n    return", "leaves a finally block"),
        ("time.sleep(1)\nassert find('x') == 'x'", "waits for real time"),
        ("from time import sleep as wait\nwait(1)\nassert find('x') == 'x'", "waits for real time"),
        ("import socket\nsocket.create_connection(('x', 1))\nassert find('x') == 'x'", "opens a socket"),
        ("import urllib.request\nassert find(urllib.request.urlopen('x')) == 'x'", "needs the network"),
        ("import requests\nassert find(requests.get('x')) == 'x'", "needs the network"),
    ],
)
def test_what_proves_nothing_or_hides_its_failure_has_its_reason(body: str, words: str) -> None:
    found = weakness(raw(body), SOURCE)
    assert found is not None
    assert words in found


def test_a_helper_counts_by_what_it_asserts_not_by_its_name() -> None:
    hollow, real = "def assert_first(text):\n    find(text)", "def assert_first(text):\n    assert find(text) == 'x'"
    assert weakness(raw("assert_first('x')", hollow), SOURCE) == "it asserts nothing"
    assert weakness(raw("assert_first('x')", real), SOURCE) is None


@pytest.mark.parametrize(
    ("body", "support", "row", "words"),
    [
        ("assert find(os._exit(0))", (), (), "_exit"),
        ("assert helper()", ("def helper():\n    return os._exit(0)",), (), "_exit"),
        ("assert find(p0)", (), ("eval('1')",), "eval()"),
        ("pytest.skip('no')", (), (), "pytest.skip"),
        ("import testwright_inside.runner_forks\nassert find('x') == 'x'", (), (), "testwright_inside"),
        ("import __main__\nassert find('x') == 'x'", (), (), "__main__"),
        ("import pluggy\nassert find('x') == 'x'", (), (), "pluggy"),
        ("for one in sys.modules.values():\n    find(one)", (), (), "looks through the loaded modules"),
        ("from sys import modules\nfind(modules)", (), (), "sys.modules"),
        ("sys.modules['testwright_inside.channel'].Channel = None", (), (), "testwright_inside"),
        ("name = 'x'\nsys.modules[name].y = 1", (), (), "made at run time"),
        ("pytest.raises = None\nassert find('x') == 'x'", (), (), "changes pytest"),
        ("monkeypatch.setattr(pytest, 'raises', None)", (), (), "by its name"),
        ("monkeypatch.setattr('pytest.raises', None)", (), (), "by its name"),
        ("with patch('testwright_inside.channel.Channel.send'):\n    find('x')", (), (), "by its name"),
    ],
)
def test_what_reaches_the_judge_is_refused_wherever_it_stands(
    body: str, support: tuple[str, ...], row: tuple[str, ...], words: str
) -> None:
    found = refusal(raw(body, *support, row=row))
    assert found is not None
    assert words in found


@pytest.mark.parametrize(
    "body",
    [
        "monkeypatch.setitem(sys.modules, 'yaml', None)\nassert find('x') == 'x'",
        "with patch.dict(sys.modules, {'yaml': None}):\n    assert find('x') == 'x'",
        "assert 'yaml' not in sys.modules",
        "monkeypatch.setattr('shop.time', None)\nassert find('x') == 'x'",
    ],
)
def test_doubles_of_other_modules_are_allowed(body: str) -> None:
    assert refusal(raw(body)) is None


def plain(identifier: str) -> Candidate:
    asserts = ("result == 'x'",)
    return Candidate(
        identifier,
        "find",
        "",
        (),
        "find('x')",
        "result",
        asserts,
        None,
        None,
        (Import("shop", "find"),),
        (),
        "embedded",
    )


def verdict(candidate: Candidate, *lines: int) -> Verdict:
    return Verdict(candidate, "passed", "", Evidence(3, frozenset(lines), frozenset()))


def test_of_two_that_prove_the_same_the_simpler_stays_whoever_proposed_it() -> None:
    short, long = raw("assert find('x') == 'x'", identifier="r"), raw("a = 'x'\nb = find(a)\nc = b\nassert c == 'x'")
    assert cost(plain("e")) == pytest.approx(cost(short), abs=0.2)
    assert cost(long) > cost(plain("e")) + 0.1
    kept = minimise([verdict(plain("e"), 1), verdict(long, 1)], CoverageSets()).kept
    assert [one.candidate.id for one in kept] == ["e"]
    kept = minimise([verdict(plain("e"), 1), verdict(short, 1, 2)], CoverageSets()).kept
    assert [one.candidate.id for one in kept] == ["r"]


def test_what_a_test_shares_with_others_costs_something() -> None:
    assert cost(raw("assert find('x') == 'x'", "def helper(): ...")) > cost(raw("assert find('x') == 'x'"))
