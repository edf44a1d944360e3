"""Lost values: those that a table has in a setting of the parents, and that a model hardly draws there."""

import numpy as np

from causalgan_tf.evaluation.parent_cells import CutRows, ParentCells
from causalgan_tf.inference.distribution import THIN
from causalgan_tf.inference.label_sampler import LabelSampler
from causalgan_tf.inference.limits import LOST, LostValue, LostValues

LISTED = 100  # findings that are kept
ASKED = 20_000  # training rows that stand for the settings of parents that are numbers
DRAWS = 10_000_000  # of implicit mechanisms in all, a few seconds
FIRST_DRAWS = 1_000  # of an implicit mechanism in a setting, at least
ENOUGH_DRAWS = 100  # draws that have the value, were its probability the table's
TOLD = 20  # such draws from which a tenth is told from the whole: by chance fewer than 2 come once in 10^7
SETTINGS = 256  # that an implicit mechanism is asked about at once


class LostValueSearch:
    """Compares each mechanism with the table; explicit mechanisms exactly, implicit ones in draws of their noise.

    In the rows that `model` learned from, no one who is old smokes; in these one in ten does.

    >>> rows = np.array([[1, 0]] * 90 + [[1, 1]] * 10)
    >>> cut = CutRows(model.graph, rows)
    >>> search = LostValueSearch(model.labels, rows, cut, seed=0)
    >>> search.look("Smokes", cut.cells("Smokes"))
    >>> search.found().worst[0].sentence
    'Lost value: Smokes=1 given Old=1 has 10 of 100 training rows (10 %), and 0... % in the model.'
    """

    def __init__(self, sampler: LabelSampler, rows: np.ndarray, cut: CutRows, seed: int) -> None:
        """Nothing is compared yet.

        Args:
            sampler: of the trained mechanisms.
            rows: training rows [N, K], one number a node.
            cut: the same rows, cut into settings.
            seed: of draws, and of the choice of rows.
        """
        self.sampler, self.rows, self.cut, self.seed = sampler, rows, cut, seed
        self.draws = DRAWS // len(cut.graph)
        self.lost: list[LostValue] = []
        self.looked_at = self.untold = self.skipped = 0

    def look(self, node: str, cells: ParentCells) -> None:
        """Compares a node in all settings of its parents that have THIN rows; a number has no values to lose."""
        variables, k = self.cut.graph.variables, self.cut.graph.index(node)
        if variables[node].size is None:
            return
        numbers = any(variables[parent].size is None for parent in self.cut.graph.parents[node])
        if numbers and not self.sampler.stated:
            self.skipped += 1
            return
        place = cells.place
        chosen = np.arange(len(place))
        if numbers and len(place) > ASKED:
            chosen = np.sort(np.random.default_rng(self.seed).choice(len(place), ASKED, replace=False))
        counts = np.bincount(place[chosen], minlength=len(cells.rows))
        enough = np.flatnonzero(counts >= THIN)
        number = np.full(len(counts), -1)
        number[enough] = np.arange(len(enough))
        chosen = chosen[number[place[chosen]] >= 0]
        if not len(chosen):
            return
        setting, size = number[place[chosen]], variables[node].size
        code = setting * size + self.cut.columns[k, chosen]
        table = np.bincount(code, minlength=len(enough) * size).reshape([-1, size])
        share = table / counts[enough][:, None]
        if numbers:
            # the mean over the rows of a bin, in which the mechanism need not be the same
            asked = self._stated(node, self.rows[chosen])
            model = np.stack([np.bincount(setting, asked[:, value]) for value in range(size)], 1)
            model, told = model / counts[enough][:, None], np.ones(share.shape, bool)
        elif self.sampler.stated:
            model, told = self._stated(node, self.rows[cells.first[enough]]), np.ones(share.shape, bool)
        else:
            model, told = self._counted(node, self.rows[cells.first[enough]], share)
        self._note(node, cells.first[enough], table, share, model, told)

    def found(self) -> LostValues:
        """The findings so far."""
        worst = sorted(self.lost, key=lambda one: one.value_rows * (one.model / one.share - 1.0))
        return LostValues(len(self.lost), self.looked_at, self.untold, tuple(worst[:LISTED]))

    def _parents(self, node: str, rows: np.ndarray) -> np.ndarray:
        return rows[:, [self.cut.graph.index(parent) for parent in self.cut.graph.parents[node]]]

    def _stated(self, node: str, rows: np.ndarray) -> np.ndarray:
        """P(node | parents) for the parents in rows [n, K]: [n, size]."""
        return self.sampler.conditional(node, self._parents(node, rows), draws=1, seed=0)

    def _counted(self, node: str, rows: np.ndarray, share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Frequencies [n, size] of a node in draws, and which of them are many enough draws to tell; rows are [n, K].

        A setting is drawn as often as its rarest value needs; cheap settings come first.
        """
        rarest = np.where(share > 0, share, 1.0).min(1)
        level = np.ceil(np.log(np.maximum(ENOUGH_DRAWS / rarest / FIRST_DRAWS, 1.0)) / np.log(4.0)).astype(int)
        model, drawn, left = np.zeros(share.shape), np.zeros(len(share)), self.draws
        for one in np.unique(level):
            group = np.flatnonzero(level == one)
            draws = min(FIRST_DRAWS * 4 ** int(one), left // len(group))
            if draws < 1:
                break
            left, drawn[group] = left - draws * len(group), draws
            for first in range(0, len(group), SETTINGS):
                some = group[first : first + SETTINGS]
                model[some] = self.sampler.conditional(node, self._parents(node, rows[some]), draws, self.seed)
        return model, drawn[:, None] * share >= TOLD

    def _note(
        self, node: str, first: np.ndarray, table: np.ndarray, share: np.ndarray, model: np.ndarray, told: np.ndarray
    ) -> None:
        """Keeps the values [settings, size] that are lost; `first` is a training row of each setting."""
        there = table > 0
        self.looked_at += int((there & told).sum())
        self.untold += int((there & ~told).sum())
        variable = self.cut.graph.variables[node]
        for place, value in np.argwhere(there & told & (model < LOST * share)):
            parents = self.cut.shown(node, self.cut.places(node, int(first[place])))
            rows = int(table[place].sum())
            numbers = float(share[place, value]), float(model[place, value])
            self.lost.append(LostValue(node, variable.shown(value), parents, int(table[place, value]), rows, *numbers))
