"""Tests go into a file that is there, and every byte of it stays."""

from __future__ import annotations

import ast
import codecs
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from testwright.errors import TargetError, WriteFailure
from testwright.model import Candidate, Import, Style, Target
from testwright.writing.compose import compose_test_file
from testwright.writing.encoding import SourceFile
from testwright.writing.merge import merge_tests

MakeCandidate = Callable[..., Candidate]
IMPORTS = "import re\n\nfrom shop.pricing import slugify\n"
TESTS = "def test_new():\n    assert slugify('ü') == re.escape('x')\n"


def merged(original: bytes, imports: str = IMPORTS, tests: str = TESTS) -> bytes:
    return merge_tests(SourceFile.of(original), imports, tests, first_party="shop")


def lines_kept(original: bytes, result: bytes) -> bool:
    """Whether the original is the result with whole runs of text taken out: at most two."""
    inserted = len(result) - len(original)
    starts = [at for at in range(len(original) + 1) if result.startswith(original[:at])]
    for first in starts:
        for length in range(inserted + 1):
            rest = result[first + length :]
            second = len(original) - first
            for at in range(second + 1):
                if rest[:at] != original[first : first + at]:
                    break
                if rest[at + inserted - length :] == original[first + at :]:
                    return True
    return False


FILES = {
    "functions": (
        '"""Mine."""\n\nimport os\n\nimport pytest\n\n\ndef test_a():\n    assert os\n\n\ndef helper():\n    pass\n'
    ),
    "classes only": "import unittest\n\n\nclass Prices(unittest.TestCase):\n    def test_a(self):\n        pass\n",
    "tabs": "import os\ndef test_a():\n\tif os:\n\t\tassert os\n",
    "star import": "from shop.pricing import *\n\ndef test_a():\n    assert is_even(2)\n",
    "form feed": "import os\n\x0c\ndef test_a():\n    assert os\n\x0c\nLAST = 1\n",
    "continuation": "import os, \\\n    sys\nx = 1 + \\\n  2\n\ndef test_a(): assert \\\n  x\n",
    "decorators": "import pytest\n@pytest.mark.skip\n@pytest.mark.x(\n    1\n)\ndef test_a():\n    pass\n",
    "nested": (
        "def test_a():\n    def test_inner():\n        pass\n    class TestInner:\n        pass\n    test_inner()\n"
    ),
    "conditional": (
        "import sys\nif sys:\n    def test_a():\n        pass\nelse:\n    def test_b():\n        pass\nX = 1\n"
    ),
    "main guard": 'import os\n\ndef test_a():\n    pass\n\nif __name__ == "__main__":\n    os.abort()\n',
    "main guard without tests": 'import os\n\n# run\nif __name__ == "__main__":\n    os.abort()\n',
    "future": '"""Mine."""\nfrom __future__ import annotations\n\ndef test_a(): pass\n',
    "docstring only": '"""Mine."""\n',
    "docstring and code on a line": '"""Mine."""; X = [\n1]\n',
    "imports on a line": "import os; import sys; X = (\n1,\n)\ndef test_a(): pass\n",
    "shebang and cookie": "#!/usr/bin/python\n# -*- coding: utf-8 -*-\n# Mine\ndef test_a(): pass\n",
    "comments only": "# nothing yet\n",
    "empty": "",
    "blank": "\n\n\n",
    "no final newline": "import os\ndef test_a():\n    assert os",
    "no final newline, imports only": "import os",
    "comment at the end": "def test_a():\n    pass\n    # more to come\n\n# done\n",
    "comment of the next": "def test_a():\n    pass\n# a helper\ndef helper(): pass\n",
    "late import": "def test_a():\n    pass\n\nimport os\n",
    "late import before the last test": "def test_a():\n    pass\nimport os\ndef test_b(): pass\n",
    "guarded imports": "import os\ntry:\n    import re\nexcept ImportError:\n    re = None\n\ndef test_a(): pass\n",
    "type checking": (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n"
        "    from shop.pricing import slugify\n\ndef test_a(): pass\n"
    ),
    "string that looks like a test": 'X = """\ndef test_a():\n    pass\n"""\n',
    "trailing space and semicolons": "import os ;  \nx = 1;y = 2 ;\ndef test_a(): pass ;\n",
    "backslash at the end": "import os \\\n\ndef test_a(): pass\n",
    "non-ASCII": "ÄÖ = 'ß€😀'\n\ndef test_ü():\n    pass\n",
}


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", [b"", codecs.BOM_UTF8], ids=["", "bom"])
@pytest.mark.parametrize("name", FILES)
def test_every_byte_is_kept_and_the_result_is_the_sum(name: str, bom: bytes, newline: str) -> None:
    original = bom + FILES[name].replace("\n", newline).encode()
    result = merged(original)
    assert lines_kept(original, result)
    assert result.startswith(bom)
    text = SourceFile.of(result).text
    statements = [ast.unparse(node) for node in ast.parse(text).body]
    before = [ast.unparse(node) for node in ast.parse(SourceFile.of(original).text).body]
    new = ["import re", "from shop.pricing import slugify", ast.unparse(ast.parse(TESTS))]
    assert [one for one in statements if one not in new] == [one for one in before if one not in new]
    assert sorted(statements) == sorted(before + new)
    assert statements.index(new[1]) < statements.index(new[2])
    if newline.encode() in original:
        assert result.endswith(newline.encode()) == original.endswith(newline.encode())
        assert set(re.findall(rb"\r\n|\r|\n", result)) == {newline.encode()}


def after(name: str) -> str:
    return merged(FILES[name].encode()).decode()


def test_tests_stand_after_the_last_test_and_imports_after_the_last_import() -> None:
    assert after("functions") == (
        '"""Mine."""\n\nimport os\n\nimport pytest\n\nimport re\n\nfrom shop.pricing import slugify\n\n\n'
        "def test_a():\n    assert os\n\n\n" + TESTS + "\n\ndef helper():\n    pass\n"
    )


def test_file_of_classes_gets_functions_after_them() -> None:
    assert after("classes only").endswith("        pass\n\n\n" + TESTS)


def test_main_guard_stays_last() -> None:
    assert after("main guard").endswith(TESTS + '\n\nif __name__ == "__main__":\n    os.abort()\n')
    assert after("main guard without tests").endswith(TESTS + '\n\n# run\nif __name__ == "__main__":\n    os.abort()\n')


def test_conditional_tests_stay_whole() -> None:
    assert after("conditional").endswith("    def test_b():\n        pass\n\n\n" + TESTS + "\n\nX = 1\n")


def test_comments_stay_with_what_they_speak_of() -> None:
    assert after("comment at the end").endswith("    # more to come\n\n\n" + TESTS + "\n\n# done\n")
    assert after("comment of the next").endswith("    pass\n\n\n" + TESTS + "\n\n# a helper\ndef helper(): pass\n")


def test_imports_never_come_too_late_for_a_decorator() -> None:
    text = after("late import")
    assert text.index("import re") < text.index("def test_new") < text.index("import os")


def test_header_of_the_file_stays_first() -> None:
    assert after("shebang and cookie").startswith("#!/usr/bin/python\n# -*- coding: utf-8 -*-\n# Mine\n")
    assert after("future").startswith('"""Mine."""\nfrom __future__ import annotations\n\nimport re\n')
    assert after("docstring only") == '"""Mine."""\n\n' + IMPORTS + "\n\n" + TESTS


def test_empty_file_begins_with_the_imports() -> None:
    assert after("empty") == IMPORTS + "\n\n" + TESTS


def test_nothing_to_add_changes_nothing() -> None:
    for text in FILES.values():
        assert merged(text.encode(), "", "") == text.encode()


def test_latin_1_file_stays_latin_1() -> None:
    original = "# coding: latin-1\nimport os\n\ndef test_a():\n    assert 'ä'\n".encode("latin-1")
    tests = "def test_new():\n    assert slugify('ü€😀') == 'x'\n"
    result = merged(original, tests=tests)
    assert lines_kept(original, result)
    assert "'ü\\u20ac\\U0001f600'".encode("latin-1") in result
    assert ast.dump(ast.parse(result).body[-1]) == ast.dump(ast.parse(tests).body[0])


def test_name_that_the_encoding_cannot_hold_is_an_error() -> None:
    original = b"# coding: ascii\ndef test_a(): pass\n"
    with pytest.raises(WriteFailure, match="cannot be written in ascii"):
        merged(original, tests="def test_größe():\n    pass\n")


def test_mixed_line_ends_follow_the_majority() -> None:
    result = merged(b"import os\r\n\r\ndef test_a():\n    assert os\r\n")
    assert result.count(b"\r\n") == result.count(b"\n") - 1


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"def test_a(:\n", "line 1"),
        (b"# coding: no-such-codec\n", "cannot be decoded"),
        (b"x = '\xff'\n", "cannot be decoded"),
        (b"x = 1\0\n", "cannot be read as Python"),
        (b"return 1\nyield\n", "cannot be read as Python"),
    ],
)
def test_file_that_is_no_python_is_refused_with_the_line(
    data: bytes, reason: str, make: MakeCandidate, shop: Target
) -> None:
    with pytest.raises(TargetError, match=reason) as caught:
        compose_test_file([make("is_even", "is_even(2)", "result is True")], shop, Style(), data)
    assert "it was not touched" in caught.value.next_step


STATEMENT = st.sampled_from(
    [
        "import os",
        "import os, sys",
        "from shop import pricing",
        "from typing import *",
        "X = 1",
        'Y = """\nimport z\n"""',
        "import json; Z = [\n  1,\n]",
        "if X:\n\timport abc\n\tdef test_t(): pass",
        "try:\n  import q\nexcept E:\n  pass",
        "def test_a():\n    pass",
        "@deco\n@deco(\n 1)\nasync def test_b():\n  await x\n  # inner",
        "class TestC:\n  def test_c(self): ...",
        "class C(TestCase):\n\n    '''doc'''",
        "def helper(): return 1",
        "# comment",
        "    # indented comment",
        "",
        "\x0c",
        "a = 1 \\\n  + 2",
        "with x:\n  def test_w(): pass",
        'if __name__ == "__main__":\n    main()',
        "import last  # why",
        "b = 1 ; c = 2 ;",
        "lambda: 0",
        "match = 1",
        "def test_d(): pass; x = 1",
        "d = '\u2028 \x85'",
        "import os \\\n",
    ]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(STATEMENT, max_size=9),
    st.lists(st.sampled_from(["\n", "\r\n", "\r"]), min_size=1, max_size=4),
    st.sampled_from(["utf-8", "latin-1", "utf-8-sig", "shift_jis"]),
    st.sampled_from([[], ['"""Doc."""']]),
    st.sampled_from(["", "\n"]),
)
@example(["import os"], ["\n"], "utf-8", [], "\n")
def test_merging_only_inserts(
    statements: list[str], ends: list[str], codec: str, docstring: list[str], end: str
) -> None:
    header = [] if codec.startswith("utf") else [f"# -*- coding: {codec} -*-"]
    parts = [*header, *docstring, *statements]
    text = "\n".join(parts) + end
    pieces = text.split("\n")
    mixed = "".join(piece + ends[index % len(ends)] for index, piece in enumerate(pieces[:-1])) + pieces[-1]
    original = mixed.encode(codec, "ignore")
    try:
        before = ast.parse(SourceFile.of(original).text)
    except (SyntaxError, TargetError):
        return  # not a file that there can be
    result = merged(original)
    assert lines_kept(original, result)
    after_merge = ast.parse(SourceFile.of(result).text)
    new = [*ast.parse(IMPORTS).body, *ast.parse(TESTS).body]
    assert sorted(map(ast.dump, after_merge.body)) == sorted(map(ast.dump, [*before.body, *new]))


class TestNamesOfTheFile:
    def compose(self, make: MakeCandidate, shop: Target, original: str, **more: object) -> str:
        one = make("slugify", "slugify('a b')", "result == 'a-b'", **more)
        return compose_test_file([one], shop, Style(), original.encode()).data.decode()

    @pytest.mark.parametrize(
        ("original", "call"),
        [
            ("from shop.pricing import slugify\n", "slugify("),
            ("from shop.pricing import slugify as s\n", "s("),
            ("from shop.pricing import (\n    is_even,\n    slugify,\n)\n", "slugify("),
        ],
    )
    def test_import_that_is_there_is_used(self, make: MakeCandidate, shop: Target, original: str, call: str) -> None:
        text = self.compose(make, shop, original)
        assert text.startswith(original)
        assert text[len(original) :] == f'\n\ndef test_slugify():\n    assert {call}"a b") == "a-b"\n'

    @pytest.mark.parametrize(
        "original",
        [
            "from other import slugify\n",
            "slugify = 1\n",
            "def slugify(): pass\n",
            "try:\n    from shop.pricing import slugify\nexcept ImportError:\n    slugify = None\n",
            "from shop.pricing import slugify\nslugify = str(slugify)\n",
            "from shop.pricing import slugify\nfrom other import slugify\n",
            "from other import *\n\ndef test_a():\n    assert slugify\n",
            "class slugify: pass\n",
            "for slugify in (): pass\n",
        ],
    )
    def test_name_that_means_something_else_gets_an_alias(
        self, make: MakeCandidate, shop: Target, original: str
    ) -> None:
        text = self.compose(make, shop, original)
        assert "from shop.pricing import slugify as pricing_slugify\n" in text
        assert 'assert pricing_slugify("a b") == "a-b"\n' in text

    @pytest.mark.parametrize(
        "original",
        [
            "def test_a():\n    slugify = 1\n    assert slugify\n",
            "def test_a(slugify):\n    assert slugify\n",
            "from typing import TYPE_CHECKING\n",
            "from shop.pricing import *\n\ndef test_a():\n    assert slugify\n",
        ],
    )
    def test_names_in_functions_are_no_hindrance(self, make: MakeCandidate, shop: Target, original: str) -> None:
        text = self.compose(make, shop, original)
        assert "from shop.pricing import slugify\n" in text

    def test_package_under_another_name(self, make: MakeCandidate, shop: Target) -> None:
        one = make("slugify", "shop.pricing.slugify('a')", "result == 'a'", uses=(Import("shop.pricing"),))
        text = compose_test_file([one], shop, Style(), b"import web as shop\n").data.decode()
        assert "import shop.pricing as pricing\n" in text
        assert 'assert pricing.slugify("a") == "a"\n' in text

    def test_indentation_of_the_file_is_followed(self, make: MakeCandidate, shop: Target) -> None:
        assert "\n\tassert slugify(" in self.compose(make, shop, "def test_a():\n\tpass\n")
        assert "\n  assert slugify(" in self.compose(make, shop, "def test_a():\n  pass\n")


class TestSecondRun:
    def again(self, kept: list[Candidate], shop: Target, original: str) -> tuple[str, ...]:
        composed = compose_test_file(kept, shop, Style(), original.encode())
        if not composed.suite.tests:
            assert composed.data == original.encode()
        return composed.suite.already_there

    def test_nothing_is_added_twice(self, whole_shop: list[Candidate], shop: Target) -> None:
        first = compose_test_file(whole_shop, shop, Style()).data.decode()
        assert len(self.again(list(reversed(whole_shop)), shop, first)) == len(whole_shop)

    def test_only_the_new_rows_are_added(self, make: MakeCandidate, shop: Target) -> None:
        kept = [make("slugify", f"slugify({text!r})", f"result == {text.lower()!r}") for text in "ABCD"]
        first = compose_test_file(kept[:2], shop, Style()).data
        second = compose_test_file(kept, shop, Style(), first)
        assert second.suite.already_there == ("c1", "c2")
        assert [test.candidates for test in second.suite.tests] == [("c3", "c4")]
        assert compose_test_file(kept, shop, Style(), second.data).data == second.data

    @pytest.mark.parametrize(
        "existing",
        [
            "from shop.pricing import slugify\ndef test_x():\n    assert slugify('A') == 'a'\n",
            "import shop.pricing\ndef test_x():\n    assert shop.pricing.slugify('A') == 'a'\n",
            "import shop.pricing as p\ndef test_x():\n    value = p.slugify('A')\n    assert value == 'a'\n",
            "from shop import pricing\ndef test_x():\n    text = 'A'\n    assert pricing.slugify(text) == 'a'\n",
            (
                "from shop.pricing import slugify\nclass TestX:\n    def test_x(self):\n        '''Doc.'''\n"
                "        assert slugify('A') == 'a'\n"
            ),
            (
                "import pytest\nfrom shop.pricing import slugify\n"
                "@pytest.mark.parametrize('a,b', [('B', 'b'), ('A', 'a')])\n"
                "def test_x(a, b):\n    assert slugify(a) == b\n"
            ),
            (
                "import pytest\nfrom shop.pricing import slugify\n@pytest.mark.parametrize('a', ['A'])\n"
                "@pytest.mark.parametrize(['b'], [pytest.param('a', id='x')])\n"
                "def test_x(a, b):\n    assert slugify(a) == b\n"
            ),
        ],
    )
    def test_same_test_in_other_words_is_found(self, make: MakeCandidate, shop: Target, existing: str) -> None:
        kept = [make("slugify", "slugify('A')", "result == 'a'")]
        assert self.again(kept, shop, existing) == ("c1",)

    @pytest.mark.parametrize(
        "existing",
        [
            "from shop.pricing import slugify\ndef test_x():\n    assert slugify('A') == 'A'\n",
            "from other import slugify\ndef test_x():\n    assert slugify('A') == 'a'\n",
            "from shop.pricing import slugify\ndef helper():\n    assert slugify('A') == 'a'\n",
            "from shop.pricing import slugify\nasync def test_x():\n    assert slugify('A') == 'a'\n",
            "from shop.pricing import slugify\ndef test_x(monkeypatch):\n    assert slugify('A') == 'a'\n",
        ],
    )
    def test_other_test_is_not_taken_for_it(self, make: MakeCandidate, shop: Target, existing: str) -> None:
        kept = [make("slugify", "slugify('A')", "result == 'a'")]
        assert self.again(kept, shop, existing) == ()

    def test_patterns_are_compared_by_their_text(self, make: MakeCandidate, shop: Target) -> None:
        one = make("load", "load('x')", raises=("OSError", "no file (x)"))
        for pattern in ('re.escape("no file (x)")', 'r"no file \\(x\\)"', '"no\\\\ file\\\\ \\\\(x\\\\)"'):
            existing = (
                "import re\nimport pytest\nfrom shop.pricing import load\ndef test_x():\n"
                f"    with pytest.raises(OSError, match={pattern}):\n        load('x')\n"
            )
            assert self.again([one], shop, existing) == ("c1",)

    def test_ids_do_not_matter(self, whole_shop: list[Candidate], shop: Target) -> None:
        first = compose_test_file(whole_shop, shop, Style()).data.decode()
        renamed = [replace(one, id=f"other-{one.id}", scenario="something_else") for one in whole_shop]
        assert len(self.again(renamed, shop, first)) == len(whole_shop)


def test_imports_and_tests_before_a_main_guard_are_two_blank_lines_apart() -> None:
    guard = b'if __name__ == "__main__":\n    main()\n'
    result = merge_tests(SourceFile.of(guard), "import math\n", "def test_pi():\n    assert math.pi > 3\n")
    assert result == b"import math\n\n\ndef test_pi():\n    assert math.pi > 3\n\n\n" + guard
