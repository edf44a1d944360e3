"""An export that is killed at any moment leaves no version that a server would load wrongly, or keeps another back."""

import multiprocessing
import signal
import time

import numpy as np
import pytest
import tensorflow as tf
from random_models import random_model

from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.inference.export import PARTIAL, export_model

KILLED = 20
GRAPH = "Old -> Smokes -> Ill; Old -> Ill"


def export(root, begun):
    """In a process of its own: one export, of which the parent learns when it begins."""
    model = random_model(CausalGraph.from_text(GRAPH))
    begun.set()
    export_model(model, root)


def contents(folder):
    """Sizes of the files of a version by name."""
    return {str(p.relative_to(folder)): p.stat().st_size for p in folder.rglob("*") if p.is_file()}


@pytest.mark.long
def test_twenty_killed_exports_leave_whole_versions_alone(tmp_path):
    # a server of forks: TensorFlow is imported once, and nothing has run before the fork
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["random_models", "causalgan_tf.inference.export"])
    root, random, states = tmp_path / "served", np.random.default_rng(0), []

    def run(moment=None):
        begun = context.Event()
        process = context.Process(target=export, args=(root, begun))
        process.start()
        assert begun.wait(120)
        start = time.monotonic()
        process.join(moment)
        process.kill()
        process.join()
        states.append(process.exitcode)
        return time.monotonic() - start

    takes = run()
    whole = contents(root / "1")
    assert states == [0] and "saved_model.pb" in whole
    while states.count(-signal.SIGKILL) < KILLED:
        took = run(float(random.uniform(0.0, takes)))
        # one that came to its end was faster than the first, and the moments of the next lie in its time
        takes = took if states[-1] == 0 else takes
        for folder in root.glob("[0-9]*"):
            assert contents(folder) == whole
    versions = sorted(int(folder.name) for folder in root.glob("[0-9]*"))
    assert versions == list(range(1, len(versions) + 1))
    # the next one takes the next number, and what was left is gone
    latest = export_model(random_model(CausalGraph.from_text(GRAPH)), root)
    assert latest.name == str(versions[-1] + 1) and not list(root.glob(f"{PARTIAL}*"))
    row = {"seed": tf.constant([7], tf.int64), "do": tf.constant([[np.nan] * 3])}
    answers = [tf.saved_model.load(str(folder)).signatures["labels"](**row) for folder in (root / "1", latest)]
    np.testing.assert_array_equal(*(answer["labels"] for answer in answers))
