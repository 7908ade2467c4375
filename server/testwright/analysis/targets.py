"""From what a user asks for to a target: a file that can be tested, its name and the lines that are meant."""

from __future__ import annotations

import ast
import io
import os
import re
import stat
import sys
import tokenize
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from testwright.analysis.buffers import Buffers
from testwright.analysis.modules import did_you_mean, looks_like_test_name, name_module
from testwright.analysis.modules import find_module_by_name as find_module
from testwright.analysis.project import read_project
from testwright.analysis.symbols import ModuleSymbols, PublicCallable, find_symbols
from testwright.errors import TargetError, UsageError
from testwright.model import Project, Target

MAX_SOURCE_BYTES = 1024 * 1024
"""A module of more than this is generated data; the largest modules of the standard library have some 250 KB."""

WORKSPACE_MARKERS = ("pyproject.toml", "setup.py", "setup.cfg", "pytest.ini", "tox.ini", ".git")

# Syntax of a Python newer than the oldest one that Testwright runs on, as the beginning of a statement.
_NEWER_SYNTAX = (
    ((3, 12), re.compile(r"^\s*(?:type\s+\w+(?:\[.*\])?\s*=|(?:async\s+)?def\s+\w+\[|class\s+\w+\[)")),
    ((3, 14), re.compile(r"""^\s*except\*?\s+[\w.]+\s*,\s*(?:\w+\.)*[A-Z][^()]*:|(?<![\w"'])t[rR]?["']""")),
)


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for.

    Attributes:
        path: The file, as given.
        symbol: Qualified name in it, None for the whole module.
    """

    path: Path
    symbol: str | None = None


def parse_request(text: str) -> Request:
    """Read ``src/cart.py``, ``src/cart.py::Cart.total`` or, as pytest writes it, ``src/cart.py::Cart::total``.

    Raises:
        UsageError: Nothing before the colons, or no name after them.
    """
    match = re.fullmatch(r"(.*?\.pyw?)::(.*)", text, re.DOTALL) or re.fullmatch(r"(.*)::([^/\\]*)", text, re.DOTALL)
    path, symbol = (match[1], match[2].replace("::", ".")) if match else (text, None)
    if not path.strip() or "\0" in path:
        raise UsageError(
            f"{text!r} names no file.", next_step="Give a Python file: src/cart.py or src/cart.py::Cart.total."
        )
    if symbol is not None and not all(part.isidentifier() for part in symbol.split(".")):
        raise UsageError(
            f"{symbol!r} after the colons in {text!r} is not a name.",
            next_step="Write it as in src/cart.py::Cart.total.",
        )
    return Request(Path(path), symbol)


def find_workspace(path: Path) -> Path:
    """The root of the project that holds a file or a folder.

    It is the nearest folder with one of ``WORKSPACE_MARKERS``; without any, the current folder when the path is below
    it; else the folder above the topmost package, or above ``src``. The home folder and the root of the file system are
    never taken: a ``.git`` or a stray ``setup.cfg`` there says nothing about a project.

    Returns:
        Absolute, resolved.
    """
    path = Path(os.path.abspath(path))  # noqa: PTH100 - links are not followed here: the path as the user names it counts
    start = path if path.is_dir() else path.parent
    never = {Path(start.anchor), *_home()}
    for folder in (start, *start.parents):
        if folder not in never and any((folder / marker).exists() for marker in WORKSPACE_MARKERS):
            return folder.resolve()
    here = Path.cwd()
    if here not in never and start.is_relative_to(here):
        return here.resolve()
    folder = start
    while (folder / "__init__.py").is_file() and folder.parent not in never:
        folder = folder.parent
    if folder.name == "src" and folder.parent not in never:
        folder = folder.parent
    return folder.resolve()


def find_module_by_name(workspace: Path, name: str) -> Path:
    """The file of the module called ``acme.cart``, or ``cart`` where one module alone ends so.

    Raises:
        UsageError: None is called that, or several are; the names are told.
        SettingsError: The project's settings cannot be read.
    """
    return find_module(read_project(workspace.resolve()), name)


def resolve_target(
    path: Path,
    *,
    symbol: str | None = None,
    workspace: Path | None = None,
    project: Project | None = None,
    buffers: Mapping[Path, str] | None = None,
) -> Target:
    """Make a target of a file.

    Args:
        path: As given; relative to the current folder, else to the workspace.
        symbol: Qualified name of a class, function or method in it; None for the whole module.
        workspace: Root of the project; looked for when None.
        project: Its settings, when they have been read already.
        buffers: Text of the documents that an editor holds, by absolute path; the file's text if it is among them,
            whatever is on the disk.

    Raises:
        UsageError: A missing path, a folder, no Python file, an unknown symbol.
        TargetError: The file cannot be tested.
        SettingsError: The project's settings cannot be read.
    """
    held = Buffers.of(buffers or {})
    given = _existing(path, workspace, held)
    root = find_workspace(given) if workspace is None else workspace.resolve()
    resolved = _inside(given, root)
    data = _read(resolved, given, held)
    source = decode_source(data, given)
    tree = _parse(source, given)
    project = project if project is not None else read_project(root)
    symbols = find_symbols(tree)
    if symbol is None:
        _check_is_subject(resolved, given, tree, symbols, project)
        lines = (1, max(1, len(source.splitlines())))
    else:
        lines = _symbol_lines(symbol, tree, symbols, given)
    name = name_module(project, resolved)
    return Target(
        workspace=root,
        path=resolved,
        module=name.dotted,
        import_root=name.root,
        symbol=symbol,
        first_line=lines[0],
        last_line=lines[1],
        source=source,
    )


def callables_of(target: Target) -> tuple[PublicCallable, ...]:
    """The callables that tests are wanted for: the public ones of the module, or of the symbol (itself, if private)."""
    symbols = find_symbols(parse_source(target.source))
    if target.symbol is None:
        return symbols.public
    inside = [item for item in symbols.public if item.qualname.startswith(target.symbol + ".")]
    itself = symbols.find(target.symbol)
    return (itself, *inside) if itself is not None else tuple(inside)


def parse_source(source: str) -> ast.Module:
    """Parse without the warnings that the source may deserve.

    Raises:
        SyntaxError: It is no Python.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(source)
        except (ValueError, RecursionError, MemoryError) as error:
            raise SyntaxError(f"too complex to parse ({type(error).__name__})") from error


# ------------------------------------------------------------------------------------------------ the file


def _existing(path: Path, workspace: Path | None, buffers: Buffers) -> Path:
    """The absolute path, links not followed, of a regular Python file, or of a document that is not saved yet."""
    candidates = [Path.cwd() / path]
    if workspace is not None and not path.is_absolute():
        candidates.append(workspace / path)
    for candidate in candidates:
        try:
            mode = candidate.stat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            if candidate not in buffers:
                continue
            mode = stat.S_IFREG
        except OSError as error:
            raise UsageError(
                f"{path} cannot be looked at: {error.strerror or error}.",
                next_step="Check the path and its permissions.",
            ) from error
        return _checked(candidate, path, mode)
    link = next((candidate for candidate in candidates if candidate.is_symlink()), None)
    if link is not None:
        raise UsageError(f"{path} is a link to a file that does not exist.", next_step="Mend or remove the link.")
    raise UsageError(f"{path} does not exist.", next_step=_nearest(candidates[0]) or "Check the path.")


def _checked(candidate: Path, path: Path, mode: int) -> Path:
    if stat.S_ISDIR(mode):
        shown = path / next((item.name for item in sorted(candidate.glob("*.py"))), "module.py")
        raise UsageError(f"{path} is a folder.", next_step=f"Name one module in it: {shown}.")
    if not stat.S_ISREG(mode):
        raise UsageError(f"{path} is not a regular file.", next_step="Give a Python file.")
    if candidate.suffix != ".py":
        raise UsageError(f"{path} is not a Python file: its name does not end in .py.", next_step="Give a .py file.")
    return Path(os.path.abspath(candidate))  # noqa: PTH100 - as the user names it


def _nearest(path: Path) -> str:
    try:
        names = {item.name for item in path.parent.iterdir() if item.suffix == ".py"}
    except OSError:
        return f"There is no folder {path.parent} either: check the path." if not path.parent.exists() else ""
    return did_you_mean(path.name, names)


def _inside(given: Path, workspace: Path) -> Path:
    resolved = given.resolve()
    if resolved.is_relative_to(workspace):
        if resolved.suffix != ".py":
            raise TargetError(
                f"{given} is a link to {resolved.name}, which is no .py file.", next_step="Name that file."
            )
        return resolved
    if Path(os.path.realpath(given.parent)).is_relative_to(workspace) or given.is_relative_to(workspace):
        raise TargetError(
            f"{given} is a link out of the workspace, to {resolved}, so it is refused.",
            next_step="Name the file where it is, with its own workspace.",
        )
    raise TargetError(
        f"{given} is not in the workspace {workspace}.", next_step="Give --workspace with the folder that holds it."
    )


def read_source(path: Path, buffers: Buffers | None = None) -> str:
    """Text of a Python file, line ends as they are.

    Args:
        path: Absolute.
        buffers: What an editor holds.

    Raises:
        TargetError: It cannot be read, is too large, or is no text.
    """
    held = buffers if buffers is not None else Buffers()
    if path not in held and not path.is_file():  # a pipe would be read for ever
        what = "is not a regular file" if path.exists() else "does not exist"
        raise TargetError(f"{path.name} {what}.", next_step="Check the path.")
    given = Path(path.name)
    return decode_source(_read(path, given, held), given)


def _read(resolved: Path, given: Path, buffers: Buffers) -> bytes:
    data = buffers.data(resolved)
    if data is None:
        try:
            with resolved.open("rb") as file:
                data = file.read(MAX_SOURCE_BYTES + 1)
        except OSError as error:
            raise TargetError(
                f"{given} cannot be read: {error.strerror or error}.", next_step="Check its permissions."
            ) from error
    if len(data) > MAX_SOURCE_BYTES:
        raise TargetError(
            f"{given} is larger than {MAX_SOURCE_BYTES // 1024} KiB, which is data and not a module to test.",
            next_step="Name the module that uses it.",
        )
    return data


def decode_source(data: bytes, given: Path) -> str:
    """Text of a Python file, line ends as they are, in the encoding that it declares (PEP 263).

    Raises:
        TargetError: It is binary, or not in its encoding; the line is named.
    """
    if b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        raise TargetError(
            f"{given} is not Python source: it holds a NUL byte (line {line}), as binary files do.",
            next_step="Give a Python source file, saved as UTF-8.",
        )
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return data.decode(encoding)
    except LookupError as error:
        raise TargetError(
            f"{given} declares an encoding that is none of text: {encoding}.",
            next_step="Correct the coding line at the top of the file.",
        ) from error
    except SyntaxError as error:
        # PEP 263: an unknown encoding is declared, or UTF-8 is not what the first lines hold
        undecodable = _undecodable_line(data)
        if undecodable and "unknown encoding" not in str(error):
            raise _not_utf8(given, undecodable) from error
        raise TargetError(
            f"{given} declares an encoding that Python does not know: {error.msg}.",
            next_step="Correct the coding line at the top of the file.",
        ) from error
    except UnicodeError as error:
        line = data.count(b"\n", 0, error.start) + 1 if isinstance(error, UnicodeDecodeError) else 0
        if encoding in ("utf-8", "utf-8-sig"):
            raise _not_utf8(given, line) from error
        raise TargetError(
            f"{given} is not in the encoding that it declares, {encoding}{f' (line {line})' if line else ''}.",
            next_step="Correct the coding line, or save the file in that encoding.",
        ) from error


def _undecodable_line(data: bytes) -> int:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return data.count(b"\n", 0, error.start) + 1
    return 0


def _not_utf8(given: Path, line: int) -> TargetError:
    return TargetError(
        f"{given} is not UTF-8 and declares no other encoding (line {line}).",
        next_step="Save it as UTF-8, or declare its encoding in the first line: # -*- coding: latin-1 -*-",
    )


def _parse(source: str, given: Path) -> ast.Module:
    try:
        tree = parse_source(source)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # what the parser lets pass and the compiler does not: a return outside a function. Nothing is run.
            compile(tree, str(given), "exec", dont_inherit=True)
    except SyntaxError as error:
        raise syntax_failure(given, source, error) from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise TargetError(
            f"{given} is nested too deeply to be compiled ({type(error).__name__}).",
            next_step="Split the expression that is nested.",
        ) from error
    return tree


def syntax_failure(given: Path, source: str, error: SyntaxError) -> TargetError:
    """The error for a file with a syntax error: line, column and text, and whether a newer Python would take it."""
    line = error.lineno or 0
    lines = source.splitlines()
    text = lines[line - 1].strip() if 0 < line <= len(lines) else ""
    shown = text if len(text) <= 80 else text[:77] + "..."
    where = f" (line {line}, column {error.offset or 1}: {shown})" if line else ""
    ours = sys.version_info[:2]
    newer = next((version for version, pattern in _NEWER_SYNTAX if version > ours and pattern.search(text)), None)
    if newer is not None:
        return TargetError(
            f"{given} uses syntax of Python {newer[0]}.{newer[1]}, and Testwright runs on {ours[0]}.{ours[1]}: "
            f"{error.msg}{where}.",
            next_step=f"Install Testwright under Python {newer[0]}.{newer[1]} or newer.",
        )
    return TargetError(
        f"{given} has a syntax error: {error.msg}{where}.",
        next_step=f"Correct that line, or, if it needs a Python newer than {ours[0]}.{ours[1]}, run Testwright on it.",
    )


# ------------------------------------------------------------------------------------------------ what is in it


def _check_is_subject(resolved: Path, given: Path, tree: ast.Module, symbols: ModuleSymbols, project: Project) -> None:
    if looks_like_test_name(resolved, project.python_files) and (
        resolved.name == "conftest.py" or has_tests(tree, project.python_functions)
    ):
        raise TargetError(f"{given} is a test file itself.", next_step="Give the module that it tests.")
    if symbols.public:
        return
    if not tree.body:
        raise TargetError(
            f"{given} is empty: there is nothing to test.", next_step="Give a module with functions or classes."
        )
    private = [item.qualname for item in symbols.private if "." not in item.qualname]
    next_step = (
        f"Name a private one if you want it tested: {given.name}::{private[0]}."
        if private
        else "Give a module that defines functions or classes itself, not one that only imports them."
    )
    raise TargetError(f"{given} defines no public function or class: there is nothing to test.", next_step=next_step)


def has_tests(tree: ast.Module, functions: tuple[str, ...] = ("test",)) -> bool:
    """Whether a module holds what pytest collects: test functions, test classes, unittest's cases."""
    prefixes = tuple(prefix.rstrip("*") for prefix in functions) or ("test",)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith(prefixes):
            return True
        if isinstance(node, ast.ClassDef):
            bases = {getattr(base, "attr", getattr(base, "id", "")) for base in node.bases}
            methods = [item.name for item in node.body if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)]
            is_case = node.name.startswith("Test") or any(base.endswith("TestCase") for base in bases)
            if is_case and any(name.startswith(("test", *prefixes)) for name in methods):
                return True
    return False


def _symbol_lines(symbol: str, tree: ast.Module, symbols: ModuleSymbols, given: Path) -> tuple[int, int]:
    found = symbols.find(symbol)
    if found is not None:
        return found.first_line, found.last_line
    owner = _class_lines(tree, symbol)
    if owner is not None and any(item.qualname.startswith(symbol + ".") for item in symbols.callables):
        return owner  # an abstract class: its concrete methods are tested through a subclass
    if symbol in symbols.other or owner is not None:
        raise UsageError(
            f"{symbol} in {given} cannot be called: it is a constant, abstract, or only describes a shape.",
            next_step="Name a function, a class or a method.",
        )
    known = [item.qualname for item in symbols.callables]
    listed = f"Known there: {', '.join(known[:8])}." if known else "The module defines nothing that can be called."
    last = symbol.rpartition(".")[2]
    same = [name for name in known if name.rpartition(".")[2] == last]
    next_step = f"Did you mean {' or '.join(same[:3])}?" if same else did_you_mean(symbol, known) or listed
    raise UsageError(f"{given} has no {symbol}.", next_step=next_step)


def _class_lines(tree: ast.Module, qualname: str) -> tuple[int, int] | None:
    body: list[ast.stmt] = tree.body
    found: ast.ClassDef | None = None
    for name in qualname.split("."):
        found = next((node for node in body if isinstance(node, ast.ClassDef) and node.name == name), None)
        if found is None:
            return None
        body = found.body
    if found is None:
        return None
    first = min([found.lineno, *(decorator.lineno for decorator in found.decorator_list)])
    return first, found.end_lineno or found.lineno


def _home() -> set[Path]:
    try:
        home = Path.home()
    except RuntimeError:  # a user without a home folder
        return set()
    return {home, home.resolve()}
