"""A picture of what no training image shows: extrapolated images beside the nearest ones that the data support."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from causalgan_tf.graphs.cells import ObservedCells
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.reporting.gallery import label_rows
from causalgan_tf.reporting.pictures import COLUMNS, strips

if TYPE_CHECKING:
    from causalgan_tf.inference.causal_model import CausalModel

DRAWN = 400  # rows of each intervention among which unsupported ones are sought
INTERVENTIONS = 4  # that are shown, those with most of their rows unsupported
CHANGES = 3  # that a caption names


@dataclasses.dataclass(frozen=True)
class Unsupported:
    """Rows of one intervention in whose label cells there is no training image.

    Were there images only of the young who do not smoke and of the old who do, `model`, in which the old do not, would
    have none of these.

    >>> cells = ObservedCells((2, 2), (np.zeros(0),) * 2, np.array([0, 3]))
    >>> (found,) = unsupported_rows(model, cells, {"do(Old=1)": {"Old": 1}}, seed=0)
    >>> found.count > 0.95 * DRAWN, found.rows[0].tolist(), found.nearest[0].tolist()
    (True, [1.0, 0.0], [1.0, 1.0])

    Attributes:
        text: the intervention, such as do(Mustache=1).
        count: how many of the drawn rows they are.
        rows: float32 [n, K], the first of them.
        seeds: int64 [n], their seeds.
        nearest: float32 [n, K], of each the nearest labels with training images.
    """

    text: str
    count: int
    rows: np.ndarray
    seeds: np.ndarray
    nearest: np.ndarray


def nearest_supported(cells: ObservedCells, rows: np.ndarray, kept: int | None = None) -> np.ndarray:
    """The nearest labels in a cell with training images, by the number of labels that differ (Hamming distance).

    Args:
        cells: those with training images; at least one.
        rows: label rows [n, K].
        kept: among equally near cells one that leaves this column as it is comes first, then the lowest code.

    Returns:
        [n, K], a discrete label at the cell's value, a number moved as little as its bin asks for.

    Example:
        >>> observed = ObservedCells((2, 2, 2), (np.zeros(0),) * 3, np.array([0, 6]))
        >>> nearest_supported(observed, np.array([[1, 1, 1], [0, 0, 1]]), kept=2).tolist()
        [[0, 1, 1], [0, 1, 1]]
    """
    values, vectors = cells.values(rows), cells.vectors()
    found = np.array(rows)
    for row, own in enumerate(values):
        differs = vectors != own
        # twice: a half for the label that is rather kept decides between equals alone
        cost = 2 * differs.sum(axis=1) + (differs[:, kept] if kept is not None else 0)
        found[row] = _moved(cells, found[row], own, vectors[np.argmin(cost)])
    return found


def _moved(cells: ObservedCells, row: np.ndarray, own: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """A label row with each label that lies outside a cell moved into it."""
    moved = row.copy()
    for k in np.flatnonzero(own != cell):
        edges, bin_ = cells.edges[k], cell[k]
        if not len(edges):
            moved[k] = bin_
        elif own[k] < bin_:  # from below: the first number above the bin's lower edge
            moved[k] = np.nextafter(np.float32(edges[bin_ - 1]), np.float32(np.inf))
        else:  # from above: an edge belongs to the bin below it
            edge = np.float32(edges[bin_])
            moved[k] = edge if edge <= edges[bin_] else np.nextafter(edge, np.float32(-np.inf))
    return moved


def unsupported_rows(
    model: "CausalModel", cells: ObservedCells, interventions: Mapping[str, Mapping[str, Any]], seed: int
) -> Iterator[Unsupported]:
    """The interventions of which most rows are unsupported, at most `INTERVENTIONS`, most first."""
    found = []
    for text, do in interventions.items():
        drawn = model.sample(DRAWN, do=do, seed=seed, images=False)
        rows = label_rows(model.graph, drawn.labels)
        places = np.flatnonzero(~cells.holds(rows))
        if len(places):
            first = places[:COLUMNS]
            nearest = nearest_supported(cells, rows[first], model.graph.index(next(iter(do))))
            found.append(Unsupported(text, len(places), rows[first], drawn.seeds[first], nearest))
    yield from sorted(found, key=lambda one: -one.count)[:INTERVENTIONS]


def unsupported_picture(
    model: "CausalModel",
    cells: ObservedCells,
    interventions: Mapping[str, Mapping[str, Any]],
    seed: int,
    scale: int = 1,
) -> Image.Image | None:
    """Under each intervention images of unsupported rows above those of the nearest supported labels, noise alike.

    Args:
        model: a model of labels and images.
        cells: those with training images.
        interventions: text to do.
        seed: of the draws.
        scale: every pixel is drawn as scale x scale pixels.

    Returns:
        An RGB picture; None where every row is supported, or no cell is.
    """
    strip = {}
    for one in unsupported_rows(model, cells, interventions, seed) if len(cells.codes) else ():
        heading = f"{one.text}: no training image has these labels ({one.count} of {DRAWN} rows are such)"
        strip[heading] = model.images_of(one.rows, seeds=one.seeds)
        below = (
            f"{one.text}: the same noise, the nearest labels that training images have; {_changes(model.graph, one)}"
        )
        strip[below] = model.images_of(one.nearest, seeds=one.seeds)
    return strips(strip, COLUMNS, scale) if strip else None


def _changes(graph: CausalGraph, one: Unsupported) -> str:
    """What the nearest labels change most often, in words."""
    told: dict[str, int] = {}
    for k, (node, variable) in enumerate(graph.variables.items()):
        for before, after in zip(one.rows[:, k], one.nearest[:, k], strict=True):
            if before != after:
                moved = variable.size is None
                text = f"{node} moved" if moved else f"{node} {variable.shown(before)} to {variable.shown(after)}"
                told[text] = told.get(text, 0) + 1
    often = sorted(told.items(), key=lambda item: -item[1])[:CHANGES]
    return ", ".join(f"{text} in {count} of {len(one.rows)}" for text, count in often)
