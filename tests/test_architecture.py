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

# innermost first; a module imports from its own floor and from those above it in this table
FLOORS = (
    {"errors"},
    {
        "arguments",
        "budget",
        "config",
        "graph",
        "graph_formats",
        "graph_text",
        "image_config",
        "laws",
        "named_graphs",
        "names",
        "options",
        "outputs",
        "query",
        "interrupts",
        "run_files",
        "run_graph",
        "run_lock",
        "variables",
    },
    {"label_kinds", "losses", "metrics", "networks", "noise"},
    {
        "callbacks",
        "causal_model",
        "checkpoints",
        "data",
        "devices",
        "drawing",
        "extractors",
        "gallery",
        "judge",
        "models",
    }
    | {"pictures", "sampling"},
    {"building", "evaluation", "export", "report", "run_evaluation", "runs", "training"},
    {"cli"},
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
VALUES = FLOORS[0] | FLOORS[1]
WITHOUT_TENSORFLOW = VALUES | {"drawing", "gallery", "metrics", "pictures", "report"}
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


FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def test_every_module_has_a_floor():
    assert {room(path) for path in FILES} == set(FLOOR)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_inwards(path):
    outward = {other for other in rooms_of(imports(path)) if FLOOR[other] > FLOOR[room(path)]}
    assert not outward


def test_losses_metrics_and_noise_import_nothing_of_ours_but_errors():
    for path in FILES:
        if room(path) in ("losses", "metrics", "noise"):
            assert rooms_of(imports(path)) <= {"errors", room(path)}, path


@pytest.mark.parametrize(
    ("rooms", "allowed"),
    [
        (VALUES, VALUES),
        ({"networks"}, VALUES | {"networks"}),
        ({"models"}, VALUES | {"label_kinds", "losses", "models", "networks", "noise"}),
    ],
    ids=["values", "networks", "models"],
)
def test_the_mathematics_imports_only_mathematics(rooms, allowed):
    for path in FILES:
        if room(path) in rooms:
            assert rooms_of(imports(path)) <= allowed, path


def test_sampling_and_export_know_neither_training_nor_data():
    for path in FILES:
        if room(path) in ("causal_model", "export", "sampling"):
            assert not rooms_of(imports(path)) & {"cli", "data", "models", "training"}, path


def test_only_programs_print():
    for path in FILES:
        calls = [
            node.func for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)
        ]
        prints = any(isinstance(function, ast.Name) and function.id == "print" for function in calls)
        assert not prints or room(path) == "cli", path


def test_learners_are_built_and_trained_in_two_modules_alone():
    users = {room(path) for path in FILES if "models" in rooms_of(imports(path))}
    assert users == {"building", "models", "training"}


def test_programs_build_no_networks():
    for path in FILES:
        if room(path) == "cli":
            assert not rooms_of(imports(path)) & {"losses", "metrics", "models", "networks", "sampling"}, path


def test_absl_flags_stop_at_the_programs():
    users = {room(path) for path in FILES for name in imports(path) if name.split(".")[0] == "absl"}
    assert users == {"cli"}


def test_values_numbers_and_pages_need_no_tensorflow():
    for path in FILES:
        if room(path) in WITHOUT_TENSORFLOW:
            assert not {name.split(".")[0] for name in imports(path)} & TENSORFLOW, path


def test_importing_the_package_and_its_values_imports_no_tensorflow():
    modules = ["causalgan_tf", *(f"causalgan_tf.{name}" for name in sorted(VALUES))]
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
