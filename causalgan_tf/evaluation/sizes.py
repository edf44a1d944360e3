"""How much an evaluation draws."""

import dataclasses
import zlib

import numpy as np

from causalgan_tf.errors import InputError

NEIGHBOURS = 5  # k of precision, recall, density and coverage
FEWEST_TEST = 2 * (NEIGHBOURS + 1)  # test images: either half needs k neighbours of an image


@dataclasses.dataclass(frozen=True)
class EvaluationSizes:
    """Numbers of rows and images, all at least 2.

    >>> EvaluationSizes(draws=10_000).draws
    10000
    """

    draws: int = 500_000  # label rows that are counted: the sampling floor of 9 labels is then about .005
    law: int = 100_000  # draws of a label's noise for each cell of its parents, for the enumerated distribution
    mmd: int = 2_000  # label rows on either side of an MMD
    effectiveness: int = 2_000  # generated images under each single do
    off_target: int = 400  # units that are drawn with and without each single do
    uniform: int = 5_000  # generated images on uniform label cells
    cfid: int = 5_000  # images on either side of a distance and among neighbours
    diversity: int = 5_000  # images whose pixels are held at once, for the diversity
    judge_test: int = 2_000  # uniform images held out of the classifier's training
    judge_steps: int = 800  # optimizer steps of the classifier

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if type(value) is not int or value < 2:
                raise InputError(f"EvaluationSizes.{field.name}: expected an integer of at least 2, got {value!r}.")


def derived_seed(seed: int, purpose: str) -> int:
    """A seed in [0, 2**31) of its own for each purpose, so that no draw repeats the noise of another."""
    return int(np.random.SeedSequence([seed, zlib.crc32(purpose.encode())]).generate_state(1)[0] >> 1)
