"""The labels' causal model: Causal Graph 1 with CelebA's conditional relative frequencies, written as counts.

The faces are therefore Markov to Causal Graph 1 by construction, and every observational, conditional and
interventional distribution of the labels is known exactly. The counts are those of the nine attributes in CelebA's
202,599 annotations (Liu et al., arXiv:1411.7766); the graph is Causal Graph 1 of arXiv:1709.02023.
"""

import functools

import numpy as np

from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.named import NAMED
from causalgan_tf.inference.distribution import LabelDistribution

GRAPH = NAMED["causal_graph_1"]
LABELS = GRAPH.nodes

# (rows with label 1, all rows) for each setting of the parents, counted up with the last parent fastest: 00, 01, 10, 11
COUNTS = {
    "Young": ((156_734, 202_599),),
    "Male": ((84_434, 202_599),),
    "Eyeglasses": ((7_689, 45_865), (5_504, 156_734)),
    "Bald": ((4, 14_878), (3_490, 30_987), (13, 103_287), (1_040, 53_447)),
    "Mustache": ((2, 14_878), (4_223, 30_987), (1, 103_287), (4_191, 53_447)),
    "Smiling": ((10_191, 14_878), (13_326, 30_987), (53_680, 103_287), (20_472, 53_447)),
    "Wearing_Lipstick": ((10_981, 14_878), (28, 30_987), (84_211, 103_287), (495, 53_447)),
    "Mouth_Slightly_Open": ((5_220, 22_348), (17_556, 23_517), (18_371, 82_582), (56_795, 74_152)),
    "Narrow_Eyes": (
        (482, 4_687),
        (1_476, 10_191),
        (1_821, 17_661),
        (2_404, 13_326),
        (4_589, 49_607),
        (6_620, 53_680),
        (2_639, 32_975),
        (3_298, 20_472),
    ),
}


@functools.cache
def law() -> LabelDistribution:
    """The exact distribution of the nine labels, P(label = 1 | parents) over Causal Graph 1, in the order of LABELS."""
    tables = {}
    for name in LABELS:
        ones, rows = np.array(COUNTS[name], np.float64).T
        tables[name] = (ones / rows).reshape([2] * len(GRAPH.parents[name]))
    return LabelDistribution(GRAPH, tables)


def distribution_over(graph: CausalGraph) -> LabelDistribution | None:
    """The same distribution as tables over another graph of the nine labels.

    Args:
        graph: a causal graph.

    Returns:
        The distribution, columns in the order of `graph.nodes`, if `graph` has the nine labels and keeps every edge of
        Causal Graph 1 (more edges change neither the observational nor an interventional distribution); None otherwise.
    """
    if set(graph.nodes) != set(LABELS) or not set(GRAPH.edges) <= set(graph.edges):
        return None
    return LabelDistribution(graph, {name: _widened(name, graph.parents[name]) for name in LABELS})


def _widened(name: str, parents: tuple[str, ...]) -> np.ndarray:
    """P(name = 1 | parents) with one axis for each of `parents`, the true parents in any place among them."""
    true_parents = GRAPH.parents[name]
    ordered = [parent for parent in parents if parent in true_parents]
    table = np.transpose(law().tables[name][..., 1], [true_parents.index(parent) for parent in ordered])
    table = table.reshape([2 if parent in true_parents else 1 for parent in parents])
    return np.broadcast_to(table, [2] * len(parents)).copy()
