"""Sizes of files and functions, comments, names of tests: what keeps the code readable."""

import ast
import pathlib
import re
import statistics

ROOT = pathlib.Path(__file__).parents[1]
TEXTS = {path: path.read_text(encoding="utf-8") for path in sorted((ROOT / "causalgan_tf").rglob("*.py"))}
TREES = {path: ast.parse(text) for path, text in TEXTS.items()}
TESTS = {path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "tests").glob("*.py"))}
COMMENTS = (0.02, 0.04)  # lines of comments that stand alone, a line of code
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DOCUMENTED = (ast.Module, ast.ClassDef, *FUNCTIONS)


def docstring_lines(node: ast.AST) -> range:
    """The numbers of the lines of a module's, a class' or a function's docstring."""
    if not isinstance(node, DOCUMENTED) or ast.get_docstring(node, clean=False) is None:
        return range(0)
    return range(node.body[0].lineno, node.body[0].end_lineno + 1)


def test_files_have_at_most_400_lines_and_a_median_of_at_most_120():
    sizes = {path: text.count("\n") for path, text in TEXTS.items()}
    assert not [f"{path}: {size}" for path, size in sizes.items() if size > 400]
    assert statistics.median(sizes.values()) <= 120


def test_functions_have_at_most_50_lines_and_a_median_of_at_most_8():
    spans = {}
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, FUNCTIONS):
                own = node.end_lineno - node.lineno + 1 - len(docstring_lines(node))
                spans[f"{path}:{node.lineno} {node.name}"] = own
    assert not [f"{name}: {span}" for name, span in spans.items() if span > 50]
    assert statistics.median(spans.values()) <= 8


def test_comments_are_two_to_four_lines_in_a_hundred_of_code():
    code = comments = 0
    for path, text in TEXTS.items():
        documented = {line for node in ast.walk(TREES[path]) for line in docstring_lines(node)}
        lines = [line.strip() for number, line in enumerate(text.split("\n"), 1) if number not in documented]
        comments += sum(line.startswith("#") for line in lines)
        code += sum(bool(line) and not line.startswith("#") for line in lines)
    assert COMMENTS[0] <= comments / code <= COMMENTS[1]


def test_names_of_tests_have_at_most_90_characters():
    names = [node.name for tree in TESTS.values() for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert not [name for name in names if len(name) > 90]


def test_no_test_module_imports_another():
    """What several of them need lies in a module that holds no tests."""
    found = []
    for name, tree in TESTS.items():
        for node in ast.walk(tree):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                modules = [node.module or "", *(alias.name for alias in node.names)]
            found += [f"{name}: {module}" for module in modules if re.match(r"(tests\.)?test_\w+$", module)]
    assert not found
