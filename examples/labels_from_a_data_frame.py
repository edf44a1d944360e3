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
# # Labels from a data frame
#
# Old people smoke less and are ill more often. So people who smoke are mostly young, and *seeing* that somebody smokes
# says something about age. *Making* somebody smoke does not. This notebook fits a causal model to a table and asks both
# questions. It takes seconds on two cores.
#
# To open it as a notebook: `jupytext --to ipynb examples/labels_from_a_data_frame.py`

# %%
import pathlib
import tempfile

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image

import causalgan_tf

# %% [markdown]
# ## A table whose truth we know

# %%
random = np.random.default_rng(0)
n = 20_000
old = random.random(n) < 0.4
smokes = random.random(n) < np.where(old, 0.2, 0.5)
ill = random.random(n) < 0.05 + 0.3 * old + 0.2 * smokes
frame = pd.DataFrame({"Old": old, "Smokes": smokes, "Ill": ill})
frame.mean()

# %% [markdown]
# ## The causal graph, as text

# %%
graph = causalgan_tf.load_graph("Old -> Smokes -> Ill; Old -> Ill")
drawing = pathlib.Path(tempfile.mkdtemp()) / "graph.png"
causalgan_tf.save_drawing(graph, drawing)
Image.open(drawing)

# %% [markdown]
# ## Fit, then see and do

# %%
model = causalgan_tf.fit_labels(frame, graph, progress=False)
seen = model.sample(20_000, given={"Smokes": 1}).labels
done = model.sample(20_000, do={"Smokes": 1}).labels
answers = pd.DataFrame(
    {
        "model": [seen["Ill"].mean(), done["Ill"].mean()],
        "truth": [0.05 + 0.3 * 0.08 / 0.38 + 0.2, 0.05 + 0.3 * 0.4 + 0.2],
    },
    index=["P(Ill | Smokes=1)", "P(Ill | do(Smokes=1))"],
)
answers.round(3)

# %%
figure = Figure(figsize=(6, 2.5))
answers.plot.barh(ax=figure.subplots(), xlabel="probability of being ill")
figure.tight_layout()
figure

# %% [markdown]
# ## The same people, made to smoke or not
#
# A row depends on its seed. With the same seed, age stays and illness follows.

# %%
smoking = model.sample(20_000, do={"Smokes": 1}, seed=7).labels
abstaining = model.sample(20_000, do={"Smokes": 0}, seed=7).labels
assert (smoking["Old"] == abstaining["Old"]).all()
smoking["Ill"].mean() - abstaining["Ill"].mean()  # truth .2

# %% [markdown]
# ## Without sampling
#
# Probabilities of discrete labels are computed from the mechanisms, of one label or of several, by do and given.

# %%
model.distribution("Ill", do={"Smokes": 1}).round(3)  # truth .37

# %%
model.joint_distribution(do={"Smokes": 1}).round(3)
