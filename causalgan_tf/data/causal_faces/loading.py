"""Causal Faces as arrays in memory, with what is known exactly about them."""

import pathlib
from collections.abc import Callable

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from causalgan_tf.config.run import DataConfig
from causalgan_tf.data import prepared
from causalgan_tf.data.causal_faces.builder import SPLITS, CausalFaces, FacesConfig
from causalgan_tf.data.causal_faces.noise import sample_noise
from causalgan_tf.data.causal_faces.renderer import render
from causalgan_tf.data.causal_faces.scm import LABELS, distribution_over, law
from causalgan_tf.data.dataset import Dataset, ImageSet, require_binary
from causalgan_tf.errors import InputError, closest
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.loading import load_graph

_BATCH = 500  # pictures decoded at once


def load_faces(config: DataConfig, seed: int, labels_only: bool = False, graph: CausalGraph | None = None) -> Dataset:
    """Label rows, pictures, distribution and renderer of the built-in faces, label columns in the order of the graph.

    The pictures are rendered and stored by TFDS when first asked for.

    Args:
        config: sizes, graph and folder; the graph may be any graph over some of the nine labels.
        seed: of labels and pictures.
        labels_only: leave out the pictures.
        graph: the causal graph; None: the one that the configuration names.

    Returns:
        The dataset. `law` is there if the graph keeps every edge of Causal Graph 1, `render` if it has all nine labels.

    Raises:
        InputError: the graph has a node that the faces lack, or one that is not binary.
    """
    graph = graph or load_graph(config.graph)
    require_binary(graph, "dataset=causal_faces")
    columns = label_columns(graph)
    rows_seed = int(np.random.SeedSequence([seed, len(SPLITS)]).generate_state(1)[0])
    label_rows = np.ascontiguousarray(law().sample(config.label_rows, seed=rows_seed)[:, columns])
    splits = dict.fromkeys(SPLITS) if labels_only else _image_sets(config, seed, columns)
    renders = None if len(columns) < len(LABELS) else _renderer(columns, config.image_size)
    return Dataset(graph=graph, label_rows=label_rows, law=distribution_over(graph), render=renders, **splits)


def label_columns(graph: CausalGraph) -> list[int]:
    """The place in LABELS of each node of the graph; InputError for a node that is none of the nine."""
    for name in graph.nodes:
        if name not in LABELS:
            raise InputError(
                f"graph: {name!r} is no label of causal_faces.{closest(name, LABELS)} Expected some of "
                f"{', '.join(LABELS)}; labels of your own need --dataset=folder or --dataset=table."
            )
    return [LABELS.index(name) for name in graph.nodes]


def _image_sets(config: DataConfig, seed: int, columns: list[int]) -> dict[str, ImageSet]:
    sizes = {"train": config.train_images, "test": config.test_images, "uniform": config.uniform_images}
    faces = FacesConfig(image_size=config.image_size, seed=seed, **sizes)
    home = pathlib.Path(config.data_dir or tfds.core.constants.DATA_DIR).expanduser()
    with prepared.named(home / CausalFaces.name / faces.name):
        builder = CausalFaces(config=faces, data_dir=config.data_dir or None)
        prepared.prepare(builder)
        return {split: _in_memory(builder, split, columns) for split in SPLITS}


def _in_memory(builder: CausalFaces, split: str, columns: list[int]) -> ImageSet:
    n, size = builder.info.splits[split].num_examples, builder.builder_config.image_size
    images, labels = np.empty((n, size, size, 3), np.uint8), np.empty((n, len(columns)), np.uint8)
    rows = builder.as_dataset(split, decoders={"image": tfds.decode.SkipDecoding()})
    rows = rows.map(_decoded, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).batch(_BATCH)
    start = 0
    for batch_images, batch_labels in rows.as_numpy_iterator():
        stop = start + len(batch_images)
        images[start:stop], labels[start:stop] = batch_images, batch_labels[:, columns]
        start = stop
    if start < n:
        raise ValueError(f"{split} has {start} of {n} images")
    return ImageSet(images, labels)


def _decoded(row: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
    return tf.io.decode_png(row["image"], channels=3), row["labels"]


def _renderer(columns: list[int], image_size: int) -> Callable[[np.ndarray, int], np.ndarray]:
    places = np.argsort(columns)

    def pictures(labels: np.ndarray, seed: int) -> np.ndarray:
        """uint8 [n, S, S, 3]: the true pictures of labels [n, 9] in graph order, with noise drawn by `seed`."""
        return render(np.asarray(labels)[:, places], sample_noise(len(labels), seed=seed), image_size)

    return pictures
