"""A training as a process of its own, which leaves the weights of each stage behind: worker.py OUT FLAGS ..."""

import functools
import pathlib
import signal
import sys

import numpy as np

from causalgan_tf.cli import train


def keep(built, name, build, *arguments):
    """Builds a stage and remembers it."""
    built[name] = build(*arguments)
    return built[name]


def main(out, arguments):
    """Trains, then writes all that each stage's next step depends on to `out`/STAGE.npz."""
    sys.argv = ["causalgan-train", *arguments]
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a process in the background ignores
    from causalgan_tf.training import stages

    built = {}
    for name, build in stages.BUILDERS.items():
        stages.BUILDERS[name] = functools.partial(keep, built, name, build)
    try:
        train.program()
    finally:
        out.mkdir(exist_ok=True, parents=True)
        for name, stage in built.items():
            things = [(key, getattr(value, "variables", [value])) for key, value in stage.learner.saved.items()]
            arrays = {f"{key}/{k}": np.asarray(part) for key, parts in things for k, part in enumerate(parts)}
            np.savez(out / f"{name}.npz", **arrays)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), sys.argv[2:])
