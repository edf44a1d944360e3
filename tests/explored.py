"""What the tests of the explorer ask: the built-in faces, and a model of every type with hostile names."""

import functools

import causalgan_tf
from causalgan_tf.explorer.answers import Explorer
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.variables import Binary, Categorical, Continuous
from tests.random_models import random_model

SCRIPT, BOLD, SUM = "<script>alert(1)</script>", "<b>bold</b>", "=1+1"
DOSE = 'Dose "x", mg'
MIXED = CausalGraph(
    {SCRIPT: [], "Age": [], DOSE: [SCRIPT, "Age"], "Ill": ["Age", DOSE], "Old": ["Age"]},
    {
        SCRIPT: Categorical((BOLD, SUM, "plain")),
        "Age": Continuous(0.0, 100.0, mean=50.0, std=20.0),
        DOSE: Continuous(mean=5.0, std=2.0),
        "Ill": Binary(),
        "Old": Binary(),
    },
)


@functools.cache
def faces() -> Explorer:
    return Explorer(causalgan_tf.load("builtin:faces"), {"workdir": "builtin:faces"})


OBJECT = ("constructor", "toString", "valueOf", "__proto__", "hasOwnProperty")  # what every object of JavaScript has


@functools.cache
def inherited() -> Explorer:
    """Of labels called what JavaScript's objects have, and of a number and categories called so."""
    parents = dict(zip(OBJECT, ([], *([name] for name in OBJECT)), strict=False))
    types = dict.fromkeys(OBJECT, Binary())
    types |= {"toString": Continuous(0.0, 10.0, mean=5.0, std=2.0), "valueOf": Categorical(OBJECT[:3])}
    return Explorer(random_model(CausalGraph(parents, types)), {"workdir": "runs/inherited"})


@functools.cache
def mixed() -> Explorer:
    return Explorer(random_model(MIXED), {"workdir": "runs/mixed"})
