"""Positions in UTF-8, UTF-16 and UTF-32, on code that is not ASCII and has line ends of every kind."""

from __future__ import annotations

from pathlib import Path

import pytest
from lsp_client import FULL, MINIMAL, VSCODE, EditorFactory, Profile
from lsp_client.texts import lines_of, units
from measured import MEASURING, lenses, measure, say, titles

SOURCE = (
    '"""Größen 😀."""\n'
    "GRÖSSE = '漢😀'\n"
    "\x0c\n"
    "class Größe:  # 😀\r\n"
    "    '''\u2028 no line ends here'''\r\n"
    "    def länge(self, ä='😀', *, b='漢'):  return ä\r"
    "    @staticmethod\n"
    "    def 漢字(): # \x0b\x85\n"
    "        return '😀'\n"
    "\n"
    "\n"
    "def f(x): return '😀' if x else 'ä'"
)
SCOPES = {"Größe": 4, "Größe.länge": 6, "Größe.漢字": 7, "f": 12}

ENCODINGS = {"utf-8": FULL, "utf-16": VSCODE, "utf-32": MINIMAL}


@pytest.fixture(params=ENCODINGS)
def encoding(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
def client(encoding: str) -> Profile:
    """A client that speaks that encoding."""
    return ENCODINGS[encoding]


async def test_lenses_span_their_line_in_the_clients_units(
    editor_for: EditorFactory, workspace: Path, client: Profile, encoding: str
) -> None:
    path = workspace / "src" / "shop" / "größe.py"
    lines = [line.rstrip("\r\n") for line in lines_of(SOURCE)]
    async with editor_for(client) as editor:
        assert editor.encoding == encoding
        editor.open(path, SOURCE)
        found = {lens["data"].get("symbol"): lens["range"] for lens in await lenses(editor, path)}
    assert list(found) == [None, *SCOPES]
    for name, number in SCOPES.items():
        line = lines[number - 1]
        indent = len(line) - len(line.lstrip(" "))
        assert found[name] == {
            "start": {"line": number - 1, "character": indent},
            "end": {"line": number - 1, "character": units(line, encoding)},
        }


async def test_actions_are_for_the_function_under_the_cursor(
    editor_for: EditorFactory, workspace: Path, client: Profile, encoding: str
) -> None:
    path = workspace / "src" / "shop" / "größe.py"
    async with editor_for(client) as editor:
        editor.open(path, SOURCE)
        for name, number in SCOPES.items():
            line = lines_of(SOURCE)[number - 1].rstrip("\r\n")
            place = {"line": number - 1, "character": units(line, encoding)}
            params = {
                "textDocument": {"uri": path.as_uri()},
                "range": {"start": place, "end": place},
                "context": {"diagnostics": []},
            }
            actions = await editor.request("textDocument/codeAction", params)
            commands = [one["command"] if isinstance(one["command"], dict) else one for one in actions]
            symbols = [one["arguments"][0].get("symbol") for one in commands]
            assert name in symbols[:2], f"{name}: {symbols}"


async def test_edits_in_the_middle_of_it_keep_the_text_in_step(
    editor_for: EditorFactory, workspace: Path, client: Profile, tmp_path: Path
) -> None:
    """Figures are of the text that the server has: were it another, the measured text would not be found in it."""
    path = workspace / "src" / "shop" / "größe.py"
    say(tmp_path)
    async with editor_for(client, argv=MEASURING) as editor:
        editor.open(path, SOURCE)
        await measure(editor, path)
        before = await titles(editor, path)
        assert before["Größe.漢字"] == "100 % covered · Generate tests"
        for text in (
            SOURCE.replace("'ä'", "'äö'"),
            SOURCE.replace("x else 'ä'", "x else '😀😀'"),
            SOURCE.replace("'漢😀'", "'漢'"),
            SOURCE.replace("\x0c\n", ""),
            SOURCE.replace("'😀', *", "'😀ä', *"),
            SOURCE + "\n\ndef g():\n    return '😀'",
            SOURCE,
        ):
            editor.change(path, text)
            found = await titles(editor, path)
        assert found == before
