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
# # The built-in faces
#
# A model of drawn faces comes with the package: nine labels and an image of 32 x 32 pixels. The faces follow a causal
# model that is known exactly, so every answer can be compared with the truth. Nothing is trained here.
#
# To open it as a notebook: `jupytext --to ipynb examples/builtin_faces.py`

# %%
import pathlib
import tempfile

import pandas as pd
from PIL import Image

import causalgan_tf
from causalgan_tf.data import causal_faces
from causalgan_tf.reporting import pictures

model = causalgan_tf.load("builtin:faces")

# %% [markdown]
# ## The causal graph of the labels

# %%
drawing = pathlib.Path(tempfile.mkdtemp()) / "graph.png"
causalgan_tf.save_drawing(model.graph, drawing, image=True)
Image.open(drawing)

# %% [markdown]
# ## Faces as the model observes them

# %%
samples = model.sample(32, seed=1)
pictures.grid(samples.images, 16, scale=2)

# %%
samples.labels.head(3)

# %% [markdown]
# ## Do above given
#
# Faces on which a mustache is *put* are women and men. Faces on which one is *seen* are men.

# %%
gallery = causalgan_tf.Gallery(model, n=12, seed=3, scale=3)
gallery.draw(["do_given"], ["Mustache"])["do_given_Mustache"]

# %% [markdown]
# ## The same people, with and without
#
# A row is one draw of all noise. Only what the label causes may change from row to row.

# %%
gallery.draw(["switched"], ["Mustache"])["switched_Mustache"]

# %% [markdown]
# ## The truth
#
# The renderer draws what the images of these labels should look like: the same labels, other noise.

# %%
done = model.sample(12, do={"Mustache": 1}, seed=3)
labels = done.labels[list(causal_faces.LABELS)].to_numpy()
truth = causal_faces.render(labels, causal_faces.sample_noise(len(labels), seed=4), model.image_size)
pictures.two_rows(done.images, truth, "the model, do(Mustache=1)", "rendered from the same labels", scale=3)

# %% [markdown]
# Probabilities are computed from the model's mechanisms, without sampling faces.

# %%
learnt, true = model.label_distribution(), causal_faces.law()
questions = {
    "P(Male=0 | do(Mustache=1))": {"do": {"Mustache": 1}},
    "P(Male=0 | Mustache=1)": {"given": {"Mustache": 1}},
}
rows = [[law.probability({"Male": 0}, **asked) for law in (learnt, true)] for asked in questions.values()]
pd.DataFrame(rows, list(questions), ["model", "truth"]).round(3)
