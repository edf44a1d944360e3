"""Does a causal graph fit a table: the tests of graphs.fit, for a data frame or a label table."""

import pandas as pd

from causalgan_tf.data.do_rows import split
from causalgan_tf.data.tables import LabelTable, table_from_frame
from causalgan_tf.graphs.fit import fit_to_rows
from causalgan_tf.graphs.fit_result import GraphFit
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.loading import load_graph


def graph_fit(
    table: pd.DataFrame | LabelTable,
    graph: CausalGraph | str,
    permutations: int = 200,
    seed: int = 0,
    drop_missing: bool = False,
    interventions: str = "",
) -> GraphFit:
    """Tests whether a table contradicts the independences that a causal graph implies.

    Args:
        table: a row a unit, a column a node, of any type; or what data.tables.read_labels returned.
        graph: the causal graph over some of its columns, or what causalgan_tf.load_graph reads.
        permutations: how many random graphs, the same with its nodes permuted, are tested beside it; 0: none.
        seed: of the random graphs, and of the rows that are tested where not all are.
        drop_missing: leave out the rows of a data frame that miss a value of a node.
        interventions: the column that names the nodes set in each row, "Smokes" or "Smokes;Age", an empty cell none;
            these rows are left out, for they follow a graph without the edges into what was set.

    Returns:
        The implied independences with their tests, those that are violated, and the random graphs.

    Raises:
        InputError: a table that does not fit the graph, fewer than two observed rows, or a negative number.

    Examples:
        >>> frame = pd.DataFrame({"Old": [0, 0, 1, 1] * 50, "Smokes": [0, 1, 0, 1] * 50, "Ill": [0, 1, 1, 1] * 50})
        >>> graph_fit(frame, "Old; Smokes -> Ill", permutations=6)
        rows: 200
        implied independences: 2, violated: 1 (Holm's correction, 5% for all together)
        violated, by what the missing edge would buy in log-likelihood above chance:
          Old -> Ill  0.34 nats a row, 69 in all; effect 0.71; p < 1e-15; given Smokes
        of 6 random graphs (the same, nodes permuted) 2 violate no more, 2 miss less log-likelihood, 2 imply the same
        The table contradicts the graph: 1 of 2 implied independences is violated. ...
    """
    graph = graph if isinstance(graph, CausalGraph) else load_graph(graph)
    if not isinstance(table, LabelTable):
        table = table_from_frame(table, graph, drop_missing, interventions=interventions)
    rows, _ = split(table.rows.to_numpy(), table.held)
    return fit_to_rows(table.graph, rows, permutations, seed)
