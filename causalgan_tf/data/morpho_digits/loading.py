"""Morpho Digits as arrays in memory, with what is known exactly about them."""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from causalgan_tf.config.run import DataConfig
from causalgan_tf.data.dataset import Dataset, ImageSet, uniform_labels
from causalgan_tf.data.morpho_digits import scm
from causalgan_tf.data.morpho_digits.measures import MEASURES
from causalgan_tf.data.morpho_digits.renderer import render
from causalgan_tf.data.morpho_digits.scm import LABELS
from causalgan_tf.data.written_digits import picked, pools
from causalgan_tf.errors import InputError, closest
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.loading import load_graph
from causalgan_tf.graphs.variables import Continuous

# pixels of a side from which a label is measured: of 16, strokes are too thin for their thickness, and no digit is said
FINE = {"thickness": 32, "digit": math.inf}
DRAWS = ("rows", "split", "train", "test", "uniform", "uniform_test")  # each with a seed of its own


def load_morpho_digits(
    config: DataConfig, seed: int, labels_only: bool = False, graph: CausalGraph | None = None
) -> Dataset:
    """Label rows, pictures, renderer and measures of the built-in digits, label columns in the order of the graph.

    Training and test pictures show different written digits; `render` draws the latter.

    Args:
        config: sizes and graph, any graph over some of the four labels.
        seed: of labels, of pictures, and of which written digits are held out.
        labels_only: leave out the pictures.
        graph: the causal graph; None: the one that the configuration names.

    Returns:
        The dataset; `render` is there if the graph has all four labels.

    Raises:
        InputError: the graph has a node that the digits lack, or declares another kind for one.
    """
    seeds = dict(zip(DRAWS, np.random.SeedSequence([seed, 4]).generate_state(len(DRAWS)).tolist(), strict=True))
    rows = scm.sample(config.label_rows, seeds["rows"])
    graph = resolved(graph or load_graph(config.graph), rows)
    columns = [LABELS.index(node) for node in graph.nodes]
    dataset = Dataset(
        graph=graph,
        label_rows=_chosen(rows, columns, graph),
        sample_labels=lambda n, do, own: _chosen(scm.sample(n, own, do), columns, graph),
        measures={node: MEASURES[node] for node in graph.nodes if config.image_size >= FINE.get(node, 0)},
    )
    return dataset if labels_only else _with_images(dataset, config, rows, columns, seeds)


def resolved(graph: CausalGraph, rows: np.ndarray) -> CausalGraph:
    """The graph with the digits' kinds, mean and deviation those of label rows [N, 4]; InputError for other nodes."""
    kinds = {}
    for node in graph.nodes:
        if node not in LABELS:
            raise InputError(
                f"graph: {node!r} is no label of morpho_digits.{closest(node, LABELS)} Expected some of "
                f"{', '.join(LABELS)}; --graph=morpho_digits is the one that the pictures obey."
            )
        kind = scm.GRAPH.variables[node]
        if node in graph.declared and type(graph.declared[node]) is not type(kind):
            raise InputError(f"graph: in morpho_digits {node} is {kind.text()}; drop its declaration.")
        kinds[node] = kind.fitted(rows[:, LABELS.index(node)]) if isinstance(kind, Continuous) else kind
    return graph.with_variables(kinds)


def drawn(labels: np.ndarray, pool: Sequence[np.ndarray], seed: int, image_size: int) -> np.ndarray:
    """Pictures uint8 [n, S, S, 1] of labels [n, 4], each of a written digit picked from a pool by noise of its own."""
    return render(labels[:, 1:], picked(labels[:, 0].astype(np.int64), pool, seed), image_size)


def _with_images(
    dataset: Dataset, config: DataConfig, rows: np.ndarray, columns: list[int], seeds: Mapping[str, int]
) -> Dataset:
    train, test = pools(seeds["split"])
    uniform = {"uniform": (train, config.uniform_images), "uniform_test": (test, config.test_images)}
    labels = {part: uniform_labels(resolved(scm.GRAPH, rows), rows, n, seeds[part]) for part, (_, n) in uniform.items()}
    labels |= {"train": scm.sample(config.train_images, seeds["train"])}
    labels |= {"test": scm.sample(config.test_images, seeds["test"])}
    sets = {}
    for part, full in labels.items():
        images = drawn(full, test if "test" in part else train, seeds[part] + 1, config.image_size)
        sets[part] = ImageSet(images, _chosen(full, columns, dataset.graph))
    renders = _renderer(columns, test, config.image_size) if len(columns) == len(LABELS) else None
    return dataclasses.replace(dataset, **sets, render=renders)


def _renderer(
    columns: list[int], pool: Sequence[np.ndarray], image_size: int
) -> Callable[[np.ndarray, int], np.ndarray]:
    places = np.argsort(columns)
    return lambda labels, seed: drawn(np.asarray(labels)[:, places], pool, seed, image_size)


def _chosen(rows: np.ndarray, columns: list[int], graph: CausalGraph) -> np.ndarray:
    """Some columns of label rows; uint8 if they are all discrete."""
    return np.ascontiguousarray(rows[:, columns].astype(np.float32 if graph.sizes is None else np.uint8))
