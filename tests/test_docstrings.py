"""Every example of the docstrings is true, and whatever a user calls has one."""

import ast
import doctest
import importlib
import inspect
import pathlib

import pandas as pd
import pytest
import rest_server

import causalgan_tf
from causalgan_tf.inference.causal_model import CausalModel
from causalgan_tf.runs import run_folder

ROOT = pathlib.Path(causalgan_tf.__file__).parent
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
PUBLIC = {name: getattr(causalgan_tf, name) for name in causalgan_tf.__all__}


def modules_with_examples() -> list[str]:
    paths = sorted(path for path in ROOT.rglob("*.py") if ">>> " in path.read_text(encoding="utf-8"))
    names = (path.relative_to(ROOT.parent).with_suffix("").parts for path in paths)
    return [".".join(parts).removesuffix(".__init__") for parts in names]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A working folder with a trained run of labels, runs/people."""
    place = tmp_path_factory.mktemp("examples")
    frame = pd.DataFrame({"Old": [0, 0, 0, 1] * 500, "Smokes": [0, 1, 1, 0] * 500})
    frame.to_csv(place / "people.csv", index=False)
    data = causalgan_tf.DataConfig(dataset="table", labels_file=str(place / "people.csv"), graph="Old -> Smokes")
    config = causalgan_tf.RunConfig(data, causalgan_tf.ControllerConfig(steps=400, steps_per_call=200))
    causalgan_tf.train(config, place / "runs" / "people", ("controller",))
    return place


@pytest.fixture(scope="module")
def names(place):
    """What the examples speak of: a model of labels, an untrained one of labels and images, and that one served."""
    config, graph = causalgan_tf.RunConfig(), causalgan_tf.load_graph("causal_graph_1")
    generator = run_folder.build_image_generator(config, graph)
    faces = CausalModel(graph, run_folder.build_mechanisms(config, graph), generator, config.image.label_encoding)
    shared = {name: PUBLIC[name] for name in ("Run", "RunConfig", "CausalGraph", "ControllerConfig", "DataConfig")}
    model = causalgan_tf.load(place / "runs" / "people")
    found = {"causalgan_tf": causalgan_tf, "model": model, "faces": faces, "pathlib": pathlib, "pd": pd, **shared}
    with rest_server.serving(causalgan_tf.export_model(faces, place / "served faces")) as url:
        yield found | {"served": causalgan_tf.ServedModel(url)}


@pytest.mark.parametrize("module", modules_with_examples())
def test_the_examples_of_a_module_are_true(module, place, names, monkeypatch):
    monkeypatch.chdir(place)
    tried = doctest.testmod(importlib.import_module(module), extraglobs=names, optionflags=FLAGS)
    assert tried.attempted and not tried.failed


def called_by_users() -> dict[str, object]:
    """The public names of the package, with the methods of its classes."""
    found = {}
    for name, value in PUBLIC.items():
        found[name] = value
        for method, made in vars(value).items() if inspect.isclass(value) else ():
            if not method.startswith("_") and (isinstance(made, classmethod) or inspect.isfunction(made)):
                found[f"{name}.{method}"] = getattr(value, method)
    return found


def test_whatever_a_user_calls_has_an_example():
    assert not [name for name, value in called_by_users().items() if ">>> " not in (inspect.getdoc(value) or "")]


def public_classes() -> list[tuple[str, ast.ClassDef]]:
    """All classes of the package's modules whose name has no leading underscore."""
    trees = {
        path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in ROOT.rglob("*.py")
    }
    parts = [(name, part) for name, tree in sorted(trees.items()) for part in tree.body]
    return [(name, part) for name, part in parts if isinstance(part, ast.ClassDef) and not part.name.startswith("_")]


def test_every_public_class_has_an_example():
    def shown(made: ast.ClassDef) -> bool:
        parts = [made, *(part for part in made.body if isinstance(part, ast.FunctionDef))]
        return any(">>> " in (ast.get_docstring(part) or "") for part in parts)

    found = public_classes()
    assert len(found) > 100
    assert not [f"{name}: {made.name}" for name, made in found if not shown(made)]
