"""Bad input: a clear error or a right result, nothing lost, no process left, within the budget plus ten seconds.

The fixture asserts after each test that no process and no scratch is left; ``Bench.finish`` asserts the time and that
no traceback is shown.
"""

from __future__ import annotations

import os
import signal
import stat
import time
from pathlib import Path

import pytest

from .conftest import Bench

GOOD = '''
def total(prices, discount=0):
    """Sum of the prices, less a discount in percent."""
    if discount < 0 or discount > 100:
        raise ValueError("discount must be between 0 and 100")
    amount = sum(prices)
    return amount * (100 - discount) / 100
'''


def error(report: dict[str, object]) -> str:
    told = report["error"]
    assert isinstance(told, dict)
    return str(told["message"])


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("missing.py",), 2, ("missing.py", "exist")),
        (("folder",), 2, ("folder",)),
        (("good.py::Nothing",), 2, ("Nothing",)),
        (("notes.txt",), 2, ("notes.txt", "Python")),
        (("binary.py",), 3, ("binary.py",)),
        (("broken.py",), 3, ("broken.py", "line 2")),
        (("latin1_without_cookie.py",), 3, ("latin1_without_cookie.py",)),
        (("empty.py",), 3, ("empty.py",)),
        (("constants.py",), 3, ("constants.py",)),
        (("--module", "nowhere"), 2, ("nowhere",)),
    ],
    ids=lambda value: value[-1] if isinstance(value, tuple) else None,
)
def test_a_file_that_cannot_be_a_target_is_told_in_a_sentence(
    bench: Bench, arguments: tuple[str, ...], code: int, words: tuple[str, ...]
) -> None:
    bench.write("folder/inner.py", GOOD)
    bench.write("good.py", GOOD)
    bench.write("notes.txt", "no code")
    bench.write("binary.py", b"def f():\n    return 1\n\x00\x01\x02")
    bench.write("broken.py", "def f():\n    return (1\n")
    bench.write("latin1_without_cookie.py", "def f():\n    return 'caf\u00e9'\n".encode("latin-1"))
    bench.write("empty.py", "")
    bench.write("constants.py", "LIMIT = 3\n_private = LIMIT * 2\n\n\ndef _hidden():\n    return 1\n")
    before = bench.digests()

    ended = bench.generate(*arguments)

    assert ended.code == code, ended.stderr
    for word in words:
        assert word in error(ended.report)
        assert word in ended.stderr
    assert bench.digests() == before


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ("import not_to_be_found_anywhere\n", ("not_to_be_found_anywhere", "line 1")),
        ("import sys\nsys.exit()\n", ("SystemExit", "line 2")),
        ("import os\nos._exit(0)\n", ("exit",)),
        ("import time\ntime.sleep(1000)\n", ("import",)),
        ("while True: pass\n", ("import",)),
        ("def down():\n    return down()\n\ndown()\n", ("RecursionError",)),
        ("raise RuntimeError('no database')\n", ("RuntimeError", "no database", "line 1")),
        ("import os\nwhile True:\n    os.fork()\n", ("import",)),
        ("hoard = bytearray(10 * 1024 ** 3)\n", ("memory",)),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n", ("import",)),
        ("print('x' * 10 ** 8)\nraise RuntimeError('after the flood')\n", ("after the flood",)),
    ],
    ids=[
        "absent",
        "sys.exit",
        "os._exit",
        "sleeps",
        "spins",
        "recurses",
        "raises",
        "forks",
        "10 GB",
        "crashes",
        "prints",
    ],
)
def test_a_module_that_cannot_be_imported_is_told_in_a_sentence(
    bench: Bench, head: str, words: tuple[str, ...]
) -> None:
    bench.write("shop.py", head + GOOD)
    before = bench.digests()

    ended = bench.generate("shop.py", budget=10)

    assert ended.code == 3, ended.stderr
    for word in words:
        assert word in error(ended.report), error(ended.report)
    assert bench.digests() == before


def test_a_path_with_spaces_and_other_letters_works(bench: Bench) -> None:
    bench.write("my shop/pr\u00e9cios/preise_\u00fc.py", GOOD)

    ended = bench.generate("my shop/pr\u00e9cios/preise_\u00fc.py")

    assert ended.code == 0, ended.stderr
    assert Path(ended.report["test_file"]).read_text(encoding="utf-8")


def test_a_link_that_leads_out_of_the_workspace_is_refused(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.py").write_text(GOOD)
    (bench.workspace / "linked.py").symlink_to(tmp_path / "elsewhere.py")

    ended = bench.generate("linked.py")

    assert ended.code in (2, 3)
    assert "out of the workspace" in error(ended.report)


def test_a_linked_test_folder_is_not_written_through(bench: Bench, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    bench.write("shop.py", GOOD)
    (bench.workspace / "tests").symlink_to(outside)

    ended = bench.generate("shop.py", "--output", "tests/test_shop.py")

    assert ended.code == 3
    assert list(outside.iterdir()) == []


def test_line_ends_of_an_existing_test_file_are_kept(bench: Bench) -> None:
    bench.write("shop.py", GOOD.replace("\n", "\r\n"))
    old = "import shop\r\n\r\n\r\ndef test_nothing_off():\r\n    assert shop.total([1, 2]) == 3\r\n"
    path = bench.write("tests/test_shop.py", old)

    ended = bench.generate("shop.py")

    assert ended.code == 0, ended.stderr
    new = path.read_bytes()
    assert new != old.encode()
    assert b"\n" not in new.replace(b"\r\n", b"")
    for line in old.encode().split(b"\r\n"):
        assert line in new


def test_a_latin_1_module_and_test_file_keep_their_encoding(bench: Bench) -> None:
    cookie = "# -*- coding: latin-1 -*-\n"
    module = (
        cookie
        + "def greet(name):\n    if not name:\n        raise ValueError('caf\u00e9')\n    return 'sal\u00fat ' + name\n"
    )
    bench.write("greeting.py", module.encode("latin-1"))
    old = (
        cookie + "import greeting\n\n\ndef test_h\u00e9():\n    assert greeting.greet('a') == 'sal\u00fat a'\n"
    ).encode("latin-1")
    path = bench.write("tests/test_greeting.py", old)

    ended = bench.generate("greeting.py")

    assert ended.code == 0, ended.stderr
    new = path.read_bytes()
    assert len(new) > len(old)
    left = iter(new.splitlines())
    assert all(line in left for line in old.splitlines())  # each old line, in the old order
    compile(new, "test_greeting.py", "exec")
    assert "sal\u00fat a".encode("latin-1") in new


def test_a_test_file_with_a_syntax_error_is_not_touched(bench: Bench) -> None:
    bench.write("shop.py", GOOD)
    bench.write("tests/test_shop.py", "def test_half(:\n    pass\n")
    before = bench.digests()

    ended = bench.generate("shop.py")

    assert ended.code == 3
    assert "test_shop.py" in error(ended.report)
    assert "line 1" in error(ended.report)
    assert bench.digests() == before


def test_a_test_file_that_appears_during_the_run_is_not_overwritten(bench: Bench) -> None:
    bench.write("shop.py", GOOD)

    process = bench.start("shop.py", "--events")
    bench.wait_for(process, "explore")
    mine = bench.write("tests/test_shop.py", "# written by hand meanwhile\n")
    ended = bench.finish(process)

    assert ended.code == 3, ended.stderr
    assert ended.report["error"]["slug"] == "write-conflict"
    assert mine.read_text() == "# written by hand meanwhile\n"


def test_a_test_file_that_is_changed_during_the_run_is_not_overwritten(bench: Bench) -> None:
    bench.write("shop.py", GOOD)
    path = bench.write("tests/test_shop.py", "import shop\n")

    process = bench.start("shop.py", "--events")
    bench.wait_for(process, "explore")
    path.write_text("import shop  # changed by hand meanwhile\n")
    ended = bench.finish(process)

    assert ended.code == 3, ended.stderr
    assert ended.report["error"]["slug"] == "write-conflict"
    assert path.read_text() == "import shop  # changed by hand meanwhile\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_cancelling_ends_at_once_and_writes_nothing(bench: Bench, number: signal.Signals) -> None:
    bench.write("shop.py", "import time\ntime.sleep(5)\n" + GOOD)
    before = bench.digests()

    process = bench.start("shop.py", budget=30)
    time.sleep(2)
    process.send_signal(number)
    begun = time.monotonic()
    ended = bench.finish(process)

    assert ended.code == 130, ended.stderr
    assert time.monotonic() - begun < 2
    assert bench.digests() == before


def test_nothing_of_the_project_is_touched_but_the_test_file(bench: Bench) -> None:
    bench.write("shop.py", GOOD)
    bench.write(".coverage", b"an older measurement")
    bench.write("tests/test_other.py", "def test_other():\n    open('left.txt', 'w').close()\n")
    before = bench.digests()

    ended = bench.generate("shop.py")

    assert ended.code == 0, ended.stderr
    after = bench.digests()
    assert after.pop("tests/test_shop.py")
    assert after == before


def test_a_second_run_adds_nothing(bench: Bench) -> None:
    bench.write("shop.py", GOOD)

    first = bench.generate("shop.py")
    before = bench.digests()
    second = bench.generate("shop.py")

    assert first.code == 0, first.stderr
    assert second.code == 0, second.stderr
    assert second.report["status"] == "nothing-to-add"
    assert bench.digests() == before


class TestReadOnly:
    def test_as_a_plain_user(self, bench: Bench) -> None:
        if os.geteuid() == 0:
            pytest.skip("root may write everywhere; the mounted variant below is for root")
        bench.write("shop.py", GOOD)
        bench.workspace.chmod(stat.S_IRUSR | stat.S_IXUSR)
        try:
            ended = bench.generate("shop.py")
        finally:
            bench.workspace.chmod(stat.S_IRWXU)

        assert ended.code == 3
        assert ended.report["error"]["slug"] == "write-failure"

    @pytest.mark.root
    def test_on_a_read_only_mount(self, bench: Bench) -> None:
        bench.write("shop.py", GOOD)
        script = f"mount --bind '{bench.workspace}' '{bench.workspace}' && mount -o remount,ro,bind '{bench.workspace}' && cd '{bench.workspace}' && exec \"$@\""

        ended = bench.generate("shop.py", prefix=("unshare", "-m", "sh", "-c", script, "sh"))

        assert ended.code == 3
        assert ended.report["error"]["slug"] == "write-failure"
        assert "cannot be written" in error(ended.report)

    def test_a_dry_run_needs_no_right_to_write(self, bench: Bench) -> None:
        bench.write("shop.py", GOOD)
        before = bench.digests()

        ended = bench.generate("shop.py", "--dry-run")

        assert ended.code == 0, ended.stderr
        assert ended.report["status"] == "dry-run"
        assert "+def test_" in ended.report["diff"]
        assert bench.digests() == before


class TestFullDisk:
    @pytest.mark.root
    def test_of_the_workspace(self, bench: Bench) -> None:
        script = (
            f"mount -t tmpfs -o size=64k tmpfs '{bench.workspace}' && cd '{bench.workspace}' && "
            f"cp '{bench.private}/shop.py' . && (cat /dev/zero > filler 2>/dev/null; true) && exec \"$@\""
        )
        (bench.private / "shop.py").write_text(GOOD)

        ended = bench.generate("shop.py", prefix=("unshare", "-m", "sh", "-c", script, "sh"))

        assert ended.code == 3, ended.stderr
        assert ended.report["error"]["slug"] == "write-failure"
        assert "space" in error(ended.report)

    @pytest.mark.root
    def test_of_the_scratch(self, bench: Bench) -> None:
        # Two pages are left: enough to be taken for a usable folder, too little for what a run puts there.
        bench.write("shop.py", GOOD)
        scratch = bench.private / "tmp"
        script = (
            f"mount -t tmpfs -o size=32k tmpfs '{scratch}' && head -c 24k /dev/zero > '{scratch}/filler' && exec \"$@\""
        )

        ended = bench.generate("shop.py", prefix=("unshare", "-m", "sh", "-c", script, "sh"))

        assert ended.code == 3, ended.stderr
        assert "space" in error(ended.report)
