"""The benchmark of strategies counts what it says it counts, and takes its ratios within a round."""

import itertools

import pytest

from causalgan_tf.config import RunConfig
from tools.benchmarks import distribution


@pytest.fixture
def clock(monkeypatch):
    """A clock that only the turns move."""
    now = [0.0]
    monkeypatch.setattr(distribution.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(distribution.time, "process_time", lambda: now[0] / 2.0)
    return now


def turn(clock, seconds, count):
    """Work of `count` images, whose pieces take the given seconds in turn."""
    taken = itertools.cycle(seconds)

    def work():
        clock[0] += next(taken)
        return count

    return work


def test_a_rate_counts_all_that_was_done_in_its_turn(clock):
    assert distribution.rate(turn(clock, [0.5], 8), 3.0) == pytest.approx([16.0, 32.0])
    assert distribution.rate(turn(clock, [5.0], 8), 3.0) == pytest.approx([1.6, 3.2])


def test_a_machine_that_slows_down_changes_the_rates_but_no_ratio(clock):
    slower = [1.0, 1.0, 10.0, 100.0]  # the first compiles, then a round each
    found = distribution.compared(turn(clock, slower, 8), turn(clock, slower, 6), rounds=3, seconds=0.5)
    assert [found[name] for name in ("ratio", "lowest", "highest", "cpu_ratio")] == pytest.approx([0.75] * 4)
    assert (found["without"], found["with"]) == pytest.approx((0.8, 0.6))


def test_the_input_turn_gives_batches_of_the_configured_size():
    config = RunConfig()
    assert distribution.input_turn(distribution.dataset(side=8), config)() == config.image.batch_size
