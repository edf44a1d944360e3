"""Tables of two discrete labels in strata, as the list of the cells that hold rows."""

import numpy as np

DENSE = 2**18  # cells that are counted in a plain array


class Cells:
    """The cells that hold rows in the tables x by y of all strata.

    Attributes:
        n: rows of each cell [cells]; `x`, `y`, `s`: its values and its stratum, from 0.
        total: rows of each stratum [strata].
        x_margin: the rows of each value of x in each stratum, with its value and stratum; `x_place`: a cell's place.
        y_margin: the same of y.

    >>> cells = Cells(*(np.array(column) for column in ([0, 1], [0, 1], [0, 0], [30, 20])))
    >>> cells.n.tolist(), cells.total.tolist()
    ([30.0, 20.0], [50.0])
    """

    def __init__(self, x: np.ndarray, y: np.ndarray, strata: np.ndarray, rows: np.ndarray) -> None:
        wide, high, deep = (int(column.max()) + 1 for column in (y, x, strata))
        code = (strata * high + x) * wide + y
        if deep * high * wide <= DENSE:
            dense = np.bincount(code, rows, deep * high * wide)
            cells = np.flatnonzero(dense)
            self.n = dense[cells]
        else:
            cells, place = np.unique(code, return_inverse=True)
            self.n = np.bincount(place, rows)
        self.x, self.y = cells // wide % high, cells % wide
        self.s = np.unique(cells // (wide * high), return_inverse=True)[1]
        self.total = np.bincount(self.s, self.n)
        self.x_margin, self.x_place = self._margin(self.x, high)
        self.y_margin, self.y_place = self._margin(self.y, wide)

    def _margin(self, values: np.ndarray, size: int) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray], np.ndarray]:
        codes, place = np.unique(self.s * size + values, return_inverse=True)
        return (np.bincount(place, self.n), codes % size, codes // size), place
