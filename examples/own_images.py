# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Your own images
#
# A causal model of images needs two things: a folder of image files, and a table with a row for each file. This
# notebook makes both. They show one disc each: warm or cold colours, large or small. Most warm discs are large, so
# *seeing* a large disc says something about its colour. *Making* a disc large does not.
#
# Training takes about two minutes on two cores. To open it as a notebook: `jupytext --to ipynb examples/own_images.py`

# %%
import pathlib
import tempfile

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw

import causalgan_tf
from causalgan_tf.reporting import pictures

# %% [markdown]
# ## A folder and a table

# %%
random = np.random.default_rng(0)
n = 4_000
warm = (random.random(n) < 0.5).astype(int)
large = (random.random(n) < np.where(warm, 0.9, 0.1)).astype(int)


def disc(warm: int, large: int) -> Image.Image:
    """One image of 16 x 16 pixels."""
    image = Image.new("RGB", (16, 16), tuple(random.integers(0, 60, 3)))
    colour = (random.integers(200, 256), random.integers(60, 140), 30)
    x, y = random.integers(7, 10, 2)
    radius = 6 if large else 3
    ImageDraw.Draw(image).ellipse((x - radius, y - radius, x + radius, y + radius), colour if warm else colour[::-1])
    return image


folder = pathlib.Path(tempfile.mkdtemp())
(folder / "photos").mkdir()
table = pd.DataFrame({"image": [f"{k:04}.png" for k in range(n)], "Warm": warm, "Large": large})
for row in table.itertuples():
    disc(row.Warm, row.Large).save(folder / "photos" / row.image)
table.to_csv(folder / "labels.csv", index=False)
table.head(3)

# %%
files = sorted((folder / "photos").iterdir())[:32]
pictures.grid(np.stack([np.asarray(Image.open(file)) for file in files]), 16, scale=3)

# %% [markdown]
# ## Train
#
# First the labels along the graph, then the images. The networks are small, as 16 x 16 pixels need no more. The same
# on the command line is `causalgan-train --dataset=folder --image_dir=photos --labels_file=labels.csv ...`.

# %%
config = causalgan_tf.RunConfig(
    data=causalgan_tf.DataConfig(
        dataset="folder",
        graph="Warm -> Large",
        image_dir=str(folder / "photos"),
        labels_file=str(folder / "labels.csv"),
        data_dir=str(folder / "cache"),
        image_size=16,
        test_images=500,
    ),
    controller=causalgan_tf.ControllerConfig(steps=3_000),
    image=causalgan_tf.ImageConfig(steps=1_500, width=16, discriminator_width=16, labeler_width=8),
)
causalgan_tf.train(config, folder / "run")
model = causalgan_tf.load(folder / "run")

# %% [markdown]
# ## Do above given
#
# Made large, discs are warm and cold, in equal parts. ScoredImages large, nearly all are warm.

# %%
gallery = causalgan_tf.Gallery(model, n=16, seed=1, scale=3)
gallery.draw(["do_given"], ["Large"])["do_given_Large"]

# %% [markdown]
# The same discs, small and large: with the same seed only what the label causes changes.

# %%
gallery.draw(["switched"], ["Large"])["switched_Large"]

# %%
done = model.sample(2_000, do={"Large": 1}, images=False).labels["Warm"].mean()
seen = model.sample(2_000, given={"Large": 1}, images=False).labels["Warm"].mean()
assert abs(done - 0.5) < 0.1 and seen > 0.8
names = ["P(Warm | do(Large=1))", "P(Warm | Large=1)"]
pd.DataFrame({"model": [done, seen], "truth": [0.5, 0.9]}, index=names).round(2)
