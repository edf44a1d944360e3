"""The watch over collapsed images, when it begins, stops a training and what it says; the bar; when is saved."""

import types

import keras
import numpy as np
import pytest

from causalgan_tf.config import ControllerConfig, ImageConfig
from causalgan_tf.errors import InputError
from causalgan_tf.runs.event_log import Log
from causalgan_tf.training import callbacks, stages
from causalgan_tf.training.callbacks import Checkpoints, Collapse, Progress, TotalVariation


def watch(folder, values, share=0.1, latest="images/ckpt-7"):
    """A watch over a training that starts at step 0 and whose diversity is `values`, look by look."""
    manager = types.SimpleNamespace(latest_checkpoint=latest)
    return Collapse(
        lambda: 0,
        iter(values).__next__,
        manager,
        Log(folder),
        every_steps=10,
        share=share,
        advice="use --image_minibatch=std",
    )


def test_images_that_become_one_stop_the_training_with_the_last_checkpoint(tmp_path):
    look = watch(tmp_path, [0.01, 0.15, 0.25, 0.12, 0.05])
    for step in (10, 20, 30, 40):
        look.at(step, {})
    with pytest.raises(InputError, match="(?s)step 50 .* 0.050 of what real.*images/ckpt-7.*minibatch=std"):
        look.at(50, {})


def test_an_untrained_generator_and_a_share_of_zero_stop_nothing(tmp_path):
    for look in (watch(tmp_path, [0.0, 0.19, 0.05]), watch(tmp_path, [0.9, 0.0, 0.0], share=0.0)):
        for step in (10, 20, 30):
            look.at(step, {})


def test_it_looks_when_the_next_checkpoint_is_due_and_not_between(tmp_path):
    look = watch(tmp_path, [0.5])
    for step in (2, 5, 9):
        look.at(step, {})
    assert look.looked == 0
    look.at(10, {})
    assert look.looked == 10


def test_a_resumed_training_is_watched_from_the_start_if_it_had_images_already(tmp_path):
    resumed = watch(tmp_path, [0.15, 0.05])
    resumed.on_train_begin()
    with pytest.raises(InputError, match="step 10 "):
        resumed.at(10, {})
    for early in (watch(tmp_path, [0.05, 0.05]), watch(tmp_path, [0.05], latest=None)):
        early.on_train_begin()
        early.at(10, {})


def test_a_loss_that_is_not_finite_is_left_to_the_check_that_says_so(tmp_path):
    look = watch(tmp_path, [0.5, 0.0])
    look.at(10, {})
    look.at(20, {"generator_loss": float("nan")})
    assert look.looked == 10


def test_the_last_steps_are_looked_at_before_they_are_saved(tmp_path):
    done = iter([0, 13, 13])
    manager = types.SimpleNamespace(latest_checkpoint="images/ckpt-10")
    look = Collapse(lambda: next(done), iter([0.5, 0.05]).__next__, manager, Log(tmp_path), every_steps=10, share=0.1)
    look.at(10, {})
    with pytest.raises(InputError, match="(?s)step 13 .*images/ckpt-10"):
        look.on_train_end()


def bar_of(columns, logs, monkeypatch, title="CausalGAN", steps=12_000):
    """The line of a bar in a terminal of so many columns, or in a file (0), after a slow first call and 20 steps."""
    progress = Progress(lambda: 0, steps=steps, title=title)
    progress.on_train_begin()
    progress.bar.dynamic_ncols = lambda file: (columns or None, None)
    progress.bar.ncols = columns or None
    clock = {"now": 0.0}
    progress.bar._time = lambda: clock["now"]
    monkeypatch.setattr(callbacks, "time", types.SimpleNamespace(time=progress.bar._time))
    for step, clock["now"] in ((20, 60.0), (40, 62.0), (60, 64.0)):
        progress.at(step, logs)
    line = str(progress.bar)
    progress.close()
    return line


LOSSES = {"anti_labeler_loss": 0.0646, "c": 0.549, "discriminator_loss": 0.884, "generator_loss": 1.23}


@pytest.mark.parametrize(("columns", "shown"), [(80, 1), (110, 2), (140, 4), (0, 4)])
def test_a_bar_keeps_ten_letters_and_shows_whole_losses_where_there_is_room(columns, shown, monkeypatch):
    line = bar_of(columns, LOSSES, monkeypatch)
    assert len(line.split("|")[1]) == 10 and line.endswith("]")
    assert line.count("=") == shown and "generator=1.23" in line
    assert not columns or len(line) <= columns


def test_a_long_first_call_does_not_count_in_the_time_that_is_left(monkeypatch):
    # 11,940 steps at 10 a second are 19:54; with the minute of the first call they would be hours
    assert "<19:54, 10.00/s" in bar_of(0, LOSSES, monkeypatch)


@pytest.mark.parametrize("resumed", [0, 40, 60, 100])
def test_a_training_measures_and_stops_where_it_would_have_without_an_interruption(tmp_path, resumed):
    measured, model = [], keras.Model()
    stops = TotalVariation(
        lambda: resumed, lambda: measured.append(0) or 0.5, Log(tmp_path), every_steps=50, target=0.1
    )
    stops.set_model(model)
    seen = []
    for step in range(resumed + 20, 201, 20):
        before = len(measured)
        stops.at(step, {})
        seen += [step] if len(measured) > before else []
    assert seen == [step for step in (20, 60, 100, 160, 200) if step > resumed]


@pytest.mark.parametrize("part", [ControllerConfig, ImageConfig])
@pytest.mark.parametrize(("call", "every"), [(1, 7), (20, 100), (64, 100), (70, 100), (100, 100), (500, 100)])
def test_no_more_steps_are_unsaved_than_the_flag_says(call, every, part):
    stage = stages.Stage("a", "A", None, part(steps_per_call=call, checkpoint_every=every), None)
    saved, unsaved = [0], []
    manager = types.SimpleNamespace(latest_checkpoint=None, save=saved.append)
    saves = Checkpoints(lambda: 0, manager, stage.save_after)
    for step in range(min(call, every), 2_000, min(call, every)):
        unsaved.append(step - saved[-1])
        saves.at(step, {"loss": 0.5})
    assert max(unsaved) <= every and np.diff(saved).min() > every / 2 - 1
