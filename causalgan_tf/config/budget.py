"""Memory that a request takes, before anything is computed: what no machine holds is refused with its size.

The estimates count what must be held at least (weights with their Adam moments, the largest arrays of a batch, what is
returned), so nothing that would run is refused for them.
"""

import contextlib
import math
import os
import pathlib
from collections.abc import Sequence
from typing import Any

from causalgan_tf.config.data import SOURCES, DataConfig
from causalgan_tf.config.run import RunConfig
from causalgan_tf.errors import InputError, brief
from causalgan_tf.graphs.graph import CausalGraph

MANY = 10**9 - 1  # of anything: what is more is refused on the largest machine too
MOST = {"layers": 1_000, "critic_layers": 1_000, "critic_steps": 10_000}  # a program of more is never compiled
NUMBER = 4  # bytes of a float32
SPLINE = 37  # outputs of an explicit mechanism of a number
COPIES = 4  # arrays of the weights' size in training: weights, gradient, two moments of Adam
UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB", "EB")

# what of a configuration takes memory, as the command line names it
LABELS = ("batch_size", "noise_size", "width", "layers", "critic_width", "critic_layers", "critic_steps")
IMAGES = ("batch_size", "noise_size", "width", "discriminator_width", "labeler_width", "kernel")
DATA = ("train_images", "test_images", "uniform_images", "label_rows")

CONTAINER = pathlib.Path("/sys/fs/cgroup/memory.max")
SMALLEST = 8  # side of images up to which there is one convolution


def machine() -> int:
    """Bytes of this machine's memory, or of the container's share of it."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with contextlib.suppress(OSError, ValueError):  # "max" without a limit
        memory = min(memory, int(CONTAINER.read_text()))
    return memory


def readable(size: int) -> str:
    """Bytes in words: 2_500_000_000 is 2.5 GB."""
    for unit in UNITS:
        if size < 1_000:
            return f"{size:.3g} {unit}"
        size = size / 1_000 if size < 10**30 else size // 1_000
    return "1,000 EB"


def check_draw(n: int, graph: CausalGraph, image: Sequence[int] = ()) -> None:
    """InputError for more rows than this machine can hold at once.

    Args:
        n: rows.
        graph: over their labels.
        image: shape [S, S, C], if an image is drawn of each row; else empty.

    Example:
        >>> check_draw(1_000, CausalGraph({"A": ()}))
        >>> check_draw(10**9, CausalGraph({"A": ()}))
        Traceback (most recent call last):
        causalgan_tf.errors.InputError: n=1000000000: expected at most ...
    """
    size = 2 * n * (len(graph) * (1 if graph.is_binary else NUMBER) + 8) + (n * math.prod(image) if image else 0)
    rows = "rows with their images" if image else "rows"
    _refuse("n", n, size, f"that many {rows}", "Draw fewer at a time, each part with another seed.")


def check_evaluation(images: int, side: int, channels: int) -> None:
    """InputError for more images on either side of a distance than this machine can hold."""
    size = 2 * images * side**2 * channels
    _refuse("--images", images, size, "the images on both sides", "Lower --images.")


def check_data(config: DataConfig, labels_only: bool = False) -> None:
    """InputError for more rendered images or rows than this machine can hold."""
    if SOURCES[config.dataset].drawn:  # its size is chosen
        _refuse_part("--", DATA, config, data_memory(config, labels_only))


def check_labels(config: RunConfig, graph: CausalGraph) -> None:
    """InputError for a controller that this machine cannot train; kinds that only data tell count as the smallest."""
    _refuse_part("--controller_", LABELS, config.controller, label_memory(config, graph))


def check_images(config: RunConfig, graph: CausalGraph) -> None:
    """InputError for an image model that this machine cannot train."""
    c = config.image
    _refuse_part("--image_", IMAGES, c, image_memory(config, graph))
    code = config.began.code_size  # the default, and small beside the rest, of another image model
    size = NUMBER * code * (2 * COPIES * c.discriminator_width + c.batch_size)
    _refuse("--began_code_size", code, size, "that model", "Lower --began_code_size.")


def check_loaded(config: RunConfig, graph: CausalGraph, images: bool) -> None:
    """InputError for networks that this machine cannot hold, when a trained run is read."""
    _refuse_part("--controller_", LABELS, config.controller, NUMBER * _mechanisms(config, graph))
    if images:
        _refuse_part("--image_", IMAGES, config.image, NUMBER * _generator(config, graph))


def check_training(config: RunConfig, graph: CausalGraph, stages: tuple[str, ...]) -> None:
    """InputError for a run that this machine cannot hold, naming the setting, its memory and the machine's.

    Args:
        config: of the run.
        graph: over its labels.
        stages: those that are to be trained.
    """
    check_data(config.data)
    if "controller" in stages:
        check_labels(config, graph)
    if "images" in stages:
        check_images(config, graph)


def data_memory(config: DataConfig, labels_only: bool = False) -> int:
    """Bytes of the rendered images and label rows of a configuration."""
    images = 0 if labels_only else config.train_images + config.test_images + config.uniform_images
    return images * config.image_size**2 * config.channels + config.label_rows


def label_memory(config: RunConfig, graph: CausalGraph) -> int:
    """Bytes that the training of a controller holds at least."""
    c, inputs = config.controller, sum(variable.width or 1 for variable in graph.variables.values())
    weights = _mechanisms(config, graph) + _perceptron(inputs, c.critic_width, c.critic_layers, 1)
    row = len(graph) * (c.noise_size + c.width * (c.layers - 1)) + c.critic_width * (c.critic_layers - 1)
    return NUMBER * (COPIES * weights + c.batch_size * row)


def image_memory(config: RunConfig, graph: CausalGraph) -> int:
    """Bytes that the training of an image model holds at least."""
    c, side = config.image, config.data.image_size
    weights = _generator(config, graph)
    for width in (c.discriminator_width, c.labeler_width):
        weights += _convolutions(config, width)
    row = c.noise_size + side**2 * config.data.channels + (side // 2) ** 2 * (c.width + c.labeler_width)
    return NUMBER * (COPIES * weights + c.batch_size * row)


def _mechanisms(config: RunConfig, graph: CausalGraph) -> int:
    """Weights of the label generators, without biases."""
    c, columns = config.controller, {node: variable.width or 1 for node, variable in graph.variables.items()}
    explicit = c.mechanisms == "explicit"
    noise = 0 if explicit else c.noise_size
    inputs = {node: noise + sum(columns[parent] for parent in graph.parents[node]) for node in graph.nodes}
    outputs = columns | {node: SPLINE for node, v in graph.variables.items() if explicit and v.size is None}
    return sum(_perceptron(inputs[node], c.width, c.layers, outputs[node]) for node in graph.nodes)


def _perceptron(inputs: int, width: int, layers: int, outputs: int) -> int:
    """Weights of a perceptron, without biases."""
    return inputs * outputs if layers == 1 else inputs * width + (layers - 2) * width**2 + width * outputs


def _generator(config: RunConfig, graph: CausalGraph) -> int:
    """Weights of the image generator: its first layer and its convolutions."""
    c = config.image
    return 16 * c.width * (c.noise_size + len(graph)) + _convolutions(config, c.width)


def _convolutions(config: RunConfig, width: int) -> int:
    """Weights of convolutions of a width, of the two largest at least."""
    kernel = (config.image_model.kernel or config.image.kernel) ** 2
    deep = width**2 if config.data.image_size > SMALLEST else 0
    return kernel * (config.data.channels * width + deep)


def _refuse_part(flags: str, names: Sequence[str], config: Any, size: int) -> None:
    """Refuses a configuration in the name of a field that is too large, else of the one furthest above its default."""
    values = {name: getattr(config, name) for name in names}
    over = [name for name, value in values.items() if value > MOST.get(name, MANY)]
    usual = type(config)()
    name = over[0] if over else max(values, key=lambda name: values[name] * 1_000 // getattr(usual, name))
    _refuse(flags + name, values[name], size, "with the rest of the configuration that", f"Lower {flags}{name}.")


def _refuse(name: str, value: int, size: int, what: str, way_out: str) -> None:
    most = MOST.get(name.rpartition("controller_")[2], MANY)
    takes = f"{what} would take at least {readable(size)} of memory"
    if size > machine():
        raise InputError(f"{name}={brief(value, 40)}: {takes}; this machine has {readable(machine())}. {way_out}")
    if value > most:
        raise InputError(f"{name}={brief(value, 40)}: expected at most {most:,} on any machine; {takes}. {way_out}")
