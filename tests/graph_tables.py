"""Known networks, and tables drawn from them, on which graphs are tested."""

import numpy as np

from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.variables import Categorical, Continuous
from causalgan_tf.inference.distribution import LabelDistribution

ASIA = CausalGraph.from_text(
    "asia -> tub; smoke -> lung; smoke -> bronc; tub, lung -> either -> xray; bronc, either -> dysp"
)
SACHS = CausalGraph.from_text(
    "PKC -> PKA, Raf, Mek, Jnk, P38; PKA -> Raf, Mek, Erk, Akt, Jnk, P38; Raf -> Mek -> Erk -> Akt; "
    "Plcg -> PIP3, PIP2; PIP3 -> PIP2"
)
SACHS = SACHS.with_variables({node: Categorical(("low", "mid", "high")) for node in SACHS.nodes})
NUMBERS = CausalGraph.from_text(
    "A -> B -> C; A, C -> D; E; A: continuous; B: continuous; C: continuous; D: continuous; E: categorical(x, y, z)"
)


def asia() -> LabelDistribution:
    """The chest clinic (Lauritzen and Spiegelhalter 1988), P(1 | parents)."""
    tables = {
        "asia": 0.01,
        "smoke": 0.5,
        "tub": [0.01, 0.05],
        "lung": [0.01, 0.1],
        "bronc": [0.3, 0.6],
        "either": [[0, 1], [1, 1]],
        "xray": [0.05, 0.98],
        "dysp": [[0.1, 0.7], [0.8, 0.9]],
    }
    return LabelDistribution(ASIA, {node: np.array(table, float) for node, table in tables.items()})


def random_tables(graph: CausalGraph, seed: int, spread: float = 1.0) -> LabelDistribution:
    """A graph with conditional probabilities that are drawn from a Dirichlet distribution."""
    rng, sizes = np.random.default_rng(seed), dict(zip(graph.nodes, graph.sizes, strict=True))
    return LabelDistribution(
        graph,
        {
            node: rng.dirichlet(np.full(sizes[node], spread), [sizes[parent] for parent in parents])
            for node, parents in graph.parents.items()
        },
    )


def numbers(n: int, seed: int) -> np.ndarray:
    """Rows of NUMBERS: not linear, noise that is not normal, one label that nothing is joined to."""
    rng = np.random.default_rng(seed)
    a = rng.gamma(2.0, size=n)
    b = np.sin(2 * a) + 0.5 * rng.normal(size=n)
    c = b**2 + 0.3 * rng.standard_t(4, size=n)
    d = 0.5 * a * c + rng.uniform(-1, 1, n)
    columns = {"A": a, "B": b, "C": c, "D": d, "E": rng.integers(0, 3, n)}
    return np.stack([columns[node] for node in NUMBERS.nodes], axis=1).astype(np.float32)


def without_edge(graph: CausalGraph, edge: tuple[str, str]) -> CausalGraph:
    """The graph with one edge fewer."""
    return CausalGraph(
        {node: [cause for cause in causes if (cause, node) != edge] for node, causes in graph.parents.items()},
        graph.variables,
    )


def in_order(graph: CausalGraph, rows: np.ndarray, of: CausalGraph) -> np.ndarray:
    """Columns of rows whose graph is `of`, in the order of another graph."""
    return rows[:, [of.index(node) for node in graph.nodes]]


def continuous(*names: str) -> dict[str, Continuous]:
    """Labels that are numbers."""
    return {name: Continuous() for name in names}
