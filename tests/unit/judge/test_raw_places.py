"""Whole test functions that change files: those of their own folder they may, all others not."""

from __future__ import annotations

import pytest

from testwright.judge.oracles import weakness
from testwright.judge.refusals import refusal
from testwright.model import Candidate, Import, RawTest

SOURCE = "def save(folder):\n    return folder\n"
MODULES = ("contextlib", "io", "os", "pathlib", "pytest", "shutil", "subprocess", "tempfile")


def problem(
    body: str,
    *support: str,
    fixtures: tuple[str, ...] = ("tmp_path", "monkeypatch"),
    row: tuple[str, str] | None = None,
) -> str:
    """Why a test is not run at all; empty when it is."""
    arguments = [*fixtures, *([row[0]] if row else [])]
    lines = "".join(f"    {line}\n" for line in [*body.splitlines(), "assert save('x') == 'x'"])
    function = f"def test_it({', '.join(arguments)}):\n{lines}"
    imports = (*map(Import, MODULES), Import("shop", "save"), Import("pathlib", "Path"))
    parameters, values = ((row[0],), (row[1],)) if row else ((), ())
    raw = RawTest("test_it", function, support, (), parameters, values)
    candidate = Candidate("r", "save", "", (), "", None, (), None, None, imports, fixtures, "openhands", raw)
    return refusal(candidate) or weakness(candidate, SOURCE) or ""


@pytest.mark.parametrize(
    "body",
    [
        "shutil.rmtree(os.path.expanduser('~'), ignore_errors=True)",
        "for place in (os.getcwd(), '/etc'):\n    shutil.rmtree(place, ignore_errors=True)",
        "with contextlib.suppress(OSError):\n    os.remove('/etc/passwd')",
        "with contextlib.suppress(OSError):\n    os.remove('notes.txt')",
        "with contextlib.suppress(OSError):\n    os.remove(f'{os.sep}etc')",
        "(Path.home() / '.profile').write_text('exit')",
        "home = pathlib.Path.home()\nprofile = home / '.profile'\nprofile.unlink(missing_ok=True)",
        "with open(os.environ['HOME'] + '/.profile', 'w') as file:\n    file.write('')",
        "with (Path.home() / 'x').open('a') as file:\n    file.write('')",
        "with open('conftest.py', mode='w') as file:\n    file.write('')",
        "[one.unlink() for one in Path.cwd().iterdir()]",
        "Path(__file__).unlink()",
        "shutil.move('/etc/passwd', tmp_path)",
        "os.replace('a', 'b')",
        "monkeypatch.chdir(tmp_path)\nshutil.rmtree('/etc', ignore_errors=True)",
        "monkeypatch.chdir(tmp_path)\nPath('~/x').expanduser().write_text('x')",
        "from shutil import rmtree as sweep\nsweep('/etc')",
        "profile().write_text('x')",
    ],
)
def test_what_changes_files_elsewhere_is_refused(body: str) -> None:
    helper = "def profile():\n    return Path.home() / '.profile'\n"
    assert "changes files that are not in its own temporary folder" in problem(body, helper)


def test_a_place_in_a_table_is_refused() -> None:
    assert "changes files" in problem("place.write_text('x')", row=("place", "Path('/etc/x')"))
    assert problem("place.write_text('x')", row=("place", "'x'")) == ""


@pytest.mark.parametrize(
    "body",
    [
        "(tmp_path / 'x').write_text('x')",
        "folder = tmp_path / 'a'\nfolder.mkdir()\nfile = Path(folder, 'x')\nfile.write_text('x')\nfile.unlink()",
        "path = os.path.join(str(tmp_path), 'x')\nwith open(path, 'w') as file:\n    file.write('x')\nos.remove(path)",
        "with tempfile.TemporaryDirectory() as name:\n    Path(name, 'x').write_text('x')",
        "monkeypatch.chdir(tmp_path)\nPath('x').write_text('x')\nos.remove('x')",
        "monkeypatch.setenv('HOME', str(tmp_path))\n(Path.home() / '.profile').write_text('x')",
        "monkeypatch.setattr(Path, 'home', lambda: tmp_path)\n(Path.home() / '.profile').write_text('x')",
        "for one in sorted(tmp_path.iterdir()):\n    one.unlink()",
        "folder = made(tmp_path)\nshutil.rmtree(folder)",
        "made_here().write_text('x')",
        "text = Path('data.txt').name.replace('a', 'b')",
        "with open('data.txt') as file:\n    file.read()",
        "store = save(1)\nstore.unlink('key')\nstore.rename('a', 'b')",
        "monkeypatch.setattr(shutil, 'rmtree', print)",
        "monkeypatch.setattr(subprocess, 'run', print)",
        "assert Path('a/b').parent == Path('a')",
        "buffer = io.StringIO()\nbuffer.write('x')",
    ],
)
def test_what_writes_below_its_own_folder_or_changes_nothing_may_run(body: str) -> None:
    helpers = (
        "def made(folder):\n    (folder / 'x').mkdir()\n    return folder / 'x'\n",
        "def made_here():\n    return Path(tempfile.mkdtemp()) / 'x'\n",
    )
    assert problem(body, *helpers) == ""


def test_a_fixture_of_the_project_may_have_a_folder_of_its_own() -> None:
    assert problem("Path('x').write_text('x')", fixtures=("in_a_folder",)) == ""
    assert problem("os.remove(sample)", fixtures=("sample",)) == ""
    assert "changes files" in problem("os.remove('/etc/passwd')", fixtures=("in_a_folder",))
    assert problem("os.remove('/etc/passwd')", fixtures=("fs",)) == ""


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("subprocess.run(['rm', '-rf', '/'], check=False)", "starts a program"),
        ("subprocess.Popen(['curl'])", "starts a program"),
        ("os.popen('ls')", "starts a program"),
        ("shutil.__dict__['rm' + 'tree']('/')", "by a name made at run time"),
        ("getattr(shutil, 'rm' + 'tree')('/')", "by a name made at run time"),
        ("os.__dict__['_ex' + 'it'](0)", "by a name made at run time"),
        ("tools = shutil\ntools.rmtree('/')", "hands on the module shutil"),
    ],
)
def test_what_starts_programs_or_hides_what_it_calls_is_refused(body: str, words: str) -> None:
    assert words in problem(body)
