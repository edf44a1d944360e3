"""Counterfactuals of labels by abduction, action and prediction, with explicit mechanisms.

Abduction draws each node's noise from its distribution given the unit's labels; action sets what do sets; prediction
computes the descendants anew from the same noise (Pearl 2009, theorem 7.1.7). A label whose parents did not change is
kept as it was seen, to the bit.
"""

import numpy as np
import tensorflow as tf

from causalgan_tf import noise
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.inference.query import Query
from causalgan_tf.inference.soft_do import Formula, Law, user_columns
from causalgan_tf.networks.exogenous import exogenous_of
from causalgan_tf.networks.explicit import ExplicitController
from causalgan_tf.networks.stacked import Layers


class Abduction:
    """Predicts what label rows would have been under do.

    >>> graph = CausalGraph.from_text("Old -> Smokes -> Ill")
    >>> unit = Abduction(graph, ExplicitController(graph, width=4, layers=2), Query.create(graph, do={"Smokes": 1}))
    >>> rows = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]])
    >>> unit.predict(rows, np.array([7, 8]))[:, :2].tolist()  # whoever smoked stays as he was
    [[1.0, 1.0], [0.0, 1.0]]
    """

    def __init__(
        self, graph: CausalGraph, mechanisms: ExplicitController, query: Query, before: Query | None = None
    ) -> None:
        """Wraps explicit mechanisms.

        Args:
            graph: over K labels.
            mechanisms: explicit ones.
            query: of which do alone is used.
            before: the interventions under which the rows were seen; of what it set nothing is known. None: none.
        """
        self.graph, self.mechanisms, self.do = graph, mechanisms, query.do
        earlier = before.do if before else {}
        # of a formula that stays, the result is known, and not the number that it was made of
        self.kept = {node for node, do in earlier.items() if isinstance(do, Law | Formula) and self.do.get(node) == do}
        self.freed = {node for node in earlier if node not in self.do or isinstance(self.do[node], Formula)}

    def predict(self, rows: np.ndarray, seeds: np.ndarray) -> np.ndarray:
        """Label rows under do, float64 [n, K], of rows [n, K] seen; a row is a function of itself and its seed."""
        seen = np.asarray(rows, np.float64)
        under = seen.copy()
        for node in self.graph.nodes:
            k, do = self.graph.index(node), self.do.get(node)
            if isinstance(do, Law):
                variable = self.graph.variables[node]
                under[:, k] = do.draw(variable, _uniform(node, 1, seeds)[0])
            elif do is not None and not isinstance(do, Formula):
                under[:, k] = float(do)
            else:
                self._predict_node(node, seen, under, seeds)
                if do is not None:
                    known = user_columns(self.graph, do.nodes, under)
                    under[:, k] = do.numbers(node, self.graph.variables[node], known)
            if node in self.kept:
                inputs = self._inputs(node)
                unmoved = (under[:, inputs] == seen[:, inputs]).all(1)
                under[unmoved, k] = seen[unmoved, k]
        return under

    def _inputs(self, node: str) -> list[int]:
        """Places of what a node's formula depends on beside its own noise; of a law's nothing."""
        do = self.do[node]
        names = {*self.graph.parents[node], *do.nodes} - {node} if isinstance(do, Formula) else set()
        return sorted(map(self.graph.index, names))

    def _predict_node(self, node: str, seen: np.ndarray, under: np.ndarray, seeds: np.ndarray) -> None:
        """Writes a node's labels where its parents changed, or where they were set before."""
        k, above = self.graph.index(node), [self.graph.index(parent) for parent in self.graph.parents[node]]
        if node in self.freed:
            own = exogenous_of(self.graph.variables[node])
            outputs = self.mechanisms.statements(node, under[:, above])
            under[:, k], _ = own.draw(outputs, None, _uniform(node, own.uniforms, seeds))
            return
        # the others keep what was seen, to the bit
        moved = np.flatnonzero((under[:, above] != seen[:, above]).any(1))
        if not len(moved):
            return
        before, after = (tf.constant(rows[moved][:, above], tf.float32) for rows in (seen, under))
        uniform = _uniform(node, exogenous_of(self.graph.variables[node]).uniforms, seeds[moved])
        under[moved, k] = predicted(self.mechanisms, node, seen[moved, k], before, after, uniform).numpy()


def predicted(
    mechanisms: ExplicitController,
    node: str,
    numbers: np.ndarray | tf.Tensor,
    before: tf.Tensor,
    after: tf.Tensor,
    uniform: np.ndarray | tf.Tensor,
    stacks: list[Layers] | None = None,
) -> tf.Tensor:
    """What a node would have been under other parents, in TensorFlow operations: a served model has it too.

    Args:
        mechanisms: explicit ones.
        node: one with parents.
        numbers: [n], what it was.
        before: float32 [n, P], what its parents were.
        after: float32 [n, P], what they would have been.
        uniform: [U, n] in (0, 1), block ABDUCTION of the node: the noise that the number leaves open.
        stacks: see StackedMechanisms.layers_of.

    Returns:
        float64 [n].
    """
    own = exogenous_of(mechanisms.graph.variables[node])
    outputs = tf.split(mechanisms.stated_by(node, tf.concat([before, after], 0), stacks), 2, axis=1)
    unit = own.infer(outputs[0], tf.cast(numbers, tf.float64), tf.cast(uniform[: own.uniforms], tf.float64))
    return own.value(outputs[1], unit)


def completed(
    graph: CausalGraph, mechanisms: ExplicitController, rows: np.ndarray, seeds: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Weighted completions of rows with missing labels: each node drawn along the graph, those that were seen held.

    Args:
        graph: over K labels.
        mechanisms: explicit ones.
        rows: float64 [n, K], NaN where a label was not seen.
        seeds: int64 [n, C], one a completion.

    Returns:
        float64 [n, C, K], and the weights [n, C], of each row with sum 1.
    """
    wide, flat = np.repeat(rows, seeds.shape[1], axis=0), seeds.ravel()
    logs = np.zeros(len(wide))
    for node in graph.nodes:
        k, own = graph.index(node), exogenous_of(graph.variables[node])
        missing = np.isnan(wide[:, k])
        outputs = mechanisms.statements(node, wide[:, [graph.index(parent) for parent in graph.parents[node]]])
        if missing.any():
            uniform = _uniform(node, own.uniforms, flat[missing])
            wide[missing, k], _ = own.draw(outputs[:, missing], None, uniform)
        if not missing.all():
            logs[~missing] += own.log_probability(outputs[:, ~missing], wide[~missing, k])
    logs = logs.reshape(seeds.shape)
    weights = np.exp(logs - logs.max(1, keepdims=True))
    return wide.reshape([*seeds.shape, len(graph)]), weights / weights.sum(1, keepdims=True)


def _uniform(node: str, count: int, seeds: np.ndarray) -> np.ndarray:
    return noise.unit(tf.constant(seeds, tf.int64), [f"{noise.ABDUCTION}{node}"], count).numpy().astype(np.float64)
