"""What a candidate may not do, and what it may although it looks alike."""

from __future__ import annotations

import pytest

from testwright.judge.refusals import refusal
from testwright.model import Candidate, Import, Raises

TARGET = Import("pricing", "total")


def candidate(
    *arrange: str, act: str = "total([1])", imports: tuple[Import, ...] = (), fixtures: tuple[str, ...] = ()
) -> Candidate:
    return Candidate(
        "c", "total", "", arrange, act, "result", ("result == 1",), None, None, (TARGET, *imports), fixtures, "x"
    )


REFUSED = {
    "tracer": candidate("sys.settrace(None)", imports=(Import("sys"),)),
    "profile in threads": candidate("threading.setprofile(print)", imports=(Import("threading"),)),
    "monitoring": candidate("sys.monitoring.set_events(0, 0)", imports=(Import("sys"),)),
    "coverage": candidate(imports=(Import("coverage"),)),
    "coverage in the body": candidate("from coverage import Coverage"),
    "pytest internals": candidate("from _pytest.runner import runtestprotocol"),
    "exit of pytest": candidate("pytest.exit('x')", imports=(Import("pytest"),)),
    "skip": candidate("skip('x')", imports=(Import("pytest", "skip"),)),
    "request": candidate("request.node.name", fixtures=("request",)),
    "hard exit": candidate("os._exit(0)", imports=(Import("os"),)),
    "hard exit by its own name": candidate("_exit(0)", imports=(Import("os", "_exit"),)),
    "hard exit renamed": candidate("leave(0)", imports=(Import("os", "_exit", "leave"),)),
    "module renamed": candidate("o.kill(1, 9)", imports=(Import("os", None, "o"),)),
    "module through the target": candidate("pricing.os.kill(1, 9)", imports=(Import("pricing"),)),
    "module taken from the target": candidate("os.kill(1, 9)", imports=(Import("pricing", "os"),)),
    "module in another variable": candidate("o = os", "o.kill(1, 9)", imports=(Import("os"),)),
    "module in a list": candidate("o = [os][0]", "o.kill(1, 9)", imports=(Import("os"),)),
    "module handed on": candidate("f(os)", imports=(Import("os"),)),
    "module by sys.modules": candidate("sys.modules['os'].kill(1, 9)", imports=(Import("sys"),)),
    "descriptors": candidate("os.dup2(1, 2)", imports=(Import("os"),)),
    "fork": candidate("os.fork()", imports=(Import("os"),)),
    "memory": candidate("import ctypes"),
    "frames": candidate("sys._getframe()", imports=(Import("sys"),)),
    "frames by inspect": candidate("inspect.currentframe()", imports=(Import("inspect"),)),
    "frames of a traceback": candidate("error.__traceback__.tb_frame.f_back"),
    "objects": candidate("import gc"),
    "subclasses": candidate("object.__subclasses__()"),
    "globals of a function": candidate("total.__globals__"),
    "dunder by name": candidate("getattr(total, '__globals__')"),
    "attribute by name": candidate("getattr(os, '_exit')(0)", imports=(Import("os"),)),
    "attribute by a made name": candidate("getattr(os, '_ex' + 'it')(0)", imports=(Import("os"),)),
    "patched by path": candidate("monkeypatch.setattr('os._exit', print)", fixtures=("monkeypatch",)),
    "patched pytest": candidate("monkeypatch.setattr('_pytest.runner.call', print)", fixtures=("monkeypatch",)),
    "patched exit": candidate("monkeypatch.setattr(os, '_exit', print)", imports=(Import("os"),)),
    "assertions": candidate("builtins.AssertionError = None", imports=(Import("builtins"),)),
    "eval": candidate("eval('1')"),
    "exec": candidate("exec('1')"),
    "import at run time": candidate("importlib.import_module('gc')", imports=(Import("importlib"),)),
    "import by a function": candidate("__import__('gc')"),
    "everything": candidate("from os import *"),
    "hidden frames": candidate("__tracebackhide__ = True"),
    "descriptors by path": candidate("open('/proc/self/fd/3', 'w')"),
    "in the act": candidate(act="os._exit(0)", imports=(Import("os"),)),
    "no Python": candidate("x = ("),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused(what: str) -> None:
    reason = refusal(REFUSED[what])
    assert reason is not None
    assert reason.startswith("it ")


ALLOWED = {
    "plain": candidate(),
    "files": candidate("path = tmp_path / 'a.txt'", "path.write_text('x')", fixtures=("tmp_path",)),
    "environment": candidate("monkeypatch.setenv('A', 'b')", fixtures=("monkeypatch",)),
    "paths": candidate("os.path.join('a', 'b')", "os.environ.get('A')", imports=(Import("os"),)),
    "patched os": candidate("monkeypatch.setattr(os, 'getcwd', lambda: 'x')", imports=(Import("os"),)),
    "patched argv": candidate("monkeypatch.setattr(sys, 'argv', ['x'])", imports=(Import("sys"),)),
    "patched by path of the target": candidate("monkeypatch.setattr('pricing.RATE', 3)"),
    "patched input": candidate("monkeypatch.setattr('builtins.input', lambda: 'x')"),
    "output": candidate("capsys.readouterr()", fixtures=("capsys",)),
    "own eval": candidate(act="expression.eval()"),
    "own compile": candidate("compile('x')", imports=(Import("pricing", "compile"),)),
    "own kill": candidate("process.kill()", "stream.close()", "stream.write('x')"),
    "attribute by name": candidate("getattr(total, 'rate')"),
    "signature": candidate("inspect.signature(total)", imports=(Import("inspect"),)),
    "raises": candidate("pytest.approx(1.0)", imports=(Import("pytest"),)),
    "attributes that are named like modules": candidate(
        "result.os", "info.os == 'linux'", "result.signal", "error.value.code", imports=(Import("pricing", "info"),)
    ),
    "reload": candidate("importlib.reload(pricing)", imports=(Import("importlib"), Import("pricing"))),
    "threads": candidate("threading.Thread(target=total).start()", imports=(Import("threading"),)),
}


@pytest.mark.parametrize("what", ALLOWED)
def test_allowed(what: str) -> None:
    assert refusal(ALLOWED[what]) is None


def test_the_exception_is_read_too() -> None:
    raises = Raises("__import__('gc').error")
    bad = Candidate("c", "total", "", (), "total()", None, (), raises, None, (TARGET,), (), "x")
    assert refusal(bad) == "it uses __import__(), which hides what it runs"
