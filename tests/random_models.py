"""Random causal models for property tests: graphs of 2 to 6 labels of all types, and interventions on them."""

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.variables import Binary, Categorical, Continuous
from causalgan_tf.inference.causal_model import CausalModel
from causalgan_tf.networks import schedule
from causalgan_tf.networks.explicit import ExplicitController
from causalgan_tf.networks.mechanisms import CausalController

# the same examples in every run: a bound that holds once holds for ever
SETTINGS = settings(
    max_examples=20,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
DISCRETE = [Binary(), Categorical(("a", "b", "c")), Categorical(("p", "q", "r", "s", "t"))]
NUMBERS = [
    Continuous(),
    Continuous(mean=-40.0, std=7.0),
    Continuous(0.0, 1.0, mean=0.3, std=0.2),
    Continuous(-5.0, 300.0, mean=100.0, std=60.0),
]
SCALE = 4.0  # factor of random weights: fresh mechanisms are nearly the same for all parents


@st.composite
def graphs(draw, kinds=(*DISCRETE, *NUMBERS)):
    """A graph of 2 to 6 labels, each with at most 3 parents among those before it."""
    names = [f"x{i}" for i in range(draw(st.integers(2, 6)))]
    parents = {
        name: draw(st.lists(st.sampled_from(names[:i]), max_size=3, unique=True)) if i else []
        for i, name in enumerate(names)
    }
    return CausalGraph(parents, {name: draw(st.sampled_from(kinds)) for name in names})


@st.composite
def models(draw, families=("explicit", "implicit"), **how):
    """A model of a random graph with random weights, computed node by node or in a loop."""
    graph, seed = draw(graphs(**how)), draw(st.integers(0, 10_000))
    patch = pytest.MonkeyPatch()
    if draw(st.booleans()):
        patch.setattr(schedule, "WRITTEN_OUT", 1)
    if draw(st.sampled_from(families)) == "explicit":
        mechanisms = ExplicitController(graph, width=5, layers=2, seed=seed)
    else:
        mechanisms = CausalController(graph, noise_size=3, width=5, layers=2, seed=seed)
    patch.undo()
    mechanisms.vector.assign(SCALE * mechanisms.vector if mechanisms.stated else 1.5 * mechanisms.vector)
    return CausalModel(graph, mechanisms)


@st.composite
def dos(draw, graph, most=2):
    """Interventions on at most so many labels of a graph, by numbers."""
    nodes = draw(st.lists(st.sampled_from(graph.nodes), max_size=most, unique=True))
    return {node: draw(values(graph.variables[node])) for node in nodes}


def values(variable):
    """A value of a label, the rare and the far ones too."""
    if variable.size is not None:
        return st.integers(0, variable.size - 1).map(float)
    low, high = (variable.low, variable.high) if variable.bounded else (-3.0, 3.0)
    if variable.bounded:
        return st.floats(low, high, width=32)
    return st.floats(low, high, width=16).map(lambda z: float(np.float32(variable.mean + z * variable.std)))


def rows_of(model, seeds, do):
    """Rows [n, K] of units under a do, node to a number or to one a row."""
    vector = np.full([len(seeds), len(model.graph)], np.nan, np.float32)
    for node, value in do.items():
        vector[:, model.graph.index(node)] = value
    # without XLA, whose compiling would take a second a graph
    return model.labels(np.asarray(seeds, np.int64), vector).numpy()


def random_model(graph, family=ExplicitController, scale=4.0, seed=3):
    """A model of a graph with random weights, `scale` times the first ones."""
    sizes = {"noise_size": 3} if family is CausalController else {}
    mechanisms = family(graph, width=6, layers=2, seed=seed, **sizes)
    mechanisms.vector.assign(scale * mechanisms.vector)
    return CausalModel(graph, mechanisms)


def with_moments(graph):
    """A graph whose numbers have a mean of 50 and a deviation of 30."""
    kinds = {node: v if v.size else v.fitted(np.array([20.0, 80.0])) for node, v in graph.variables.items()}
    return graph.with_variables(kinds)
