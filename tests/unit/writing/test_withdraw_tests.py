"""Tests go out of a file again, and what else is in it stays."""

from __future__ import annotations

import ast
import codecs
import re
from collections.abc import Callable, Collection
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from testwright.engines.openhands.reading import read_tests
from testwright.errors import TargetError, UsageError, WriteFailure
from testwright.model import Candidate, Import, Style, Target
from testwright.writing.compose import compose_test_file
from testwright.writing.encoding import SourceFile
from testwright.writing.format import format_source
from testwright.writing.merge import merge_tests
from testwright.writing.withdraw import same_definition, withdraw_tests

MakeCandidate = Callable[..., Candidate]
AGENT_FILES = Path(__file__).parents[2] / "fixtures" / "agent_files"
IMPORTS = [Import("re"), Import("shop.pricing", "slugify")]
STATEMENTS = "import re\n\nfrom shop.pricing import slugify\n"
TESTS = "def test_new():\n    assert slugify('x') == re.escape('x')\n"
TWO_TESTS = TESTS + "\n\n@pytest.mark.parametrize('x', [\n    1,\n])\ndef test_newer(x):\n    assert slugify(x)\n"


def merged(original: bytes, imports: str = STATEMENTS, tests: str = TESTS) -> bytes:
    return merge_tests(SourceFile.of(original), imports, tests, first_party="shop")


def without(text: str, *names: str, imports: Collection[Import] = ()) -> str:
    return withdraw_tests(text.encode(), names, imports).decode()


FILES = {
    "functions": (
        '"""Mine."""\n\nimport os\n\nimport pytest\n\n\ndef test_a():\n    assert os\n\n\ndef helper():\n    pass\n'
    ),
    "test last": "import os\n\n\ndef test_a():\n    assert os\n",
    "classes only": "import unittest\n\n\nclass Prices(unittest.TestCase):\n    def test_a(self):\n        pass\n",
    "imports only": "import os\n",
    "docstring only": '"""Mine."""\n',
    "comment only": "# nothing yet\n",
    "empty": "",
    "blank": "\n\n\n",
    "main guard": 'import os\n\n\ndef test_a():\n    pass\n\n\nif __name__ == "__main__":\n    os.abort()\n',
    "main guard without tests": 'import os\n\n\n# run\nif __name__ == "__main__":\n    os.abort()\n',
    "header": "#!/usr/bin/python\n# Mine\n\n\ndef test_a():\n    pass\n",
    "no imports": "def test_a():\n    pass\n",
    "future": '"""Mine."""\n\nfrom __future__ import annotations\n\n\ndef test_a():\n    pass\n',
    "no final newline": "import os\n\n\ndef test_a():\n    assert os",
    "no final newline, imports only": "import os",
    "comment at the end": "def test_a():\n    pass\n    # more to come\n\n\n# done\n",
    "late import": "def test_a():\n    pass\n\n\nimport os\n",
    "string that looks like a test": 'X = """\n\n\ndef test_new():\n    pass\n"""\n',
    "wide gaps": "import os\n\n\n\n\ndef test_a():\n    pass\n\n\n\n\nX = 1\n",
    "same words in prose": '"""Of re and slugify."""\n\n\ndef test_a():\n    """slugify"""\n',
    "non-ASCII": "ÄÖ = 'ß€😀'\n\n\ndef test_ü():\n    pass\n",
    "own imports of a kind": "import re as regex\nfrom shop.pricing import is_even\n\n\ndef test_a():\n    assert regex\n",
    "continuation": "import os, \\\n    sys\n\nx = 1 + \\\n  2\n\n\ndef test_a(): assert \\\n  x\n",
    "space at the ends of lines": "import os  \n  \n\t\ndef test_a():  \n    assert os  \n  \n\t\nX = 1  \n",
}


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", [b"", codecs.BOM_UTF8], ids=["", "bom"])
@pytest.mark.parametrize("name", FILES)
def test_a_file_that_tests_were_merged_into_becomes_what_it_was(name: str, bom: bytes, newline: str) -> None:
    original = bom + FILES[name].replace("\n", newline).encode()
    for tests, names in ((TESTS, ["test_new"]), (TWO_TESTS, ["test_newer", "test_new"])):
        after = merged(original, tests=tests)
        assert after != original
        assert withdraw_tests(after, names, IMPORTS) == original


@pytest.mark.parametrize("name", FILES)
def test_tests_that_an_engine_proposed_come_out_again(name: str, whole_shop: list[Candidate], shop: Target) -> None:
    original = FILES[name].encode()
    composed = compose_test_file(whole_shop, shop, Style(), original)
    names = [test.name for test in composed.suite.tests]
    assert len(names) > 20
    assert withdraw_tests(composed.data, names, composed.suite.imports) == original


def test_each_test_of_a_new_file_can_be_taken_out_alone(whole_shop: list[Candidate], shop: Target) -> None:
    composed = compose_test_file(whole_shop, shop, Style())
    for test in composed.suite.tests:
        data = withdraw_tests(composed.data, [test.name], composed.suite.imports)
        text = data.decode()
        assert f"def {test.name}(" not in text
        assert text.count("\ndef test_") == len(composed.suite.tests) - 1
        assert not re.search("\n{4}", text)
        assert text.endswith("\n")
        assert not text.endswith("\n\n")
        assert format_source(text, Style(), first_party="shop") == text  # as it would have been written without it
        assert unused_names(text) == set()


def test_what_is_left_of_a_new_file_is_its_docstring(whole_shop: list[Candidate], shop: Target) -> None:
    composed = compose_test_file(whole_shop, shop, Style())
    data = withdraw_tests(composed.data, [test.name for test in composed.suite.tests], composed.suite.imports)
    assert data == b'"""Tests for ``shop.pricing``."""\n'


def unused_names(text: str) -> set[str]:
    """Names that are imported and stand nowhere else."""
    tree = ast.parse(text)
    bound = {
        (alias.asname or alias.name).partition(".")[0]
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    return bound - {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


# ------------------------------------------------------------------------------------------------ functions


FOUR = "def test_a():\n    pass\n\n\n@mark\n@mark(\n    1\n)\nasync def test_b():\n    pass\n\n\nX = 1\n\n\ndef test_c():\n    pass\n"


@pytest.mark.parametrize(
    ("names", "left"),
    [
        (["test_a"], FOUR[FOUR.index("@mark") :]),
        (["test_b"], "def test_a():\n    pass\n\n\nX = 1\n\n\ndef test_c():\n    pass\n"),
        (["test_c"], FOUR[: FOUR.index("\n\n\ndef test_c")] + "\n"),
        (["test_a", "test_b"], "X = 1\n\n\ndef test_c():\n    pass\n"),
        (["test_a", "test_b", "test_c", "test_a"], "X = 1\n"),
        ([], FOUR),
    ],
)
def test_functions_go_with_decorators_and_the_blank_lines_around_them(names: list[str], left: str) -> None:
    assert without(FOUR, *names) == left


def test_comments_in_a_test_go_with_it_and_those_around_it_stay() -> None:
    text = "# before\ndef test_a():\n    pass\n\n    # inside\n# below\n\n\ndef test_b():\n    pass\n"
    assert without(text, "test_a") == "# before\n# below\n\n\ndef test_b():\n    pass\n"
    assert without("X = 1\n\n\ndef test_a():\n    pass\n\n\n    # of X\n", "test_a") == "X = 1\n\n\n    # of X\n"


def test_a_header_does_not_become_the_comment_of_what_follows() -> None:
    text = "# Mine\nimport re\n\n\ndef test_b():\n    pass\n"
    assert without(text, imports=IMPORTS) == "# Mine\n\n\ndef test_b():\n    pass\n"


def test_of_functions_of_one_name_the_last_goes() -> None:
    text = "def test_a():\n    first\n\n\ndef test_a():\n    second\n"
    assert without(text, "test_a") == "def test_a():\n    first\n"


def test_gaps_keep_the_blank_lines_that_there_are_most_of() -> None:
    assert without("X = 1\n\ndef test_a(): pass\n\n\nY = 1\n", "test_a") == "X = 1\n\n\nY = 1\n"
    assert without("X = 1\n\n\ndef test_a(): pass\n\nY = 1\n", "test_a") == "X = 1\n\n\nY = 1\n"
    assert without("X = 1\ndef test_a(): pass\nY = 1\n", "test_a") == "X = 1\nY = 1\n"
    assert without("X = 1\n\n\n\ndef test_a(): pass\n", "test_a") == "X = 1\n"
    assert without("X = 1\n\n\ndef test_a(): pass\n\n", "test_a") == "X = 1\n\n"


def test_a_blank_line_that_ends_a_statement_stays() -> None:
    assert without("X = 1 + 2 \\\n\ndef test_a(): pass\n", "test_a") == "X = 1 + 2 \\\n\n"
    assert without("X = 1 + 2 \\\n\ndef test_a(): pass\n\nY = 1\n", "test_a") == "X = 1 + 2 \\\n\n\nY = 1\n"


def test_what_cannot_be_taken_out_without_harm_is_refused() -> None:
    text = "X = 1 + 2 \\\n\n\ndef test_a(): pass"  # without its last line end, what is left would be no Python
    with pytest.raises(WriteFailure, match="without changing what else is there"):
        without(text, "test_a")


@pytest.mark.parametrize("end", ["", "\n"])
def test_the_end_of_the_file_stays_what_it_was(end: str) -> None:
    text = "def test_a():\n    pass\n\n\ndef test_b():\n    pass" + end
    assert without(text, "test_b") == "def test_a():\n    pass" + end
    assert without(text, "test_a") == "def test_b():\n    pass" + end
    assert without(text, "test_a", "test_b") == ""


@pytest.mark.parametrize("codec", ["latin-1", "shift_jis", "cp1252"])
def test_encoding_and_mixed_line_ends_stay(codec: str) -> None:
    text = f"# coding: {codec}\r\nX = 'é' and b''\n\r\rdef test_a():\r    pass\r\n\n\r\ndef test_b():\n    'é'\r"
    data = text.encode(codec, "ignore")
    expected = text.replace("\r\rdef test_a():\r    pass\r\n", "").encode(codec, "ignore")
    assert withdraw_tests(data, ["test_a"], []) == expected


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("test_ab", "Did you mean test_abc?"),
        ("zzz", "Its functions: test_abc, helper."),
        ("test_method", "Its functions"),
    ],
)
def test_a_function_that_is_not_there_is_told(name: str, told: str) -> None:
    text = "def test_abc():\n    pass\n\n\ndef helper():\n    pass\n\n\nclass TestC:\n    def test_method(self):\n        pass\n"
    with pytest.raises(UsageError, match=f"There is no function {name} at the top level") as caught:
        without(text, name)
    assert told in caught.value.next_step
    with pytest.raises(UsageError) as caught:
        without("X = 1\n", "test_a")
    assert caught.value.next_step == "Its functions: none."


@pytest.mark.parametrize("data", [b"def test_a(:\n", b"# coding: no-such-codec\n", b"x = '\xff'\n", b"x = 1\0\n"])
def test_a_file_that_is_no_python_is_told(data: bytes) -> None:
    with pytest.raises(TargetError):
        withdraw_tests(data, ["test_a"], [])
    with pytest.raises(TargetError):
        same_definition(data, b"", "test_a")
    with pytest.raises(TargetError):
        same_definition(b"", data, "test_a")


# ------------------------------------------------------------------------------------------------ helpers


HELPED = """\
import json

import pytest

LAMP = ("lamp", 3)
OTHER = 1


class Basket:
    owner = LAMP


def filled(*items):
    return json.dumps([Basket.owner, *items])


@pytest.fixture
def cart():
    return filled(1)


def even(n):
    return n == 0 or odd(n - 1)


def odd(n):
    return n != 0 and even(n - 1)


def test_a(cart):
    assert cart


def test_b():
    assert filled(2)


def test_c():
    assert odd(3)


@pytest.mark.usefixtures("cart")
def test_d():
    assert OTHER
"""
HELPERS = ["LAMP", "OTHER", "Basket", "filled", "cart", "even", "odd"]
HELPED_IMPORTS = [Import("json"), Import("pytest")]


def defined(text: str) -> set[str]:
    """What a file defines and imports, its tests aside."""
    found: set[str] = set()
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found.update(target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
    return {name for name in found if not name.startswith("test_")}


@pytest.mark.parametrize(
    ("names", "gone"),
    [
        (["test_a"], set()),  # ``test_d`` has the fixture by its name in a string
        (["test_a", "test_d"], {"cart", "OTHER", "pytest"}),
        (["test_b"], set()),
        (["test_c"], {"even", "odd"}),
        (["test_a", "test_b", "test_d"], {"cart", "OTHER", "pytest", "filled", "Basket", "LAMP", "json"}),
    ],
)
def test_helpers_that_nothing_uses_any_more_go_too(names: list[str], gone: set[str]) -> None:
    left = withdraw_tests(HELPED.encode(), names, HELPED_IMPORTS, HELPERS).decode()
    assert defined(left) == {*HELPERS, "json", "pytest"} - gone
    assert not re.search("\n{4}", left)
    assert format_source(left, Style(), first_party="shop") == left


def test_helpers_that_are_not_of_the_run_stay() -> None:
    left = withdraw_tests(HELPED.encode(), ["test_c"], HELPED_IMPORTS, ["even"]).decode()
    assert defined(left) == {*HELPERS, "json", "pytest"}  # ``odd`` is of somebody else, and uses it


@pytest.mark.parametrize(
    "more",
    [
        "\n\ndef test_mine():\n    assert even(2)\n",
        "\n\n@pytest.mark.parametrize('n', [1])\ndef test_mine(n, even):\n    pass\n",
        "\n\ndef test_mine(request):\n    assert request.getfixturevalue('even')\n",
        "\n\n__all__ = ['even']\n",
        "\n\neven = 1\n",
    ],
)
def test_a_helper_that_the_users_own_code_has_taken_up_stays(more: str) -> None:
    left = withdraw_tests((HELPED + more).encode(), ["test_c"], HELPED_IMPORTS, HELPERS).decode()
    assert "def even(n):" in left


def test_a_helper_that_shares_its_line_stays() -> None:
    text = "A = 1; B = 2\n\n\ndef test_a():\n    assert A\n"
    assert withdraw_tests(text.encode(), ["test_a"], [], ["A"]).decode() == "A = 1; B = 2\n"


def test_several_names_of_one_statement_go_together() -> None:
    text = "A, B = 1, 2\n\n\ndef test_a():\n    assert A\n\n\ndef test_b():\n    assert B\n"
    one = withdraw_tests(text.encode(), ["test_a"], [], ["A", "B"]).decode()
    assert one == "A, B = 1, 2\n\n\ndef test_b():\n    assert B\n"
    assert withdraw_tests(text.encode(), ["test_a", "test_b"], [], ["A", "B"]) == b""


@pytest.mark.parametrize("name", FILES)
def test_an_agents_tests_come_out_again_with_all_that_came_with_them(name: str) -> None:
    source = (AGENT_FILES / "shop.py").read_text(encoding="utf-8")
    target = Target(Path("/w"), Path("/w/shop.py"), "shop", Path("/w"), None, 1, source.count("\n"), source)
    original = FILES[name].encode()
    for file in ("plain", "classes", "doubles"):
        text = (AGENT_FILES / f"{file}.py").read_text(encoding="utf-8")
        suite = compose_test_file(read_tests(text, target, prefix="o").candidates, target, Style(), original)
        names = [test.name for test in suite.suite.tests]
        assert suite.suite.support, file
        assert withdraw_tests(suite.data, names, suite.suite.imports, tuple(suite.suite.support)) == original


# ------------------------------------------------------------------------------------------------ imports of names


def left_of(statement: str, rest: str = "X = 1\n", imports: Collection[Import] = IMPORTS) -> str:
    """What is left of an import statement above other code."""
    result = without(f"import os\n{statement}\n\n\n{rest}", imports=imports)
    assert result.startswith("import os\n")
    assert result.endswith(f"\n\n\n{rest}")
    return result.removeprefix("import os\n").removesuffix(f"\n\n{rest}").removesuffix("\n")


@pytest.mark.parametrize(
    "rest",
    [
        "print(re)\n",
        "def test_a():\n    return re.escape\n",
        "def test_a(x: re.Pattern) -> None:\n    pass\n",
        "def test_a(x: 'list[re.Pattern]') -> None:\n    pass\n",
        "def test_a() -> 're.Pattern':\n    pass\n",
        "def test_a() -> re.Pattern:\n    pass\n",
        "x: re.Pattern\n",
        "__all__ = ['re']\n",
        "def test_a(re):\n    pass\n",
        "@pytest.mark.usefixtures('re')\ndef test_a():\n    pass\n",
        "def test_a():\n    global re\n    re = 1\n",
        "class C:\n    x = re\n",
        "f = lambda: [re for _ in ()]\n",
        "try:\n    re\nexcept E:\n    pass\n",
    ],
)
def test_an_import_that_is_used_stays(rest: str) -> None:
    assert left_of("import re", rest) == "import re"
    future = f"from __future__ import annotations\n\nimport re\n\n\n{rest}"
    assert without(future, imports=IMPORTS) == future


@pytest.mark.parametrize(
    "rest",
    [
        "X = other.re\n",
        "def test_a():\n    re = 1\n    return re\n",
        "def test_a():\n    '''re'''\n",
        "X = 'with re in prose'\n",
        "f(re=1)\n",
        "X = 1  # re\n",
        "def test_a():\n    import re\n    return re\n",
    ],
)
def test_an_import_that_is_not_used_goes(rest: str) -> None:
    assert left_of("import re", rest) == ""


def test_imports_that_are_not_ours_stay() -> None:
    text = "import os\nimport re as r\nfrom . import slugify\nfrom .shop.pricing import slugify\nfrom other import slugify\nimport shop.pricing\n\n\nX = 1\n"
    assert without(text, imports=IMPORTS) == text
    inner = "if X:\n    import re\n\n\ntry:\n    from shop.pricing import slugify\nexcept ImportError:\n    pass\n"
    assert without(inner, imports=IMPORTS) == inner


@pytest.mark.parametrize(
    ("wanted", "statement"),
    [
        (Import("re", None, "re"), "import re"),
        (Import("re"), "import re as re"),
        (Import("re", None, "regex"), "import re as regex"),
        (Import("shop.pricing", "slugify", "s"), "from shop.pricing import slugify as s"),
        (Import("shop.pricing"), "import shop.pricing"),
    ],
)
def test_imports_are_known_with_their_names(wanted: Import, statement: str) -> None:
    assert left_of(statement, imports=[wanted]) == ""
    assert left_of(statement, f"print({wanted.bound})\n", imports=[wanted]) == statement


def test_a_submodule_goes_when_its_package_alone_is_used() -> None:
    ours = [Import("shop.pricing")]
    assert left_of("import shop.pricing", "shop.other.x\n", imports=ours) == "import shop.pricing"
    both = "import shop.cart\nimport shop.pricing"
    assert left_of(both, "shop.cart.x\n", imports=ours) == "import shop.cart"
    assert left_of(both, "shop.pricing.x\n", imports=ours) == both


NAMES = [Import("m", "b"), Import("m", "d", "e")]


@pytest.mark.parametrize(
    ("statement", "left"),
    [
        ("from m import a, b", "from m import a"),
        ("from m import b, a", "from m import a"),
        ("from m import a, b, c, d as e", "from m import a, c"),
        ("from m import b, c, d as e", "from m import c"),
        ("from m import b, d as e", ""),
        ("from m import (b)", ""),
        ("from m import (a, b)", "from m import (a)"),
        ("from m import (a, b,)", "from m import (a,)"),
        ("from m import (\n    a,\n    b,\n)", "from m import (\n    a,\n)"),
        ("from m import (\n    b,\n    a,\n)", "from m import (\n    a,\n)"),
        ("from m import (\n    b,  # why\n    a,  # why not\n)", "from m import (\n    a,  # why not\n)"),
        ("from m import (\n    a,  # why\n    b\n)", "from m import (\n    a,  # why\n)"),
        ("from m import (\n    a, b,\n    c, d as e\n)", "from m import (\n    a,\n    c\n)"),
        ("from m import (\n    b, a,\n    d as e, c,\n)", "from m import (\n    a,\n    c,\n)"),
        ("from m import (\n    a,\n    d as\n        e,\n    c,\n)", "from m import (\n    a,\n    c,\n)"),
        ("from m import (a,\n    b)", "from m import (a)"),
        ("from m import (a,  # why\n    b)", "from m import (a,  # why\n    )"),
        ("from m import (b,\n    a)", "from m import (a)"),
        ("from m import (a\n    , b\n    , c\n)", "from m import (a\n    , c\n)"),
        ("from m import a, \\\n    b", "from m import a"),
        ("from m import b, \\\n    a", "from m import a"),
        ("from m import a, \\\n    b, \\\n    c", "from m import a, \\\n    c"),
        ("from m import b, a  # noqa", "from m import a  # noqa"),
        ("from m import a, b; import q", "from m import a, b; import q"),
        ("from m import b; X = [\n1]", "from m import b; X = [\n1]"),
        ("from m import (\n    a,\n    b,  # why\n    c,\n)", "from m import (\n    a,\n    c,\n)"),
        ("from m import b\nfrom m import b  # mine", "from m import b  # mine"),
        ("from ä import ö, b", "from ä import ö, b"),
    ],
)
def test_names_go_out_of_a_statement_that_others_share(statement: str, left: str) -> None:
    assert left_of(statement, imports=NAMES) == left


def test_several_names_of_other_statements_go() -> None:
    imports = [Import("ä", "ö"), Import("b"), Import("c.d")]
    assert left_of("from ä import ü, ö, é\nimport a, b, c.d, e", imports=imports) == "from ä import ü, é\nimport a, e"


def test_line_ends_of_a_rewritten_statement_are_those_of_the_file() -> None:
    data = b"from m import (\n    a,\n    b,\r\n    c, d as e\n)\n\r\n\r\nX = 1\r\n\r\n\r\n"
    assert withdraw_tests(data, [], NAMES) == b"from m import (\n    a,\n    c\r\n)\n\r\n\r\nX = 1\r\n\r\n\r\n"


# ------------------------------------------------------------------------------------------------ for all files


STATEMENT = st.sampled_from(
    [
        "import os",
        "import os, sys",
        "import re as regex",
        "from shop import pricing",
        "from typing import *",
        "X = 1",
        'Y = """\nimport z\n\n\n"""',
        "import json; Z = [\n  1,\n]",
        "if X:\n\timport abc\n\tdef test_t(): pass",
        "def test_a():\n    pass",
        "@deco\n@deco(\n 1)\nasync def test_b():\n  await x\n  # inner",
        "class TestC:\n  def test_c(self): ...",
        "def helper(): return regex",
        "# comment",
        "    # indented comment",
        "",
        "\x0c",
        "a = 1 \\\n  + 2",
        'if __name__ == "__main__":\n    main()',
        "import last  # why",
        "b = 1 ; c = 2 ;",
        "d = '\u2028 \x85'",
    ]
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(STATEMENT, max_size=9),
    st.one_of(st.just(["\r"]), st.lists(st.sampled_from(["\n", "\r\n"]), min_size=1, max_size=4)),
    st.sampled_from(["utf-8", "latin-1", "utf-8-sig"]),
    st.sampled_from(["", "\n"]),
)
@example(["import os", "def test_a():\n    pass"], ["\n"], "utf-8", "")
def test_merging_and_withdrawing_changes_blank_lines_at_most(
    statements: list[str], ends: list[str], codec: str, end: str
) -> None:
    """Any file, of whatever spacing: all that is not blank is as it was."""
    header = ["# -*- coding: latin-1 -*-"] if codec == "latin-1" else []
    pieces = ("\n".join([*header, *statements]) + end).split("\n")
    text = "".join(piece + ends[index % len(ends)] for index, piece in enumerate(pieces[:-1])) + pieces[-1]
    original = text.encode(codec, "ignore")
    try:
        ast.parse(SourceFile.of(original).text)
        after = merged(original)
    except (SyntaxError, TargetError, WriteFailure):
        return  # not a file that there can be
    result = withdraw_tests(after, ["test_new"], IMPORTS)
    assert code_of(result) == code_of(original)
    assert result.endswith((b"\n", b"\r")) == (original.endswith((b"\n", b"\r")) and result != b"")


def code_of(data: bytes) -> list[bytes]:
    """The lines that are not blank; whether the last one has an end is another question."""
    lines = [line for line in lines_of(data) if line.strip()]
    return [*lines[:-1], *(line.rstrip(b"\r\n") for line in lines[-1:])]


def lines_of(data: bytes) -> list[bytes]:
    return re.findall(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z", data)


BLOCK = st.sampled_from(
    [
        "def test_a():\n    pass",
        "def helper():\n    return 1",
        "class TestB:\n    def test_b(self):\n        pass",
        "@deco\nasync def test_c():\n    # why\n    await x",
        "X = [\n    1,\n\n\n]",
        "# of what follows\ndef other(): pass",
        'if __name__ == "__main__":\n    main()',
    ]
)
IMPORT_BLOCK = st.sampled_from(
    [
        "",
        "import os",
        "import os\nimport sys",
        "import os\n\nimport pytest\n\nfrom shop import pricing",
        "from shop import a",
    ]
)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(["", '"""Mine."""', "#!/usr/bin/python\n# Mine"]),
    IMPORT_BLOCK,
    st.lists(BLOCK, max_size=5),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["", "\n"]),
    st.sampled_from([("", []), (STATEMENTS, IMPORTS), ("import re\n", IMPORTS[:1])]),
    st.sampled_from([(TESTS, ["test_new"]), (TWO_TESTS, ["test_new", "test_newer"])]),
)
def test_merging_and_withdrawing_is_nothing_in_a_file_with_the_usual_blank_lines(  # noqa: PLR0917 - drawn by name
    header: str,
    imports: str,
    blocks: list[str],
    newline: str,
    end: str,
    added: tuple[str, list[Import]],
    tests: tuple[str, list[str]],
) -> None:
    head = "\n\n".join(part for part in (header, imports) if part)
    text = "\n\n\n".join(part for part in (head, *blocks) if part)
    if text.startswith("# of"):
        return  # a comment at the very beginning is the file's, and has no blank line below it
    original = (text + end if text else "").replace("\n", newline).encode()
    try:
        after = merged(original, added[0], tests[0])
    except WriteFailure:
        return
    assert withdraw_tests(after, tests[1], added[1]) == original


# ------------------------------------------------------------------------------------------------ the same test


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("def test_a():\n    pass\n", "X = 1\n\n\ndef test_a():\n    pass\n\n\nY = 1\n", True),
        ("def test_a():\n    pass\n", "def test_a():\r\n    pass", True),
        ("def test_a():\n    pass\n", "def test_a():\n    pass  # mine\n", False),
        ("def test_a():\n    pass\n", "def test_a():\n    pass\n    # mine\n", False),
        ("def test_a():\n    pass\n", "@mark\ndef test_a():\n    pass\n", False),
        ("def test_a():\n    pass\n", "async def test_a():\n    pass\n", False),
        ("def test_a():\n    pass\n", "def test_b():\n    pass\n", False),
        ("def test_b():\n    pass\n", "def test_a():\n    pass\n", False),
        ("X = 1\n", "X = 1\n", False),
        ("test_a = 1\n", "X = 1\ntest_a = 1\n", True),
        ("test_a: int = 1\n", "test_a: int = 2\n", False),
        ("test_a, b = 1, 2\n", "test_a, b = 1, 2\n", True),
        ("@mark\nclass test_a:\n    x = 1\n", "@mark\nclass test_a:\n    x = 1\n\n\nY = 1\n", True),
        ("@mark\nclass test_a:\n    x = 1\n", "class test_a:\n    x = 1\n", False),
        ("def test_a():\n    'ä'\n", "\ufeffdef test_a():\n    'ä'\n", True),
    ],
)
def test_an_edited_test_is_told_from_the_one_that_was_written(one: str, other: str, is_same: bool) -> None:  # noqa: FBT001 - a column of the table
    assert same_definition(one.encode(), other.encode(), "test_a") is is_same


def test_blank_lines_that_the_merge_had_to_put_in_stay() -> None:
    text = "import os\ndef test_a():\n    assert os\nX = 1\n"
    result = withdraw_tests(merged(text.encode()), ["test_new"], IMPORTS).decode()
    assert result == "import os\n\ndef test_a():\n    assert os\n\n\nX = 1\n"
