"""Labels and images for training and evaluation: one `load` for every source."""

from causalgan_tf.config.run import DataConfig
from causalgan_tf.data.dataset import Dataset, ImageSet
from causalgan_tf.graphs.graph import CausalGraph

__all__ = ["Dataset", "ImageSet", "load"]


def load(config: DataConfig, seed: int, labels_only: bool = False, graph: CausalGraph | None = None) -> Dataset:
    """The data set that a configuration names.

    Args:
        config: source, graph, sizes and folders.
        seed: of whatever the source draws: rendered labels and images, or which images are held out.
        labels_only: leave the images out; no image file is opened or looked for.
        graph: the causal graph; None: the one that the configuration names.

    Returns:
        The data set, label columns in graph order.

    Raises:
        InputError: the source is missing, incomplete or does not fit the graph.
    """
    # each source has its own imports: digits, folder and table need no TensorFlow
    if config.dataset == "causal_faces":
        from causalgan_tf.data.causal_faces import load_faces

        return load_faces(config, seed, labels_only, graph)
    if config.dataset == "celeb_a":
        from causalgan_tf.data.celeb_a import load_celeb_a

        return load_celeb_a(config, labels_only, graph)
    if config.dataset == "morpho_digits":
        from causalgan_tf.data.morpho_digits import load_morpho_digits

        return load_morpho_digits(config, seed, labels_only, graph)
    if config.dataset == "folder":
        from causalgan_tf.data.folder import load_folder

        return load_folder(config, seed, labels_only, graph)
    from causalgan_tf.data.tables import load_table

    return load_table(config, graph)
