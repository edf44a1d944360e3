"""Tags of TensorBoard: each of one thing, whatever labels are called, and described as what it is."""

import types

import pytest

from causalgan_tf.graphs.names import checked, safe
from causalgan_tf.runs.tags import DESCRIPTIONS, MEAN, described
from causalgan_tf.training.looks import final_figures

ODD = ("mean", "c", "generator_loss", "tvd", "learning_rate_c", "additivity", "a*mean", "a/b")


def after(**groups):
    """A callback whose last figures are of these groups."""
    return types.SimpleNamespace(
        latest={f"{group}/{name}": x for group, own in groups.items() for name, x in own.items()}
    )


def test_figures_of_both_stages_are_told_apart():
    found = final_figures([after(controller={"generator_loss": 1.0})])
    found |= final_figures([after(images={"generator_loss": 3.0}, effectiveness={MEAN: 0.5})])
    assert found == {
        "final/controller_generator_loss": 1.0,
        "final/images_generator_loss": 3.0,
        "final/effectiveness_mean": 0.5,
    }


def test_labels_called_as_figures_are_none():
    assert final_figures([after(effectiveness=dict.fromkeys(map(safe, ODD), 0.5))]) == {}


@pytest.mark.parametrize("label", ODD)
def test_a_label_called_as_a_figure_is_described_as_a_label(label):
    tag = safe(checked(label))
    assert tag != MEAN
    assert described(f"effectiveness/{tag}") == DESCRIPTIONS["effectiveness"]
    assert described(f"labels/{tag}/real") == DESCRIPTIONS["labels"]


def test_figures_of_stages_and_means_keep_their_descriptions():
    assert described("images/c") == DESCRIPTIONS["c"] and described(f"effectiveness/{MEAN}") == "mean of this group"
    assert described("images/learning_rate_labeler") == "learning rate of the labeler"
    assert described("final/images_generator_loss") == DESCRIPTIONS["final"]
