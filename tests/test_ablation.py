"""The ablation: its rows, the exact law as a sampler, training by the clock, the table, interrupted runs."""

import dataclasses
import time
import types

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from causalgan_tf import noise
from causalgan_tf.config import DataConfig, GanConfig, ImageConfig, RunConfig
from causalgan_tf.data.causal_faces import law
from causalgan_tf.evaluation.classifier import EvaluationClassifier, classifier_network
from causalgan_tf.evaluation.sizes import EvaluationSizes
from causalgan_tf.graphs.cells import histogram
from causalgan_tf.metrics.tvd import sampling_floor, total_variation
from causalgan_tf.training import builders, stages
from tests import squares
from tools.benchmarks import ablation, ablation_rows, ablation_table

TINY = {"width": 4, "discriminator_width": 4, "labeler_width": 4, "batch_size": 8, "noise_size": 4, "steps_per_call": 2}
SIZES = EvaluationSizes(effectiveness=40, uniform=40, cfid=60, diversity=60, judge_test=40, judge_steps=25)


def test_rows_differ_in_what_their_titles_say():
    every = ablation.rows(16)
    default, paper = every["default"].image, every["paper"].image
    alone = ("no_anti_labeler", "no_labeler", "unmixed", "in_turn", "data_rows", "hinge_spectral", "wide_labelers")
    alone += ("no_additivity",)
    changed = {
        name: changes(default, every[name].image) | changes(GanConfig(), every[name].gan)
        for name in (*alone, "batch_64", "momentum")
    }
    assert changed == {
        "no_anti_labeler": {"anti_labeler_weight": 0.0},
        "no_labeler": {"labeler_weight": 0.0},
        "no_additivity": {"additivity": 0.0},
        "unmixed": {"mix_single": 0.0, "mix_uniform": 0.0},
        "in_turn": {"updates": "in_turn"},
        "data_rows": {"discriminator_rows": "data", "discriminator_labels": False},
        "hinge_spectral": {"gan_loss": "hinge", "discriminator_norm": "spectral", "r1_weight": 0.0},
        "wide_labelers": {"labeler_width": 16},
        "batch_64": {"batch_size": 64},
        "momentum": {"beta1": 0.5},
    }
    assert changes(dataclasses.replace(ImageConfig(), width=16, discriminator_width=16, labeler_width=8), default) == {}
    own = every["paper"].gan
    assert (paper.updates, own.generator_steps, own.gan_loss) == ("in_turn", 6, "nonsaturating")
    assert (own.discriminator_norm, paper.ema) == ("batch", 0) and every["paper_hinge"].image == paper
    assert changes(own, every["paper_hinge"].gan) == {"gan_loss": "hinge", "discriminator_norm": "spectral"}
    assert every["paper_hinge_mixed"].gan == every["paper_hinge"].gan
    assert set(changes(every["paper_hinge"].image, every["paper_hinge_mixed"].image)) == {"mix_single", "mix_uniform"}
    assert every["began"].image == every["began_two_margins"].image
    assert changes(every["began"].began, every["began_two_margins"].began) == {"third_margin": False}
    for name in ("label_fed", "ac_gan", "joint"):
        assert set(changes(default, every[name].image)) == set(ablation_rows.PLAIN)


def test_rows_under_trial_are_the_default_recipe_built_otherwise():
    every = ablation.rows(16)
    default = every["default"]
    tried = set(ablation_rows.changed(default.image)) - {"no_additivity", "image_fed", "flow"}
    assert len(tried) == 13 and tried < set(every)
    assert changes(default.image, every["image_fed"].image) == {"discriminator_labels": False}
    fed_with_images = {name for name in tried if name.startswith(("patch", "relativistic")) and "fed" not in name}
    for name in tried:
        row = every[name]
        expected = {"discriminator_labels": False} if name in fed_with_images else {}
        assert row.build is not None and changes(default.image, row.image) == expected, name
        expected = {"additivity": 0.0} if name == "patch_no_additivity" else {}
        assert changes(default.gan, row.gan) == expected, name
    assert changes(default.image, every["flow"].image) == {"beta1": 0.9, "learning_rate": 1e-3, "steps_per_call": 2}


def test_all_rows_have_one_width_and_their_labelers_the_presets_share_of_it():
    for width in (8, 32):
        for name, row in ablation.rows(width).items():
            wide = name.startswith("paper") or name == "wide_labelers"
            labelers = 3 * width // 4 if name.startswith("began") else width if wide else width // 2
            found = (row.image.width, row.image.discriminator_width, row.image.labeler_width)
            assert found == (width, width, labelers), name
            RunConfig(image=row.image, gan=row.gan, began=row.began)  # refuses fields of the other model


def test_no_setting_of_a_run_has_the_name_of_a_figure():
    assert not set(ablation_table.SETTINGS) & {*ablation_table.COLUMNS, "row", "seed"}


def changes(old, new):
    fields = [field.name for field in dataclasses.fields(old)]
    return {name: getattr(new, name) for name in fields if getattr(new, name) != getattr(old, name)}


@pytest.mark.parametrize("exact", [squares.LAW, law()], ids=["squares", "faces"])
def test_the_law_as_a_sampler_draws_the_law(exact):
    seeds = noise.row_seeds(0, 0, 200_000)
    labels = tf.function(ablation.LawSampler(exact))(seeds).numpy()
    assert labels.shape == (200_000, len(exact.graph)) and set(np.unique(labels)) == {0.0, 1.0}
    floor = sampling_floor(exact.joint(), 200_000)
    assert total_variation(histogram(labels.astype(np.uint8)), exact.joint()) < 1.5 * floor


def test_what_is_rendered_is_kept_and_not_rendered_again(tmp_path):
    calls = []

    def render(labels, seed):
        calls.append(seed)
        return squares.render(labels, seed)

    labels = squares.LAW.sample(20, seed=0)
    first, again = (ablation.Rendered(render, tmp_path / "kept")(labels, 5) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert calls == [5]
    ablation.Rendered(render, tmp_path / "kept")(labels[::-1], 5)
    ablation.Rendered(render, tmp_path / "kept")(labels, 6)
    assert calls == [5, 5, 6]


@pytest.fixture(scope="module")
def bench():
    data = squares.dataset(n=120)
    judge = EvaluationClassifier(
        classifier_network(data.train.images.shape[1:], len(squares.GRAPH), 0), squares.GRAPH.variables
    )
    config = DataConfig(image_size=squares.SIZE)
    return ablation.Bench(config, data, judge, SIZES, seconds=0.3, clock="wall", seed=0)


def test_training_lasts_as_long_as_it_should_and_the_rates_fall_by_the_clock(bench):
    image = ImageConfig(**TINY, learning_rate=1e-3, discriminator_learning_rate=4e-3, decay_start=0.0, decay_to=0.01)
    config = RunConfig(data=bench.config, image=image)
    learner = builders.build_images(config, squares.GRAPH, ablation.LawSampler(squares.LAW))
    start = time.perf_counter()
    found = ablation.timed_training(learner, stages.real_rows(bench.dataset, config, 0), config, 0.5)
    assert 0.5 <= found["wall_s"] <= time.perf_counter() - start
    assert found["steps"] == int(learner.step) and found["steps"] % 2 == 0
    assert found["images_per_s"] == pytest.approx(8 * (found["steps"] - 2) / found["wall_s"])
    rates = {name: float(optimizer.learning_rate) for name, optimizer in learner.optimizers.items()}
    # the last call has begun before the time was up
    assert 0.01 * 4e-3 <= rates["discriminator"] < 4e-3
    assert rates["discriminator"] == pytest.approx(4 * rates["generator"])


@pytest.mark.parametrize("name", [pytest.param("label_fed", marks=pytest.mark.long), "joint"])
def test_a_row_is_trained_measured_and_shown(bench, tmp_path, name):
    row = ablation.rows(4)[name]
    row = dataclasses.replace(row, image=dataclasses.replace(row.image, **TINY))
    found = ablation_table.rounded(bench.finish(name, row, 0, tmp_path))
    assert tuple(found) == ablation_table.COLUMNS
    absent = {column for column, value in found.items() if np.isnan(value)}
    # hardly trained labels may share no cell with the data, and then there is no distance in cells
    expected = {"distance", "distance_real"} & absent if name == "joint" else {"label_tvd", "label_tvd_do"}
    assert absent == expected
    assert (tmp_path / f"{name}_0.png").exists()
    assert 0 <= found["effect_uniform"] <= 1 and found["wall_s"] >= 0.3


def test_the_truth_is_a_row_without_a_training(bench, tmp_path):
    found = bench.finish(ablation_table.REAL, None, 0, tmp_path)
    assert found["distance"] == pytest.approx(found["distance_real"], rel=0.3)
    assert np.isnan(ablation_table.rounded(found)["steps"])


class Diverging:
    """A learner whose third step is not finite."""

    players, optimizers, step = {}, {}, 0

    def train_call(self, iterator):
        self.step += 1
        return {"loss": np.nan if self.step == 3 else 0.0}


def test_a_row_that_diverges_has_no_figures_and_stops_nothing(bench, tmp_path, capsys):
    row = dataclasses.replace(ablation.rows(4)["default"], build=lambda *arguments: Diverging())
    assert bench.finish("default", row, 0, tmp_path) == {}
    assert "default 0 has no figures: loss is no longer finite after 3 steps." in capsys.readouterr().out


def made_up(row, seed, **figures):
    return SETTINGS | {"row": row, "seed": seed} | ablation_table.rounded(ZEROS | figures)


SETTINGS = {"minutes": 6.0, "clock": "wall", "width": 32, "train_images": 20_000, "images": 5_000}
SETTINGS |= {"judge_steps": 800, "data_seed": 0}
ZEROS = {name: 0.5 for name in ablation_table.COLUMNS if not name.startswith("label_tvd")}
ROWS = {name: types.SimpleNamespace(title=name.upper(), note=note) for name, note in (("a", ""), ("b", "Beware."))}


def test_the_table_shows_mean_and_standard_error_of_the_runs_with_these_settings(tmp_path, capsys):
    runs = [made_up("b", 0, cfid_do=7), made_up("a", 0, cfid_do=1), made_up("a", 1, cfid_do=2), made_up("real", 0)]
    others = [made_up("a", 2, cfid_do=99), made_up("a", 0, cfid_do=99) | {"width": 8}]
    ablation_table.write(tmp_path, pd.DataFrame(runs + others), SETTINGS, ROWS, seeds=2)
    text = (tmp_path / "ablation.md").read_text(encoding="utf-8")
    lines = [line.split(" | ") for line in text.splitlines() if line.startswith("|")]
    assert [line[0] for line in lines] == ["| ", "| ---", "| real images, drawn afresh", "| A", "| B"]
    place = lines[0].index("cFID, do")
    assert [line[place] for line in lines[2:]] == ["0.50", "1.50 ± 0.50", "7.00"]
    assert [line[1] for line in lines[2:]] == ["1", "2", "1"]
    assert "label TVD" not in text and "99" not in text and "- B: Beware." in text
    assert text in capsys.readouterr().out
    assert (tmp_path / "ablation.png").exists() and (tmp_path / "ablation.svg").exists()


def test_a_run_without_figures_is_no_seed_of_the_mean():
    runs = pd.DataFrame([made_up("a", 0), made_up("a", 1, **dict.fromkeys(ZEROS, np.nan))])
    assert "| A | 1 | 0.500 |" in ablation_table.markdown(runs, {"a": "A"})


def test_what_the_csv_holds_is_held(tmp_path):
    table, key = tmp_path / "ablation.csv", SETTINGS | {"row": "a", "seed": 0}
    assert not ablation.held(table, key)
    ablation.append(table, [made_up("a", 0)])
    assert ablation.held(table, key)
    for other in ({"seed": 1}, {"row": "b"}, {"minutes": 0.5}):
        assert not ablation.held(table, key | other)
