"""Draws docs/images/do_above_given.png, the picture of README: rendered truth, no model's output.

    python -m tools.docs_picture

Labels come from the exact label distribution of the built-in faces, once under do(Mustache=1) and once under the
condition Mustache=1; the faces are rendered from them.
"""

import pathlib

import numpy as np

from causalgan_tf.data import causal_faces
from causalgan_tf.reporting import pictures

OUT = pathlib.Path(__file__).parents[1] / "docs" / "images" / "do_above_given.png"
COUNT, SIDE, SEED = 8, 128, 5


def labels(do: dict[str, int], given: dict[str, int]) -> np.ndarray:
    """COUNT rows of labels 0/1 from P(labels | do, given), columns in the order of causal_faces.LABELS."""
    joint = causal_faces.law().joint(do)
    nodes = causal_faces.LABELS
    # bit k of a cell's number is the value of label k
    cells = np.arange(len(joint))[:, None] >> np.arange(len(nodes)) & 1
    wanted = np.all([cells[:, nodes.index(node)] == value for node, value in given.items()], axis=0)
    weights = np.where(wanted, joint, 0.0)
    return cells[np.random.default_rng(SEED).choice(len(joint), COUNT, p=weights / weights.sum())]


def main() -> None:
    """Draws and writes the picture."""
    noise = causal_faces.sample_noise(COUNT, seed=SEED)
    rows = [
        causal_faces.render(drawn.astype(np.uint8), noise, SIDE)
        for drawn in (labels({"Mustache": 1}, {}), labels({}, {"Mustache": 1}))
    ]
    captions = ("do(Mustache=1): women and men", "given Mustache=1: men")
    OUT.parent.mkdir(parents=True, exist_ok=True)
    pictures.two_rows(*rows, *captions).save(OUT, optimize=True)
    print(OUT)


if __name__ == "__main__":
    main()
