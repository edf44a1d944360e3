"""Labels and images for training and evaluation: one `load` for every source."""

import dataclasses
import pathlib

from causalgan_tf.config import budget
from causalgan_tf.config.data import CELEBA_QUERIES, SOURCES, DataConfig
from causalgan_tf.data.dataset import Dataset, ImageSet
from causalgan_tf.graphs.graph import CausalGraph

__all__ = ["Dataset", "ImageSet", "load"]


def load(
    config: DataConfig,
    seed: int,
    labels_only: bool = False,
    graph: CausalGraph | None = None,
    write: bool = True,
) -> Dataset:
    """The data set that a configuration names.

    Args:
        config: source, graph, sizes and folders.
        seed: of whatever the source draws: rendered labels and images, or which images are held out.
        labels_only: leave the images out; no image file is opened or looked for.
        graph: the causal graph; None: the one that the configuration names.
        write: False: no image file is decoded to disk, see `decoding.decoded`; drawn sources need `labels_only` then.

    Returns:
        The data set, label columns in graph order.

    Raises:
        InputError: the source is missing, incomplete or does not fit the graph, or no memory here holds what is drawn.
    """
    budget.check_data(config, labels_only)
    # each source brings its own imports: digits, folder and table need no TensorFlow
    source = SOURCES[config.dataset]
    decoding = {} if write or not source.decodes else {"write": False}
    dataset = source.load(config, seed, labels_only, graph, **decoding)
    queries = source.queries
    if pathlib.Path(config.labels_file).stem == "list_attr_celeba":
        queries = CELEBA_QUERIES  # its own file of labels, wherever it lies
    return dataclasses.replace(dataset, queries=queries)
