"""A world of four labels and 16 x 16 images whose every law is known, and models that are right or wrong on purpose."""

import numpy as np
import pandas as pd

from causalgan_tf.config.data import CELEBA_QUERIES
from causalgan_tf.config.run import RunConfig
from causalgan_tf.data.dataset import Dataset, ImageSet
from causalgan_tf.errors import InputError
from causalgan_tf.graphs.cells import cells
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.inference.distribution import LabelDistribution
from causalgan_tf.inference.query import meets
from causalgan_tf.inference.samples import Samples

GRAPH = CausalGraph({"Male": (), "Young": (), "Mustache": ("Male", "Young"), "Wearing_Lipstick": ("Male",)})
LAW = LabelDistribution(
    GRAPH,
    {
        "Male": np.array(0.4),
        "Young": np.array(0.75),
        "Mustache": np.array([[0.0, 0.0], [0.6, 0.4]]),
        "Wearing_Lipstick": np.array([0.8, 0.05]),
    },
)
CONFIG = RunConfig()
SIZE = 16


def render(labels: np.ndarray, seed: int) -> np.ndarray:
    """uint8 [n, 16, 16, 3]: quadrant k is bright where label k is 1, on a background of random colour."""
    rng = np.random.default_rng(seed)
    images = np.broadcast_to(rng.integers(0, 60, (len(labels), 1, 1, 3)), (len(labels), SIZE, SIZE, 3)).copy()
    for column in range(labels.shape[1]):
        top, left = 8 * (column // 2), 8 * (column % 2)
        images[:, top + 1 : top + 7, left + 1 : left + 7] += (150 * labels[:, column]).astype(int)[:, None, None, None]
    return (images + rng.integers(0, 20, images.shape)).astype(np.uint8)


def image_set(n: int, seed: int, uniform: bool = False) -> ImageSet:
    """n rendered images, labels from the law or uniform."""
    labels = np.random.default_rng(seed).integers(0, 2, (n, 4), np.uint8) if uniform else LAW.sample(n, seed=seed)
    return ImageSet(render(labels, seed), labels)


def dataset(renderer: bool = True, n: int = 800) -> Dataset:
    """Data of the world; without the renderer, nothing is known but rows and observational images."""
    return Dataset(
        graph=GRAPH,
        label_rows=LAW.sample(50_000, seed=1),
        train=image_set(n, 2),
        test=image_set(n // 2, 3),
        uniform=image_set(n, 4, uniform=True) if renderer else None,
        law=LAW if renderer else None,
        render=render if renderer else None,
        queries=CELEBA_QUERIES,
    )


def units(seeds: np.ndarray, do: dict | None = None) -> np.ndarray:
    """Label rows uint8 [n, 4] of units with these seeds: a seed draws the same noise under any do."""
    noise = np.stack([np.random.default_rng(seed).random(4) for seed in seeds])
    rows = np.empty(noise.shape, np.uint8)
    for k, node in enumerate(GRAPH.nodes):
        chance = LAW.tables[node][..., 1][tuple(rows[:, GRAPH.index(parent)] for parent in GRAPH.parents[node])]
        rows[:, k] = (do or {}).get(node, noise[:, k] < chance)
    return rows


class LawSampler:
    """The labels of a model that is a law: what a measure of its limits asks."""

    def __init__(self, law: LabelDistribution, stated: bool = True) -> None:
        self.law, self.graph, self.stated = law, law.graph, stated

    def conditional(self, node, parents, draws, seed):
        chances = self.law.tables[node][tuple(parents.astype(int).T)].reshape([len(parents), -1])
        return chances if self.stated else np.random.default_rng(seed).multinomial(draws, chances) / draws

    def under(self, seeds, do):
        rows, rng = np.empty(do.shape, np.uint8), np.random.default_rng(int(seeds[0]) % 2**32)
        for k, node in enumerate(self.graph.nodes):
            above = tuple(rows[:, self.graph.index(parent)] for parent in self.graph.parents[node])
            table = self.law.tables[node][above]
            drawn = (rng.random(len(rows))[:, None] > np.cumsum(table, -1)).sum(-1)
            rows[:, k] = np.where(np.isnan(do[:, k]), drawn, do[:, k])
        return rows


class PerfectModel:
    """Draws from the law itself, which is its enumerated law too, and renders its images."""

    graph, image_size, states_probabilities, labels = GRAPH, SIZE, False, LawSampler(LAW)

    def sample_labels(self, n, do=None, given=None, seed=0):
        if not given:
            return LAW.sample(n, seed=seed, do=do)
        rows = LAW.sample(200 * n, seed=seed, do=do)
        fits = np.all([rows[:, GRAPH.index(node)] == value for node, value in given.items()], axis=0)
        if fits.sum() < n:
            raise InputError(f"Found {fits.sum()} of {n} rows with {given}.")
        return rows[fits][:n]

    def label_distribution(self, draws, seed):
        return LAW

    def images_of(self, labels, seed=0, seeds=None):
        if seeds is None:
            return render(labels, seed)
        return np.concatenate([render(row[None], own) for row, own in zip(labels, seeds, strict=True)])

    def sample(self, n, do=None, given=None, seed=0, images=None, max_draws=None):
        seeds = 1_000_000 * seed + np.arange(2_000 if given else n)
        if given:
            seeds = seeds[meets(units(seeds, do), GRAPH, given)]
        if len(seeds) < n:
            raise InputError(f"Found {len(seeds)} of {n} rows with {given}.")
        return self.twins(seeds[:n], do, images)

    def twins(self, seeds, do=None, images=None):
        seeds = getattr(seeds, "seeds", seeds)
        labels = units(seeds, do)
        drawn = None if images is False or self.image_size is None else self.images_of(labels, seeds=seeds)
        return Samples(pd.DataFrame(labels, columns=list(GRAPH.nodes)), drawn, np.asarray(seeds))


class ConditioningModel(PerfectModel):
    """Takes do(X=x) for X=x: the mistake that a causal model must not make."""

    def sample_labels(self, n, do=None, given=None, seed=0):
        return super().sample_labels(n, given={**(do or {}), **(given or {})}, seed=seed)

    def label_distribution(self, draws, seed):
        return ConditioningLaw(GRAPH, LAW.tables)


class ConditioningLaw(LabelDistribution):
    """A law that takes do(X=x) for X=x."""

    def joint(self, do=None):
        seen = super().joint() * meets(cells(len(GRAPH)), GRAPH, do or {})
        return seen / seen.sum()

    def probability(self, event, do=None, given=None):
        return super().probability(event, given={**(do or {}), **(given or {})})


class BlindModel(PerfectModel):
    """Right labels; the images always wear a mustache."""

    def images_of(self, labels, seed=0, seeds=None):
        shown = labels.copy()
        shown[:, GRAPH.index("Mustache")] = 1
        return super().images_of(shown, seed, seeds)


class LabelsOnlyModel(PerfectModel):
    """Draws no images."""

    image_size = None
