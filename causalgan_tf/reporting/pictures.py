"""Elements of pictures: grids of images, captioned strips, columns with headings, bar charts."""

import io
import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFont

from causalgan_tf.errors import InputError
from causalgan_tf.graphs.drawing.colours import ACCENT, INK, MUTED, PAPER

COLUMNS = 8  # images in a row of a picture
CELL = 64  # smallest side of one drawn image, pixels


def grid(images: np.ndarray, columns: int, padding: int = 2, scale: int = 1) -> Image.Image:
    """Images side by side, row by row.

    Args:
        images: uint8 [n, H, W, C], C = 1 (grey) or 3 (RGB), n at least 1.
        columns: images in a row; the last row may be shorter.
        padding: white pixels between images.
        scale: every pixel is drawn as scale x scale pixels.

    Returns:
        An RGB picture.

    Raises:
        InputError: no images, another shape, or columns below 1.
    """
    images = np.asarray(images)
    if images.ndim != 4 or not len(images) or images.shape[3] not in (1, 3) or columns < 1:
        raise InputError(
            f"grid: expected images [n, H, W, 1 or 3] with n and columns at least 1, got {list(images.shape)} "
            f"and {columns} columns."
        )
    tiles = np.broadcast_to(images, [*images.shape[:3], 3]).repeat(scale, axis=1).repeat(scale, axis=2)
    height, width = tiles.shape[1] + padding, tiles.shape[2] + padding
    columns, rows = min(columns, len(tiles)), math.ceil(len(tiles) / columns)
    canvas = np.full([rows * height - padding, columns * width - padding, 3], 255, np.uint8)
    for place, tile in enumerate(tiles):
        top, left = place // columns * height, place % columns * width
        canvas[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    return Image.fromarray(canvas)


def two_rows(
    top: np.ndarray | str, bottom: np.ndarray | str, top_caption: str, bottom_caption: str, scale: int = 1
) -> Image.Image:
    """Two captioned rows of images, one above the other.

    Args:
        top: uint8 [n, H, W, C], or a sentence that says why there are none.
        bottom: the same.
        top_caption: what the upper row shows.
        bottom_caption: what the lower row shows.
        scale: every pixel is drawn as scale x scale pixels.

    Returns:
        An RGB picture.
    """
    columns = max([1, *(len(row) for row in (top, bottom) if not isinstance(row, str))])
    return strips({top_caption: top, bottom_caption: bottom}, columns, scale)


def strips(rows: Mapping[str, np.ndarray | str], columns: int, scale: int = 1) -> Image.Image:
    """Captioned grids of images, one below the other.

    Args:
        rows: caption to images uint8 [n, H, W, C], or to a sentence that says why there are none.
        columns: images in a row.
        scale: every pixel is drawn as scale x scale pixels.

    Returns:
        An RGB picture.
    """
    drawn = [row if isinstance(row, str) else grid(row, columns, scale=scale) for row in rows.values()]
    width = max([COLUMNS * CELL // 2, *(strip.width for strip in drawn if isinstance(strip, Image.Image))])
    parts = []
    for caption, strip in zip(rows, drawn, strict=True):
        parts.append(_text(caption, width, 15, INK))
        parts.append(_text(strip, width, 13, MUTED) if isinstance(strip, str) else strip)
    return _stack(parts, width)


def headed(images: np.ndarray, heads: Sequence[str], caption: str = "", scale: int = 1) -> Image.Image:
    """Images row by row, each column under a head of its own.

    Args:
        images: uint8 [n * len(heads), H, W, C].
        heads: words above the columns; an underscore is where a line may break.
        caption: a line above all; empty: none.
        scale: every pixel is drawn as scale x scale pixels.

    Returns:
        An RGB picture.
    """
    body = grid(images, len(heads), scale=scale)
    step = (body.width + 2) // len(heads)  # 2: the padding of `grid`
    words = [head.replace("_", " ") for head in heads]
    longest = max((word for head in words for word in head.split()), key=len)
    # a head may break between words, never within one: the longest word decides
    size = next((size for size in range(13, 7, -1) if _font(size).getlength(longest) <= step - 4), 7)
    texts = [_text(head, step - 4, size, INK) for head in words]
    top = Image.new("RGB", (body.width, max(text.height for text in texts)), PAPER)
    for place, text in enumerate(texts):
        top.paste(text, (place * step, top.height - text.height))
    above = [_text(caption, body.width, 15, INK)] if caption else []
    return _stack([*above, top, body], body.width)


def bars(values: Mapping[str, float], floors: Mapping[str, float], axis: str) -> Image.Image:
    """Horizontal bars, where asked for with a tick at the value that sampling alone would give.

    Args:
        values: name to value, drawn from top to bottom.
        floors: name to the value of the tick; a missing name has none.
        axis: title of the axis.

    Returns:
        An RGB picture.
    """
    figure = Figure(figsize=(7.2, 0.7 + 0.2 * len(values)), dpi=200, facecolor=PAPER)
    axes = figure.add_subplot()
    places = {name: place for place, name in enumerate(values)}
    axes.barh(list(places.values()), list(values.values()), height=0.62, color=ACCENT)
    ticks = [name for name in places if name in floors]
    axes.scatter(
        [floors[name] for name in ticks], [places[name] for name in ticks], marker="|", s=110, color=INK, zorder=3
    )
    axes.set_yticks(list(places.values()), list(places), fontsize=8)
    axes.set_xlabel(axis, fontsize=8)
    axes.tick_params(axis="x", labelsize=8)
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(left=0.0)
    axes.set_ylim(len(values) - 0.4, -0.6)
    axes.grid(axis="x", color="#e6e9f0")
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    figure.tight_layout()
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return Image.open(file).convert("RGB")


def _text(words: str, width: int, size: int, color: str) -> Image.Image:
    """A paragraph, wrapped to `width` pixels."""
    font = _font(size)
    lines = [""]
    for word in words.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    step = round(1.35 * size)
    picture = Image.new("RGB", (width, step * len(lines) + 2), PAPER)
    draw = ImageDraw.Draw(picture)
    for place, line in enumerate(lines):
        draw.text((0, place * step), line, font=font, fill=color)
    return picture


def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)


def _stack(parts: Sequence[Image.Image], width: int, gap: int = 4) -> Image.Image:
    """Pictures one below the other, flush left on white."""
    picture = Image.new("RGB", (width, sum(part.height + gap for part in parts) - gap), PAPER)
    top = 0
    for part in parts:
        picture.paste(part, (0, top))
        top += part.height + gap
    return picture
