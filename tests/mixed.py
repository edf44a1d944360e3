"""A world of a category, a number and a binary label whose 16 x 16 grey images show them, and models of it."""

import numpy as np
import pandas as pd

from causalgan_tf.config.run import DataConfig, RunConfig
from causalgan_tf.data.dataset import Dataset, ImageSet, uniform_labels
from causalgan_tf.errors import InputError
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.inference.causal_model import CausalModel
from causalgan_tf.inference.query import Query, meets
from causalgan_tf.inference.samples import Samples, label_frame
from causalgan_tf.runs import run_folder

ROWS = "Place -> Bright; Frame; Place: categorical(left, middle, right); Bright: continuous(0, 100)"
PLACE, BRIGHT, FRAME = range(3)


def labels(seeds: np.ndarray, do: dict | None = None) -> np.ndarray:
    """Label rows float32 [n, 3] of units with these seeds: Bright is 20 + 10 Place + U(0, 40)."""
    fixed = Query.create(GRAPH, do).do
    noise = np.stack([np.random.default_rng(seed).random(3) for seed in seeds])
    place = np.full(len(noise), fixed.get("Place", np.nan))
    place = np.where(np.isnan(place), np.floor(3 * noise[:, 0]), place)
    bright = np.full(len(noise), fixed["Bright"]) if "Bright" in fixed else 20 + 10 * place + 40 * noise[:, 1]
    frame = np.full(len(noise), fixed["Frame"]) if "Frame" in fixed else noise[:, 2] < 0.5
    return np.stack([place, bright, frame], axis=1).astype(np.float32)


def render(rows: np.ndarray, seed: int) -> np.ndarray:
    """uint8 [n, 16, 16, 1]: a bar of grey 100 + Bright in the third of the Place; a white frame; faint noise."""
    images = np.random.default_rng(seed).integers(0, 20, (len(rows), 16, 16, 1)).astype(np.uint8)
    for image, (place, bright, frame) in zip(images, rows, strict=True):
        left = 2 + 4 * int(place)
        image[3:13, left : left + 4] = round(100 + float(bright))
        if frame > 0.5:
            image[[0, -1]] = image[:, [0, -1]] = 255
    return images


def brightness(images: np.ndarray) -> np.ndarray:
    """Bright as the images show it, to half a grey level."""
    return images[:, 2:-2, 2:-2].max(axis=(1, 2, 3)) - 100.0


GRAPH = CausalGraph.from_text(ROWS)
_DATA = labels(np.arange(3_000))
GRAPH = GRAPH.with_variables({"Bright": GRAPH.variables["Bright"].fitted(_DATA[:, BRIGHT])})


def image_set(rows: np.ndarray, seed: int) -> ImageSet:
    return ImageSet(render(rows, seed), rows)


def dataset() -> Dataset:
    """Data of the world, with renderer, true law and a measure of one label."""
    return Dataset(
        graph=GRAPH,
        label_rows=_DATA,
        train=image_set(_DATA[:500], 1),
        test=image_set(_DATA[500:800], 2),
        uniform=image_set(uniform_labels(GRAPH, _DATA, 600, 3), 3),
        uniform_test=image_set(uniform_labels(GRAPH, _DATA, 100, 4), 4),
        render=render,
        sample_labels=lambda n, do, seed: labels(10_000 * (seed % 100_000) + np.arange(n), do),
        measures={"Bright": brightness},
    )


class PerfectModel:
    """Draws from the law itself and renders its images."""

    graph, image_size, states_probabilities, stated = GRAPH, 16, False, True

    @property
    def labels(self):
        return self

    def conditional(self, node, parents, draws, seed):
        return np.full([len(parents), 3], 1 / 3) if node == "Place" else np.full([len(parents), 2], 0.5)

    def under(self, seeds, do):
        rows = labels(np.asarray(seeds) % 2**32)
        rows = np.where(np.isnan(do), rows, do)
        bright = np.where(np.isnan(do[:, BRIGHT]), 20 + 10 * rows[:, PLACE] + rows[:, BRIGHT] % 10, rows[:, BRIGHT])
        rows[:, BRIGHT] = bright
        return rows.astype(np.float32)

    def sample_labels(self, n, do=None, given=None, seed=0):
        return self.sample(n, do, given, seed, images=False).labels_as_numbers

    def images_of(self, rows, seed=0, seeds=None):
        if seeds is None:
            return render(rows, seed)
        return np.concatenate([render(row[None], own) for row, own in zip(rows, seeds, strict=True)])

    def sample(self, n, do=None, given=None, seed=0, images=None, max_draws=None):
        seeds = 1_000_000 * (seed % 1_000) + np.arange(2_000 if given else n)
        if given:
            seeds = seeds[meets(labels(seeds, do), GRAPH, Query.create(GRAPH, None, given).given)]
        if len(seeds) < n:
            raise InputError(f"Found {len(seeds)} of {n} rows with {given}.")
        return self.twins(seeds[:n], do, images)

    def twins(self, seeds, do=None, images=None):
        seeds = getattr(seeds, "seeds", seeds)
        rows = labels(seeds, do)
        drawn = None if images is False else self.images_of(rows, seeds=seeds)
        return Numbered(label_frame(GRAPH, rows), drawn, np.asarray(seeds))


class Numbered(Samples):
    @property
    def labels_as_numbers(self) -> np.ndarray:
        frame: pd.DataFrame = self.labels
        columns = [frame["Place"].cat.codes, frame["Bright"], frame["Frame"]]
        return np.stack(columns, axis=1).astype(np.float32)


class DimModel(PerfectModel):
    """Right labels; the images show Bright = 50 whatever it is, and every bar on the left."""

    def images_of(self, rows, seed=0, seeds=None):
        shown = rows.copy()
        shown[:, BRIGHT], shown[:, PLACE] = 50, 0
        return super().images_of(shown, seed, seeds)


def untrained() -> CausalModel:
    """A model of this world with random weights, large ones in the mechanisms so that its rows differ."""
    config = RunConfig(DataConfig(dataset="morpho_digits", image_size=16, channels=1))
    mechanisms = run_folder.build_mechanisms(config, GRAPH)
    mechanisms.vector.assign(4.0 * mechanisms.vector)
    return CausalModel(GRAPH, mechanisms, run_folder.build_image_generator(config, GRAPH), config.image.label_encoding)
