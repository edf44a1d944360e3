"""Draws docs/images/do_above_given.png, the picture of README: what the built-in model of the faces draws.

    python -m tools.docs_picture

The upper row is drawn under do(Mustache=1), the lower one under the condition Mustache=1, of one seed.
"""

import pathlib

import causalgan_tf
from causalgan_tf.reporting import pictures

OUT = pathlib.Path(__file__).parents[1] / "docs" / "images" / "do_above_given.png"
COUNT, SCALE, SEED = 8, 4, 5


def main() -> None:
    """Draws and writes the picture."""
    model = causalgan_tf.load("builtin:faces")
    put_on = model.sample(COUNT, do={"Mustache": 1}, seed=SEED).images
    seen = model.sample(COUNT, given={"Mustache": 1}, seed=SEED).images
    captions = ("do(Mustache=1): women and men", "given Mustache=1: men")
    OUT.parent.mkdir(parents=True, exist_ok=True)
    pictures.two_rows(put_on, seen, *captions, scale=SCALE).save(OUT, optimize=True)
    print(OUT)


if __name__ == "__main__":
    main()
