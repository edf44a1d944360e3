"""A table of binary labels, categories and numbers, bounded and heavy-tailed, is right under every do."""

import numpy as np
import pandas as pd
import pytest

from causalgan_tf.config.controller import ControllerConfig
from causalgan_tf.training.fitting import fit_labels
from tools.benchmarks import mixed
from tools.benchmarks.clinic import CLINIC, GRAPH, single_dos, table
from tools.benchmarks.scms import sample

pytestmark = pytest.mark.long

ROWS = 10_000


def test_a_table_of_all_types_has_the_right_probabilities_and_means_under_every_do(monkeypatch):
    monkeypatch.setattr(mixed, "DRAWS", 50_000)
    rows = sample(CLINIC, ROWS, seed=0)
    judge = mixed.Comparison(rows, draws=100_000)
    model = fit_labels(table(rows), GRAPH, ControllerConfig(steps=2_000), progress=False)
    figures = judge.figures(mixed.draws_of(model))
    # a do sees the rows of a category or a quarter of the numbers, 2,500: a share is known to .01, a mean to .02
    # deviations; the largest of a hundred such errors is about three of them, and fitting may double that
    assert figures["probability: largest"] < 0.06 and figures["probability: mean"] < 0.012
    assert figures["mean: largest"] < 0.12 and figures["mean: mean"] < 0.025
    # what is not fitted is far beyond these bounds
    shuffled = judge.figures(lambda do: np.stack([np.random.default_rng(1).permutation(c) for c in rows.T], 1))
    assert shuffled["probability: largest"] > 0.15 and shuffled["mean: largest"] > 0.3


def test_the_model_of_clinic_is_what_its_table_says():
    rows = sample(CLINIC, 2_000, seed=1)
    frame = table(rows)
    assert list(frame) == list(CLINIC.nodes) and set(GRAPH.nodes) == set(CLINIC.nodes)
    for node, variable in GRAPH.variables.items():
        if variable.size is None:
            assert frame[node].between(variable.low, variable.high).all()
        else:
            assert frame[node].nunique() == variable.size
    assert len(single_dos(rows)) == 2 + 3 + 3 + 3 + 3 + 2 + 4
    assert pd.Series(rows[:, CLINIC.nodes.index("Dose")]).kurt() > 5.0  # a normal distribution has 0
