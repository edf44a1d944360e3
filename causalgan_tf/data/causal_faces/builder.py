"""Causal Faces as a TensorFlow dataset: rendered faces whose labels follow a known causal model."""

import dataclasses
import functools
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from causalgan_tf.data.causal_faces.noise import sample_noise
from causalgan_tf.data.causal_faces.renderer import render
from causalgan_tf.data.causal_faces.scm import LABELS, law

SPLITS = ("train", "test", "uniform")
_CHUNK = 500  # rows rendered at once

_DESCRIPTION = """\
Drawn faces with nine binary labels (Young, Male, Eyeglasses, Bald, Mustache, Smiling, Wearing_Lipstick,
Mouth_Slightly_Open, Narrow_Eyes) that follow Causal Graph 1 with the conditional relative frequencies of CelebA.
A picture is a deterministic function of its labels and of exogenous noise (pose, skin, hair, clothes, light,
background, pixel noise), so the true observational, interventional and counterfactual pictures can be rendered.
Splits train and test have the observational distribution of the labels; uniform has independent fair coins.
"""

_CITATION = """\
@inproceedings{kocaoglu2018causalgan,
  title={{CausalGAN}: Learning Causal Implicit Generative Models with Adversarial Training},
  author={Kocaoglu, Murat and Snyder, Christopher and Dimakis, Alexandros G. and Vishwanath, Sriram},
  booktitle={International Conference on Learning Representations},
  year={2018},
  note={arXiv:1709.02023; the causal graph}
}
"""

_LETTERS = {"train": "n", "test": "t", "uniform": "u", "seed": "s"}  # fields in a configuration's name


@dataclasses.dataclass(eq=False)
class FacesConfig(tfds.core.BuilderConfig):
    """Configuration of the pictures; values other than the defaults are part of the name of the prepared data.

    >>> FacesConfig(image_size=16, train=200, seed=3).name
    '16_n200_s3'
    >>> FacesConfig.from_name("16_n200_s3").train
    200
    """

    name: str = ""  # derived from the rest
    image_size: int = 32  # side of the pictures, pixels: a power of two in [16, 256]
    train: int = 20_000  # pictures in the split train
    test: int = 5_000  # pictures in the split test
    uniform: int = 12_000  # pictures in the split uniform
    seed: int = 0  # of the labels and of the exogenous noise

    def __post_init__(self) -> None:
        """Names the configuration."""
        self.name = "_".join([str(self.image_size), *self._changes()])

    def _changes(self) -> list[str]:
        values = {name: (letter, getattr(self, name)) for name, letter in _LETTERS.items()}
        return [f"{letter}{value}" for name, (letter, value) in values.items() if value != getattr(FacesConfig, name)]

    @staticmethod
    @functools.cache
    def from_name(name: str) -> "FacesConfig | None":
        """The configuration of a name such as "32" or "16_n200_t50_u64_s3"; None for a text that is no such name."""
        optional = "".join(rf"(?:_{letter}(?P<{field}>\d+))?" for field, letter in _LETTERS.items())
        match = re.fullmatch(rf"(?P<image_size>\d+){optional}", name)
        return match and FacesConfig(**{field: int(value) for field, value in match.groupdict().items() if value})


class CausalFaces(tfds.core.GeneratorBasedBuilder):
    """TFDS builder: `tfds.load("causal_faces/32")`, "causal_faces/64", or any other `FacesConfig` or its name.

    >>> import contextlib, io
    >>> builder = CausalFaces(config="16_n4_t2_u2", data_dir="data")
    >>> with contextlib.redirect_stdout(io.StringIO()):  # TFDS says where it writes
    ...     builder.download_and_prepare()
    >>> {split: len(builder.as_dataset(split)) for split in SPLITS}
    {'train': 4, 'test': 2, 'uniform': 2}
    >>> row = next(builder.as_dataset("train").as_numpy_iterator())
    >>> row["image"].shape, row["labels"].shape
    ((16, 16, 3), (9,))
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First pictures."}
    BUILDER_CONFIGS = [FacesConfig(image_size=32), FacesConfig(image_size=64)]

    def __init__(self, *, config: str | FacesConfig | None = None, **options: Any) -> None:
        """A builder of `config`; for the options see tfds.core.DatasetBuilder."""
        super().__init__(config=config.name if isinstance(config, FacesConfig) else config, **options)

    @classmethod
    def get_builder_config(cls, name: str, version: Any = None) -> FacesConfig | None:
        """The configuration of that name; TFDS asks here, so that no list has to hold them all."""
        del version
        return FacesConfig.from_name(name)

    def _info(self) -> tfds.core.DatasetInfo:
        size = self.builder_config.image_size
        features = {
            "image": tfds.features.Image(shape=(size, size, 3), encoding_format="png"),
            "labels": tfds.features.Tensor(shape=(len(LABELS),), dtype=np.uint8),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description=_DESCRIPTION,
            citation=_CITATION,
            features=tfds.features.FeaturesDict(features),
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        del dl_manager
        return {split: self._generate_examples(split) for split in SPLITS}

    def _generate_examples(self, split: str) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
        config = self.builder_config
        n, labels_seed, noise_seed = getattr(config, split), *split_seeds(split, config.seed)
        if split == "uniform":
            labels = np.random.default_rng(labels_seed).integers(0, 2, (n, len(LABELS)), np.uint8)
        else:
            labels = law().sample(n, seed=labels_seed)
        noise = sample_noise(n, seed=noise_seed)
        for start in range(0, n, _CHUNK):
            rows = slice(start, start + _CHUNK)
            images = render(labels[rows], noise[rows], config.image_size)
            for row, (image, label) in enumerate(zip(images, labels[rows], strict=True), start):
                yield row, {"image": image, "labels": label}


def split_seeds(split: str, seed: int) -> tuple[int, int]:
    """The seeds of a split's labels and of its exogenous noise; no two splits share one."""
    return tuple(map(int, np.random.SeedSequence([seed, SPLITS.index(split)]).generate_state(2)))
