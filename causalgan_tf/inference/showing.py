"""How values show themselves in a notebook: a grid of images, a table beside it."""

import base64
import html
import io

import numpy as np
import pandas as pd
from PIL import Image

SHOWN, COLUMNS = 16, 8  # images of a grid, images in a row
ROWS, WIDTH = 8, 12  # of the table
ZOOM = 64  # pixels of the page that the side of an image takes at least


def grid_png(images: np.ndarray) -> bytes:
    """The first images, uint8 [n, S, S, C], side by side on white, as the content of a PNG file."""
    images = images[:SHOWN]
    count, side, _, channels = images.shape
    columns = min(count, COLUMNS)
    rows = -(-count // columns)
    tiles = np.full([rows * columns, side + 2, side + 2, channels], 255, np.uint8)
    tiles[:count, 1:-1, 1:-1] = images
    joined = tiles.reshape(rows, columns, side + 2, side + 2, channels).swapaxes(1, 2)
    picture = joined.reshape(rows * (side + 2), columns * (side + 2), channels)
    file = io.BytesIO()
    Image.fromarray(picture if channels == 3 else picture[..., 0]).save(file, "png")
    return file.getvalue()


def page(caption: str, labels: pd.DataFrame, images: np.ndarray | None) -> str:
    """HTML of a caption, the head of a table of labels and a grid of images; every text is escaped."""
    parts = [f"<pre>{html.escape(caption)}</pre>"]
    if images is not None and len(images):
        width = min(len(images), COLUMNS) * max(ZOOM, images.shape[2])
        code = base64.b64encode(grid_png(images)).decode()
        style = f"width:{width}px;max-width:100%;image-rendering:pixelated"
        parts.append(f'<img alt="the first images" style="{style}" src="data:image/png;base64,{code}">')
    parts.append(labels.head(ROWS).to_html(max_cols=WIDTH))
    return "\n".join(parts)
