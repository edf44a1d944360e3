"""Explicit mechanisms: a network of the parents alone states P(label | parents), the node's own noise picks the value.

X = F^-1(E | parents). A binary label is 1 where its uniform number is above 1 - p; a category is the largest of logits
plus Gumbel noise; a number is a normal one through a monotone spline, then scaled and shifted, a bounded one through a
logit too (see networks.codecs). Distributions are known in closed form, nothing is counted in draws.
"""

import functools
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from causalgan_tf import noise as exogenous
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.names import safe
from causalgan_tf.networks import columns
from causalgan_tf.networks.codecs import CONSTANTS, Codec, ContinuousCodec, codec_of
from causalgan_tf.networks.mechanisms import SLOPE, mlp
from causalgan_tf.networks.schedule import EMPTY, Stack
from causalgan_tf.networks.stacked import Layers, StackedMechanisms, fill, intervene, unpack

FIRST = 0.1  # factor of the last layer's first weights: a mechanism begins as the same distribution for all parents

Seen = Sequence[tuple[tf.Tensor, tf.Tensor]]  # of each part: centred parents [places, P, B], columns [places, W, B]
Parts = Sequence[tuple[int, np.ndarray]]  # stacks, and of each of them the numbers of some of its places
Types = list[tuple[type[Codec], np.ndarray]]


class ExplicitController(StackedMechanisms):
    """Explicit mechanisms of all nodes, their weights in one vector, batch last.

    Examples:
        >>> graph = CausalGraph.from_text("Old -> Smokes")
        >>> mechanisms = ExplicitController(graph, width=8, layers=2)
        >>> mechanisms.probabilities("Smokes", np.array([[0.0], [1.0]])).sum(1).tolist()
        [1.0, 1.0]
    """

    stated = True

    def __init__(self, graph: CausalGraph, width: int, layers: int, seed: int = 0) -> None:
        """Mechanisms with random weights, see StackedMechanisms."""
        self.codecs = {node: codec_of(variable) for node, variable in graph.variables.items()}
        super().__init__(graph, width, layers, seed)
        self.types = [self._types(stack) for stack in self.schedule.stacks]
        self.numbers = [
            max(self.codecs[graph.nodes[k]].uniforms for k in stack.nodes.ravel() if k != EMPTY)
            for stack in self.schedule.stacks
        ]
        self.constants = [self._constants(stack) for stack in self.schedule.stacks]

    def sizes(self, node: str) -> list[int]:
        """Inputs of a node's network, units of its hidden layers, outputs."""
        inputs = len(self.parent_columns(node))
        return [inputs, *[self.width] * (self.layer_count - 1), self.codecs[node].outputs]

    def untrained(self, graph: CausalGraph) -> StackedMechanisms:
        return type(self)(graph, self.width, self.layer_count)

    def noise(self, seeds: tf.Tensor) -> tf.Tensor:
        """U(0,1) noise [rows of noise, B], stack after stack, place after place."""
        parts, used = [], 0
        for stack, number in zip(self.schedule.stacks, self.numbers, strict=True):
            parts.append(exogenous.unit(seeds, self.blocks[used : used + stack.nodes.size], number))
            used += stack.nodes.size
        return tf.concat(parts, 0)

    def labels(self, noise: tf.Tensor, do: tf.Tensor | None = None) -> tf.Tensor:
        """Label columns [C, B] of noise and interventions, see StackedMechanisms."""
        return self._walk(noise, do, self.numbers)

    def probabilities(self, node: str, parents: np.ndarray, draws: int = 0, seed: int = 0) -> np.ndarray:
        """P(node | parents) of a discrete node, exactly, float64 [cells, size]; `draws` and `seed` are not needed."""
        del draws, seed
        logits = self.statements(node, parents).T
        if logits.shape[1] == 1:  # a binary label's: the odds against 0
            logits = np.concatenate([np.zeros_like(logits), logits], 1)
        shares = np.exp(logits - logits.max(1, keepdims=True))
        return shares / shares.sum(1, keepdims=True)

    def statements(self, node: str, parents: np.ndarray) -> np.ndarray:
        """What a node's network says of settings [n, P] of its parents, numbers in graph order: float64 [O, n]."""
        return self.stated_by(node, tf.constant(parents, tf.float32)).numpy()

    def stated_by(self, node: str, parents: tf.Tensor, stacks: list[Layers] | None = None) -> tf.Tensor:
        """What `statements` returns, in TensorFlow operations, of parents float32 [n, P]; `stacks`: see `layers_of`."""
        h = tf.cast(self.parents_seen(node, parents), tf.float64)
        *hidden, last = [tuple(tf.cast(part, tf.float64) for part in layer) for layer in self.layers_of(node, stacks)]
        for kernel, bias in hidden:
            h = tf.nn.leaky_relu(kernel @ h + bias[:, None], SLOPE)
        return last[0] @ h + last[1][:, None]

    def functional(self, hard: bool = True) -> keras.Model:
        """The functional model, node after node, of [noise, do] to label columns [B, C], which are hard in any case.

        noise {node: [B, uniforms]} in (0, 1), do [B, C] (NaN = untouched). A node that is set keeps its value before
        its children see it.
        """
        del hard
        first, total = columns.offsets(self.graph.variables)
        noise = {n: keras.Input([codec.uniforms], name=f"noise_{safe(n)}") for n, codec in self.codecs.items()}
        do, labels = keras.Input([total], name="do_values"), {}
        for node, codec in self.codecs.items():
            # a node without parents has a network of nothing: zeros stand for it
            causes = [keras.layers.Rescaling(codecs.scale, codecs.shift)(labels[p]) for p, codecs in self._above(node)]
            seen = causes or [keras.layers.Rescaling(0.0)(noise[node][:, :1])]
            inputs = keras.layers.Concatenate()(seen) if len(seen) > 1 else seen[0]
            network = mlp(inputs.shape[-1], self.width, self.layer_count, codec.outputs, f"mechanism_{safe(node)}")
            weights = self.perceptron(node)
            fill(network, weights if causes else [(np.zeros([len(weights[0][1]), 1]), weights[0][1]), *weights[1:]])
            said, uniform = (ops.expand_dims(ops.transpose(part), 0) for part in (network(inputs), noise[node]))
            drawn = codec.draw(said, uniform, _padded(codec)[None, :, None])
            own = slice(first[node], first[node] + codec.width)
            labels[node] = intervene(ops.transpose(drawn[0]), do[:, own])
        parts = list(labels.values())
        joint = keras.layers.Concatenate(name="labels")(parts) if len(parts) > 1 else parts[0]
        return keras.Model([noise, do], joint, name="causal_controller")

    @functools.cached_property
    def places(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Of each stack the label columns of its places' parents [places, P] and of their labels [places, W].

        The number of columns stands where a place has fewer.
        """
        column = np.full(self.schedule.rows.max() + 1, len(self.schedule.rows))
        column[self.schedule.rows] = np.arange(len(self.schedule.rows))
        return [
            (column[stack.parents.reshape([stack.nodes.size, -1])], stack.columns.reshape([stack.nodes.size, -1]))
            for stack in self.schedule.stacks
        ]

    @functools.cached_property
    def centring(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Scale and shift, float32 [places, W, 1] each, of the own columns of each stack; 0 where there is none."""
        parts = [np.append(part, np.float32(0.0)) for part in columns.centring(self.graph)]
        return [tuple(part[own][..., None] for part in parts) for _, own in self.places]

    @functools.cached_property
    def whole(self) -> Parts:
        """All places of each stack."""
        return [(s, np.arange(stack.nodes.size)) for s, stack in enumerate(self.schedule.stacks)]

    def seen(self, rows: tf.Tensor, parts: Parts | None = None) -> Seen:
        """What mechanisms are asked about rows, label columns [C, B]: their parents and own columns.

        `parts`: of which places; None: of all places of each stack.
        """
        # a row of zeros behind the columns: what places without a parent or a column gather
        beside, found = tf.concat([rows, tf.zeros([1, tf.shape(rows)[1]])], 0), []
        for s, chosen in self.whole if parts is None else parts:
            stack, (above, own) = self.schedule.stacks[s], self.places[s]
            scale, shift = (part.reshape([*above.shape, 1])[chosen] for part in (stack.scale, stack.shift))
            found.append((scale * tf.gather(beside, above[chosen]) + shift, tf.gather(beside, own[chosen])))
        return found

    def log_probability(self, seen: Seen, parts: Parts | None = None) -> list[tf.Tensor]:
        """Log P(label | parents) in nats, [places, B] of each part, of what `seen` gives; 0 in empty places."""
        found, parts = [], self.whole if parts is None else parts
        for (s, chosen), outputs, (_, own) in zip(parts, self.outputs(seen, parts), seen, strict=True):
            total = tf.zeros(tf.shape(own[:, 0]))
            for codec, mask, constants in self._flat_types(s):
                if mask[chosen].any():
                    logs = codec.log_probability(outputs, own, constants[chosen])
                    total = tf.where(mask[chosen], logs, total)
            found.append(total)
        return found

    def row_log_probability(self, rows: tf.Tensor) -> tf.Tensor:
        """Log P(label | parents) in nats, float32 [K, B], of label columns [C, B]; of a number its density.

        The density is that of the label in its own unit, not of its standardised column. A bounded number has a
        probability at its bounds.
        """
        found = tf.concat(self.log_probability(self.seen(rows)), 0)
        places = [self.schedule.places.index(k) for k in range(len(self.graph))]
        units = np.log([[codec.unit] for codec in self.codecs.values()]).astype(np.float32)
        return tf.gather(found, places) - tf.where(self._at_bounds(rows), 0.0, units)

    def _at_bounds(self, rows: tf.Tensor) -> tf.Tensor:
        """Which labels of label columns [C, B] are bounded numbers at a bound, bool [K, B]."""
        codecs = self.codecs.values()
        firsts = np.cumsum([0, *(codec.width for codec in codecs)])[:-1]
        bounds = [codec.constants() if isinstance(codec, ContinuousCodec) else (0.0, 0.0, 1.0) for codec in codecs]
        low, high = ContinuousCodec.at_bounds(tf.gather(rows, firsts), tf.constant(bounds, rows.dtype)[..., None])
        return low | high

    def alternatives(self, s: int, outputs: tf.Tensor, uniform: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """What the labels of a stack may be, given what its mechanisms say.

        Args:
            s: number of the stack.
            outputs: [places, O, B], see `outputs`.
            uniform: [places, numbers[s], B] in (0, 1).

        Returns:
            A drawn value, hard columns [places, W, B]; all values [places, W, V, B] and their probabilities
            [places, V, B], which for a number are the drawn one and 1.
        """
        places, width = outputs.shape[0], self.schedule.stacks[s].shape[3]
        most, batch = max(2, width), tf.shape(outputs)[-1]
        drawn, values = tf.zeros([places, width, batch]), tf.zeros([places, width, most, batch])
        shares = tf.zeros([places, most, batch])
        for codec, mask, constants in self._flat_types(s):
            own = codec.draw(outputs, uniform, constants)[:, :width]
            drawn = tf.where(mask[..., None], _wider(own, 1, width), drawn)
            found, probability = codec.alternatives(outputs, uniform, constants)
            found = _wider(_wider(found[:, :width, :most], 1, width), 2, most)
            values = tf.where(mask[..., None, None], found, values)
            shares = tf.where(mask[..., None], _wider(probability[:, :most], 1, most), shares)
        return drawn, values, shares

    def outputs(self, seen: Seen, parts: Parts | None = None) -> list[tf.Tensor]:
        """What the networks say of parents, [places, O, B] of each part, of what `seen` gives."""
        stacks, found = unpack(tf.convert_to_tensor(self.vector), self.shapes), []
        for (s, chosen), (above, _) in zip(self.whole if parts is None else parts, seen, strict=True):
            count = self.schedule.stacks[s].nodes.size
            flat = [tuple(tf.reshape(p, [count, *p.shape[2:]]) for p in pair) for pair in stacks[s]]
            if len(chosen) < count:
                flat = [tuple(tf.gather(p, chosen) for p in pair) for pair in flat]
            found.append(_outputs(flat, above))
        return found

    def _flat_types(self, s: int) -> list[tuple[type[Codec], np.ndarray, np.ndarray]]:
        """The types of a stack, each with its mask [places, 1] and all places' constants [places, CONSTANTS, 1]."""
        constants = self.constants[s].reshape([-1, CONSTANTS, 1])
        return [(codec, mask.reshape([-1, 1]), constants) for codec, mask in self.types[s]]

    def _above(self, node: str) -> list[tuple[str, Codec]]:
        return [(parent, self.codecs[parent]) for parent in self.graph.parents[node]]

    def _draw(self, s: int, d: int | tf.Tensor, layers: Layers, noise: tf.Tensor, parents: tf.Tensor) -> tf.Tensor:
        outputs, width = _outputs(layers, parents), self.schedule.stacks[s].shape[3]
        constants = tf.constant(self.constants[s])[d]
        labels = tf.zeros([noise.shape[0], width, tf.shape(noise)[-1]])
        for codec, mask in self.types[s]:
            drawn = codec.draw(outputs, noise, constants)[:, :width]
            labels = tf.where(tf.constant(mask)[d][:, None, None], _wider(drawn, 1, width), labels)
        return labels

    def _types(self, stack: Stack) -> Types:
        """The types of a stack's labels, each with the places [D, M] that hold such a label."""
        masks: dict[type[Codec], np.ndarray] = {}
        for place in map(tuple, np.argwhere(stack.nodes != EMPTY)):
            codec = type(self.codecs[self.graph.nodes[stack.nodes[place]]])
            masks.setdefault(codec, np.zeros(stack.nodes.shape, bool))[place] = True
        return list(masks.items())

    def _constants(self, stack: Stack) -> np.ndarray:
        """float32 [D, M, CONSTANTS, 1]; ones where a place holds no node."""
        constants = np.ones([*stack.nodes.shape, CONSTANTS, 1], np.float32)
        for place in map(tuple, np.argwhere(stack.nodes != EMPTY)):
            constants[place][:, 0] = _padded(self.codecs[self.graph.nodes[stack.nodes[place]]])
        return constants

    def _glorot(self, s: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
        *hidden, (kernel, bias) = super()._glorot(s, seed)
        return [*hidden, (FIRST * kernel, bias)]


def _outputs(layers: Layers, parents: tf.Tensor) -> tf.Tensor:
    """The networks' outputs [places, O, B] for centred parents [places, P, B]."""
    h = parents
    for kernel, bias in layers[:-1]:
        h = tf.nn.leaky_relu(tf.matmul(kernel, h) + bias[..., None], SLOPE)
    kernel, bias = layers[-1]
    return tf.matmul(kernel, h) + bias[..., None]


def _wider(values: tf.Tensor, axis: int, size: int) -> tf.Tensor:
    """Values with zeros behind them along an axis, up to a size."""
    pads = [[0, size - values.shape[axis]] if k == axis else [0, 0] for k in range(len(values.shape))]
    return tf.pad(values, pads) if values.shape[axis] < size else values


def _padded(codec: Codec) -> np.ndarray:
    own = codec.constants()
    return np.array([*own, *[1.0] * (CONSTANTS - len(own))], np.float32)
