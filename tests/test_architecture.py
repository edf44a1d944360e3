"""Who may import whom: every module has a room, and imports point from the edges of the package inwards."""

import ast
import functools
import importlib
import pathlib
import subprocess
import sys

import pytest

import causalgan_tf

PACKAGE = pathlib.Path(__file__).parents[1] / "causalgan_tf"

# lowest first; a folder imports from those before it in this tuple
FLOORS = (
    "errors",
    "system",
    "noise",
    "losses",
    "metrics",
    "graphs",
    "config",
    "networks",
    "learners",
    "inference",
    "data",
    "runs",
    "evaluation",
    "reporting",
    "explorer",
    "training",
    "cli",
)
FLOOR = {room: number for number, room in enumerate(FLOORS)}
ALIASES = {"graph", "query"}  # places of version 0.3
WITHOUT_TENSORFLOW = {"config", "errors", "graphs", "metrics", "system"}
VALUES = (
    "config",
    "data.graph_fit",
    "graph",
    "graphs.formats",
    "inference.distribution",
    "inference.served_model",
    "query",
    "reporting.gallery",
    "reporting.report",
    "runs.run_folder",
    "system.outputs",
)  # modules that start no TensorFlow
TENSORFLOW = {"keras", "tensorflow", "tensorflow_datasets"}


@functools.cache
def imports(path: pathlib.Path) -> frozenset[str]:
    """Dotted names of everything that a file imports, at its top or inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


def room(path: pathlib.Path) -> str:
    """The module or subpackage of the package that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def rooms_of(names: frozenset[str]) -> set[str]:
    """The rooms of this package among imported names."""
    return {name.split(".")[1] for name in names if name.startswith("causalgan_tf.")}


FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py" and room(path) not in ALIASES)


def test_every_folder_has_a_floor():
    assert {room(path) for path in FILES} == set(FLOOR)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path):
    upward = {other for other in rooms_of(imports(path)) if FLOOR[other] > FLOOR[room(path)]}
    assert not upward


def test_losses_metrics_and_noise_import_nothing_of_ours_but_errors():
    for path in FILES:
        if room(path) in ("losses", "metrics", "noise"):
            assert rooms_of(imports(path)) <= {"errors", room(path)}, path


def test_networks_and_inference_know_neither_runs_nor_training():
    for path in FILES:
        if room(path) in ("networks", "inference"):
            assert not rooms_of(imports(path)) & {"learners", "data"}, path


def test_only_programs_print():
    for path in FILES:
        calls = [
            node.func for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)
        ]
        prints = any(isinstance(function, ast.Name) and function.id == "print" for function in calls)
        assert not prints or room(path) == "cli", path


def test_learners_are_built_and_trained_in_one_folder_alone():
    users = {room(path) for path in FILES if "learners" in rooms_of(imports(path))}
    assert users == {"learners", "training"}


def test_programs_build_no_networks():
    for path in FILES:
        if room(path) == "cli":
            assert not rooms_of(imports(path)) & {"learners", "losses", "metrics", "networks"}, path


def test_absl_flags_stop_at_the_programs():
    users = {room(path) for path in FILES for name in imports(path) if name.split(".")[0] == "absl"}
    assert users == {"cli"}


def test_values_numbers_and_pages_need_no_tensorflow():
    for path in FILES:
        if room(path) in WITHOUT_TENSORFLOW:
            assert not {name.split(".")[0] for name in imports(path)} & TENSORFLOW, path


def test_importing_the_package_and_its_values_imports_no_tensorflow():
    modules = ["causalgan_tf", *(f"causalgan_tf.{name}" for name in VALUES)]
    code = (
        f"import importlib, sys; [importlib.import_module(name) for name in {modules}]; "
        f"print(*sorted({TENSORFLOW} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PACKAGE.parent, check=True)
    assert done.stdout.split() == []


def test_tab_completion_shows_the_public_names():
    assert {*causalgan_tf.__all__, "__version__"} <= set(dir(causalgan_tf))


@pytest.mark.parametrize("name", causalgan_tf.__all__)
def test_every_public_name_is_at_hand(name):
    value = getattr(causalgan_tf, name)
    assert value.__name__ == name and value.__doc__
    assert importlib.import_module(value.__module__).__name__.startswith("causalgan_tf.")


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        _ = causalgan_tf.trian


def test_a_former_name_still_works_and_says_what_it_is_called_now():
    with pytest.warns(DeprecationWarning, match="now causalgan_tf.LabelDistribution"):
        former = causalgan_tf.LabelLaw
    assert former is causalgan_tf.LabelDistribution
