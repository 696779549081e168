"""Rules that keep the code base true to its design; ruff and import-linter check the rest."""

from __future__ import annotations

import ast
import statistics
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
FILES = sorted((REPOSITORY / "hermes_trio").rglob("*.py")) + sorted((REPOSITORY / "adapters").rglob("*.py"))
MUTABLE = (ast.Dict, ast.List, ast.Set, ast.DictComp, ast.ListComp, ast.SetComp)
FORBIDDEN_MODULES = frozenset({"asyncio", "contextvars", "logging"})
# Users' hook handlers were written for asyncio; each runs in a worker thread with a loop of its own.
ALLOWED_MODULES = {"hermes_trio/tools/hook_python.py": {"asyncio"}}
LONGEST_FUNCTION = 60
LONGEST_FILE = 500

Function = ast.FunctionDef | ast.AsyncFunctionDef


def name_of(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


def functions(tree: ast.AST) -> list[Function]:
    return [node for node in ast.walk(tree) if isinstance(node, Function)]


def code_lines(source: str, node: ast.Module | Function) -> int:
    """Lines with code: without blank lines, comments and docstrings."""
    first = 1 if isinstance(node, ast.Module) else node.lineno
    last = len(source.splitlines()) if isinstance(node, ast.Module) else (node.end_lineno or first)
    lines = set(range(first, last + 1))
    for inner in ast.walk(node):
        if isinstance(inner, ast.Expr) and isinstance(inner.value, ast.Constant) and isinstance(inner.value.value, str):
            lines -= set(range(inner.lineno, (inner.end_lineno or inner.lineno) + 1))
    texts = source.splitlines()
    return sum(1 for number in lines if texts[number - 1].strip() and not texts[number - 1].strip().startswith("#"))


def is_mutable(value: ast.expr | None) -> bool:
    if isinstance(value, ast.Call):
        return isinstance(value.func, ast.Name) and value.func.id in {"dict", "list", "set", "deque", "defaultdict"}
    return isinstance(value, MUTABLE)


def annotation_of(node: ast.stmt) -> str:
    return ast.unparse(node.annotation) if isinstance(node, ast.AnnAssign) else ""


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_module_has_no_state_and_no_ambient_context(path):
    source = path.read_text()
    tree = ast.parse(source)
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and is_mutable(node.value):
            # A table of constants is data, not state; it says so by its annotation. Exports are a convention.
            is_constant = annotation_of(node).startswith(("Mapping[", "Final[Mapping["))
            is_exports = "__all__" in ast.unparse(node)
            assert is_constant or is_exports, f"{name_of(path)}:{node.lineno} mutable state in a module"
    for node in ast.walk(tree):
        assert not isinstance(node, ast.Global), f"{name_of(path)}:{node.lineno} global"
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            found = {name.split(".")[0] for name in names} & FORBIDDEN_MODULES
            found -= ALLOWED_MODULES.get(name_of(path), set())
            assert not found, f"{name_of(path)}:{node.lineno} imports {found}"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_rooms_are_small(path):
    source = path.read_text()
    tree = ast.parse(source)
    assert code_lines(source, tree) <= LONGEST_FILE
    for function in functions(tree):
        assert code_lines(source, function) <= LONGEST_FUNCTION, f"{name_of(path)}:{function.lineno} {function.name}"


def test_most_functions_are_short():
    lengths = sorted(
        code_lines(source, function)
        for source in (path.read_text() for path in FILES)
        for function in functions(ast.parse(source))
    )
    assert statistics.median(lengths) <= 8
    assert lengths[int(len(lengths) * 0.95)] <= 35


def test_only_the_command_line_reads_the_environment():
    readers = {
        name_of(path).split("/")[1]
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"os.environ", "os.environb", "os.getenv"}
    }
    assert readers <= {"cli"}


def test_only_two_packages_are_shipped():
    import tomllib

    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert packages == ["hermes_trio", "adapters/hermes_trio_adapters"]
