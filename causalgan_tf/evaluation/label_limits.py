"""Where a label model rests on few training rows: lost values, thin settings of parents, support of interventions.

Time is bounded by rows and by the settings that they hold, not by those that there are; what does not fit is left out,
and the result says so.
"""

import numpy as np

from causalgan_tf import noise
from causalgan_tf.evaluation.interventions import single_interventions
from causalgan_tf.evaluation.lost_values import LISTED, LostValueSearch
from causalgan_tf.evaluation.parent_cells import CutRows, ParentCells
from causalgan_tf.evaluation.sizes import derived_seed
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.inference.distribution import THIN
from causalgan_tf.inference.label_sampler import LabelSampler
from causalgan_tf.inference.limits import SUPPORTED, DoSupport, DoSupports, LabelLimits, ThinCell, ThinCells, ThinNode
from causalgan_tf.inference.query import Query

DO_ROWS, LEAST_DO_ROWS = 2_000, 200  # drawn under an intervention
DO_LABELS = 8_000_000  # labels drawn under all interventions, a few seconds
CHUNK, CALLS = 16_384, 4  # rows drawn at once at most, calls at least
WORK = 800_000_000  # table entries that are read to count settings, a few seconds


def label_limits(sampler: LabelSampler, rows: np.ndarray, seed: int = 0) -> LabelLimits:
    """What the training rows of a model leave open.

    Args:
        sampler: of the trained mechanisms.
        rows: training rows [N, K], one number a node.
        seed: of the draws.
    """
    graph, cut = sampler.graph, CutRows(sampler.graph, rows)
    support = _Support(sampler, rows, derived_seed(seed, "limits under do"))
    cut.beside(support.drawn)
    search = LostValueSearch(sampler, rows, cut, derived_seed(seed, "limits of mechanisms"))
    thin, nodes, total, work, skipped = [], [], 0, 0, 0
    for node in graph.nodes:
        work += (len(rows) + len(support.drawn)) * (len(graph.parents[node]) + 4)
        if work > WORK:
            skipped += 1
            continue
        cells = cut.cells(node)
        total += cells.of
        if cells.of > (cells.rows >= THIN).sum():
            fewest = _fewest(cut, node, cells)
            thin += fewest
            nodes.append(_thin_node(node, cells, fewest[0] if fewest else None))
        support.look(node, cells.met)
        search.look(node, cells)
    left_out = [
        (skipped, "labels, for rows and labels are too many"),
        (support.left_out, "interventions on the more frequent values, for labels are too many"),
        (search.skipped, "labels with numbers among their parents, for lost values: implicit mechanisms state nothing"),
        (search.untold, "values, for lost values: they are too rare to be counted in draws"),
    ]
    return LabelLimits(
        rows=len(rows),
        lost_values=search.found(),
        thin_cells=ThinCells(
            count=sum(node.thin for node in nodes),
            of=total,
            fewest=tuple(sorted(thin, key=lambda cell: cell.rows)[:LISTED]),
            node_count=len(nodes),
            nodes=tuple(sorted(nodes, key=lambda node: -node.rows)[:LISTED]),
        ),
        do_support=support.found(),
        left_out=tuple(f"Not looked at: {count:,} {what}." for count, what in left_out if count),
    )


def _fewest(cut: CutRows, node: str, cells: ParentCells) -> list[ThinCell]:
    """The settings of a node's parents with the fewest rows, LISTED of those with fewer than THIN."""
    found = []
    if cells.codes is not None and len(cells.rows) < cells.of:
        # as many numbers as there are settings with rows, and LISTED more, hold LISTED without
        candidates = np.arange(min(cells.of, len(cells.codes) + LISTED))
        found = [(cut.setting(node, int(code)), 0) for code in np.setdiff1d(candidates, cells.codes)[:LISTED]]
    for place in np.argsort(cells.rows, kind="stable")[: LISTED - len(found)]:
        if cells.rows[place] < THIN:
            found.append((cut.places(node, int(cells.first[place])), int(cells.rows[place])))
    return [ThinCell(node, cut.shown(node, values), count) for values, count in found]


def _thin_node(node: str, cells: ParentCells, fewest: ThinCell | None) -> ThinNode:
    few = cells.rows < THIN
    thin = cells.of - int((~few).sum())
    return ThinNode(node, cells.of, thin, cells.of - len(cells.rows), int(cells.rows[few].sum()), fewest)


class _Support:
    """Rows drawn under every single intervention, and which of them have parents that training rows show."""

    def __init__(self, sampler: LabelSampler, rows: np.ndarray, seed: int) -> None:
        self.graph, self.below = sampler.graph, _descendants(sampler.graph)
        dos = [(text, do) for text, do in single_interventions(self.graph, rows) if self.below[self._node(do)].any()]
        labels = max(1, len(dos)) * len(self.graph)
        self.n = int(np.clip(DO_LABELS // labels, LEAST_DO_ROWS, DO_ROWS))
        most = max(1, DO_LABELS // (self.n * len(self.graph)))
        self.left_out = max(0, len(dos) - most)
        if self.left_out:
            # rare values first: there the rows are few
            dos = sorted(dos, key=lambda one: self._share(one[1], rows))[:most]
        self.texts, self.nodes = [text for text, _ in dos], [self._node(do) for _, do in dos]
        vectors = [Query.create(self.graph, do).do_vector(self.graph) for _, do in dos]
        do = np.repeat(np.reshape(vectors, [-1, len(self.graph)]), self.n, axis=0)
        seeds = np.tile(noise.row_seeds(seed, 0, self.n).numpy(), len(dos))
        # several calls even for few rows: TensorFlow warns of functions that are called once
        parts = [part for part in np.array_split(np.arange(len(do)), max(CALLS, -(-len(do) // CHUNK))) if len(part)]
        drawn = [sampler.under(seeds[part], do[part]) for part in parts]
        self.drawn = np.concatenate(drawn) if drawn else rows[:0]
        self.seen = np.ones([len(dos), self.n], bool)
        self.enough = np.ones([len(dos), self.n], bool)

    def look(self, node: str, met: np.ndarray) -> None:
        """Takes in a node, whose parents' setting in each drawn row has `met` training rows."""
        own = self.below[self.nodes, self.graph.index(node)] if self.nodes else []
        if np.any(own):
            met = met.reshape(self.seen.shape)[own]
            self.seen[own] &= met > 0
            self.enough[own] &= met >= THIN

    def found(self) -> DoSupports:
        """The findings so far."""
        all_of_them = zip(self.texts, self.seen.mean(1).tolist(), self.enough.mean(1).tolist(), strict=True)
        each = sorted((DoSupport(*one) for one in all_of_them), key=lambda one: one.enough)
        below = sum(one.enough < SUPPORTED for one in each)
        return DoSupports(self.n if each else 0, len(each), below, tuple(each[:LISTED]))

    def _node(self, do: dict) -> int:
        return self.graph.index(next(iter(do)))

    def _share(self, do: dict, rows: np.ndarray) -> float:
        """Share of the training rows that have the value; of a number about that of a bin."""
        ((node, value),) = do.items()
        variable = self.graph.variables[node]
        return 0.25 if variable.size is None else float((rows[:, self._node(do)] == variable.number(value)).mean())


def _descendants(graph: CausalGraph) -> np.ndarray:
    """Whether each node [K] has each node as a descendant, bool [K, K]."""
    below = np.zeros([len(graph), len(graph)], bool)
    for k, node in reversed(list(enumerate(graph.nodes))):
        for parent in graph.parents[node]:
            below[graph.index(parent)] |= below[k]
            below[graph.index(parent), k] = True
    return below
