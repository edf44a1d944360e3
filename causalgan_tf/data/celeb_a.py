"""CelebA (Liu et al., ICCV 2015, arXiv:1411.7766) as TensorFlow Datasets prepares it."""

import pathlib
from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from tensorflow_datasets.core.download.download_manager import NonMatchingChecksumError

from causalgan_tf.config.run import DataConfig
from causalgan_tf.data import prepared
from causalgan_tf.data.dataset import Dataset, ImageSet, require_binary
from causalgan_tf.data.decoding import Source, decoded
from causalgan_tf.errors import InputError, closest
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.loading import load_graph

HOME_PAGE = "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"
MANUAL_FILES = (
    "img_align_celeba.zip",
    "list_eval_partition.txt",
    "list_attr_celeba.txt",
    "list_landmarks_align_celeba.txt",
    "identity_CelebA.txt",
)
CHUNK = 4096  # rows of labels read at once


def load_celeb_a(
    config: DataConfig,
    seed: int = 0,
    labels_only: bool = False,
    graph: CausalGraph | None = None,
    write: bool = True,
) -> Dataset:
    """CelebA with its official splits: train is train, the first `test_images` rows of test are test.

    Args:
        config: graph over some of the 40 attributes, data_dir, image_size, crop_size, channels, test_images.
        seed: not read, for nothing is drawn.
        labels_only: leave the images out.
        graph: the causal graph; None: the one that the configuration names.
        write: see `decoded`; False needs labels that are prepared.

    Returns:
        The data set; `label_rows` are the labels of the train split, images are memory maps.

    Raises:
        InputError: a node is no attribute or not binary, CelebA is neither prepared nor there to be prepared, or more
            test images are asked for than there are.
    """
    graph = graph or load_graph(config.graph)
    require_binary(graph, "dataset=celeb_a")
    builder = tfds.builder("celeb_a", data_dir=config.data_dir or None)
    _check_nodes(graph.nodes, builder)
    if write:
        _prepare(builder)
    with prepared.named(builder.data_dir):
        return _prepared(builder, graph, config, labels_only, write)


def is_prepared(config: DataConfig, graph: CausalGraph) -> bool:
    """Whether CelebA is prepared; InputError if it cannot be."""
    builder = tfds.builder("celeb_a", data_dir=config.data_dir or None)
    _check_nodes(graph.nodes, builder)
    if not builder.is_prepared():
        _check_files(builder)
    return builder.is_prepared()


def _prepared(
    builder: tfds.core.DatasetBuilder, graph: CausalGraph, config: DataConfig, labels_only: bool, write: bool
) -> Dataset:
    """The data set of prepared files."""
    split = builder.info.splits.get("test")
    if split and not labels_only and config.test_images > split.num_examples:
        raise InputError(
            f"--test_images={config.test_images}: expected at most {split.num_examples:,}, as many as CelebA's test "
            "split has."
        )
    rows = _labels(builder, "train", graph.nodes)
    if labels_only:
        return Dataset(graph=graph, label_rows=rows)
    held_out = f"test[:{config.test_images}]"
    test_rows = _labels(builder, held_out, graph.nodes)
    sets = {
        "train": ImageSet(_images(builder, "train", len(rows), config, write), rows),
        "test": ImageSet(_images(builder, held_out, len(test_rows), config, write), test_rows),
    }
    return Dataset(graph=graph, label_rows=rows, **sets)


def _check_nodes(nodes: Sequence[str], builder: tfds.core.DatasetBuilder) -> None:
    known = list(builder.info.features["attributes"])
    for node in nodes:
        if node not in known:
            raise InputError(
                f"graph: {node!r} is no attribute of celeb_a.{closest(node, known)} "
                f"Expected some of {', '.join(known)}."
            )


def _prepare(builder: tfds.core.DatasetBuilder) -> None:
    """Prepares CelebA from files brought by hand; its public addresses refuse automatic downloads."""
    if builder.is_prepared():
        return
    downloads = _check_files(builder)
    try:
        builder.download_and_prepare(download_dir=str(downloads))
    except NonMatchingChecksumError as error:
        raise InputError(f"A file in {downloads / 'manual'} is not the original one; get it again. {error}") from error


def _check_files(builder: tfds.core.DatasetBuilder) -> pathlib.Path:
    """The folder of the downloads; InputError unless it holds the files brought by hand."""
    downloads = pathlib.Path(builder.data_dir).parents[1] / "downloads"
    manual = downloads / "manual"
    absent = [name for name in MANUAL_FILES if not (manual / name).is_file()]
    if absent:
        raise InputError(
            f"CelebA is not prepared in {builder.data_dir}. Put five files into {manual}: {', '.join(MANUAL_FILES)} "
            f"({HOME_PAGE}); {len(absent)} of them are absent, first {absent[0]}. Or use --dataset=folder with "
            "--image_dir and --labels_file."
        )
    return downloads


def _labels(builder: tfds.core.DatasetBuilder, split: str, nodes: Sequence[str]) -> np.ndarray:
    """uint8 [n, K], columns in the order of `nodes`."""
    only = tfds.decode.PartialDecoding({"attributes": set(nodes)})
    batches = builder.as_dataset(split=split, decoders=only).batch(CHUNK).as_numpy_iterator()
    parts = [np.stack([batch["attributes"][node] for node in nodes], axis=1) for batch in batches]
    if not parts:
        raise tf.errors.DataLossError(None, None, f"no rows in split {split}")
    return np.concatenate(parts).astype(np.uint8)


def _images(builder: tfds.core.DatasetBuilder, split: str, count: int, config: DataConfig, write: bool) -> np.ndarray:
    """uint8 [n, S, S, C], a memory map."""

    def files() -> Iterator[Source]:
        rows = builder.as_dataset(split=split, decoders={"image": tfds.decode.SkipDecoding()})
        for number, row in enumerate(rows.as_numpy_iterator()):
            yield f"celeb_a, split {split}, image {number}", row["image"]

    return decoded(files(), count, [str(builder.data_dir), split], config, write)
