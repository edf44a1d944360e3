"""Colored Digits as arrays in memory, with what is known exactly about them."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from causalgan_tf.config.run import DataConfig
from causalgan_tf.data.colored_digits.renderer import PALETTE, render
from causalgan_tf.data.dataset import Dataset, ImageSet, uniform_labels
from causalgan_tf.data.written_digits import picked, pools
from causalgan_tf.errors import InputError, closest
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.loading import load_graph
from causalgan_tf.graphs.named import NAMED
from causalgan_tf.inference.distribution import LabelDistribution

GRAPH = NAMED["colored_digits"]
LABELS = GRAPH.nodes
COUNT = len(PALETTE)
DRAWS = ("rows", "split", "train", "test", "uniform", "uniform_test")  # each with a seed of its own


@functools.cache
def law() -> LabelDistribution:
    """The exact distribution of digit and colour: each digit in two colours, its own number and the next one.

    Colour depends on the digit, so the edge has to be there: without it the graph would claim all hundred pairs. It
    points from the digit, so do(colour) leaves the digit uniform and asks for eighty pairs that no image shows.

    >>> law().probability({"digit": "9"}, given={"colour": "red"}), law().probability({"digit": "9"}, {"colour": "red"})
    (0.5, 0.1)
    """
    own = np.eye(COUNT)
    return LabelDistribution(GRAPH, {"digit": np.full(COUNT, 1 / COUNT), "colour": (own + np.roll(own, 1, axis=1)) / 2})


def load_colored_digits(
    config: DataConfig, seed: int, labels_only: bool = False, graph: CausalGraph | None = None
) -> Dataset:
    """Label rows, pictures, distribution and renderer of the coloured digits, columns in the order of the graph.

    Training and test pictures show different written digits; `render` draws the latter. `uniform` has all hundred
    pairs.

    Args:
        config: sizes and graph, any graph over digit and colour, or over one of them.
        seed: of labels, of pictures, and of which written digits are held out.
        labels_only: leave out the pictures.
        graph: the causal graph; None: the one that the configuration names.

    Returns:
        The dataset; `law` is there if the graph has the edge from digit to colour, `render` if it has both labels.

    Raises:
        InputError: the graph has another node, or declares another type for one.
    """
    seeds = dict(zip(DRAWS, np.random.SeedSequence([seed, 6]).generate_state(len(DRAWS)).tolist(), strict=True))
    graph = resolved(graph or load_graph(config.graph))
    columns = [LABELS.index(node) for node in graph.nodes]

    def sample(n: int, do: Mapping[str, Any] | None, own: int) -> np.ndarray:
        return np.ascontiguousarray(law().sample(n, own, do)[:, columns])

    rows, exact = sample(config.label_rows, None, seeds["rows"]), set(GRAPH.edges) <= set(graph.edges)
    known: dict[str, Any] = {"law": law()} if exact else {"sample_labels": sample}
    dataset = Dataset(graph=graph, label_rows=rows, **known)
    return dataset if labels_only else _with_images(dataset, config, columns, seeds)


def resolved(graph: CausalGraph) -> CausalGraph:
    """The graph with the types of digit and colour; InputError for other nodes."""
    for node in graph.nodes:
        if node not in LABELS:
            raise InputError(
                f"graph: {node!r} is no label of colored_digits.{closest(node, LABELS)} Expected some of "
                f"{', '.join(LABELS)}; --graph=colored_digits is the one that the pictures obey."
            )
        kind = GRAPH.variables[node]
        if graph.declared.get(node, kind) != kind:
            raise InputError(f"graph: in colored_digits {node} is {kind.text()}; drop its declaration.")
    return graph.with_variables({node: GRAPH.variables[node] for node in graph.nodes})


def drawn(labels: np.ndarray, pool: Sequence[np.ndarray], seed: int, image_size: int) -> np.ndarray:
    """Pictures uint8 [n, S, S, 3] of labels [n, 2], each of a written digit picked from a pool by noise of its own."""
    digit, colour = np.asarray(labels, np.int64).T
    return render(colour, picked(digit, pool, seed), image_size)


def _with_images(dataset: Dataset, config: DataConfig, columns: list[int], seeds: Mapping[str, int]) -> Dataset:
    train, test = pools(seeds["split"])
    none = np.zeros((0, len(LABELS)), np.uint8)
    labels = {
        "train": law().sample(config.train_images, seeds["train"]),
        "test": law().sample(config.test_images, seeds["test"]),
        "uniform": uniform_labels(GRAPH, none, config.uniform_images, seeds["uniform"]),
        "uniform_test": uniform_labels(GRAPH, none, config.test_images, seeds["uniform_test"]),
    }
    sets = {}
    for part, rows in labels.items():
        images = drawn(rows, test if "test" in part else train, seeds[part] + 1, config.image_size)
        sets[part] = ImageSet(images, np.ascontiguousarray(rows[:, columns]))
    places = np.argsort(columns)

    def renders(rows: np.ndarray, seed: int) -> np.ndarray:
        return drawn(np.asarray(rows)[:, places], test, seed, config.image_size)

    return dataclasses.replace(dataset, **sets, render=renders if len(columns) == len(LABELS) else None)
