"""Rows that a model draws as JSON's values."""

import base64
import dataclasses
import io
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from causalgan_tf.inference.samples import Samples


def rows(samples: Samples) -> dict[str, Any]:
    """Rows as plain values: labels, images as data URLs, seeds as texts (they pass 2^53), and which are supported."""
    drawn = samples.images
    return {
        "labels": [list(row) for row in zip(*(_plain(samples.labels[node]) for node in samples.labels), strict=True)],
        "images": None if drawn is None else [data_url(image) for image in drawn],
        "seeds": [str(seed) for seed in samples.seeds],
        "supported": None if samples.supported is None else samples.supported.tolist(),
        "support": samples.support_in_words(),
    }


def data_url(image: np.ndarray) -> str:
    """An image uint8 [S, S, 1 or 3] as a PNG in a data URL.

    >>> data_url(np.zeros([2, 2, 1], np.uint8))[:22]
    'data:image/png;base64,'
    """
    file = io.BytesIO()
    Image.fromarray(image if image.shape[2] == 3 else image[..., 0]).save(file, "png")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def one_row(samples: Samples, place: int) -> Samples:
    """One row of samples, as samples."""
    row = slice(place, place + 1)
    return dataclasses.replace(
        samples,
        labels=samples.labels.iloc[row],
        images=None if samples.images is None else samples.images[row],
        seeds=samples.seeds[row],
        supported=None if samples.supported is None else samples.supported[row],
    )


def _plain(column: pd.Series) -> list[Any]:
    """A column as JSON's values; a number as short as float32 needs it."""
    if column.dtype == np.float32:
        return [float(f"{value:.7g}") for value in column]
    return column.tolist()
