"""The graph of a run, with the kinds of its labels as they were read off its data: variables.json of the run folder."""

import dataclasses
import json
import pathlib

from causalgan_tf.config import RunConfig
from causalgan_tf.errors import InputError
from causalgan_tf.graph import CausalGraph, load_graph
from causalgan_tf.variables import Continuous, Variable, from_json, to_json

FILE = "variables.json"


def graph_of(workdir: str | pathlib.Path, config: RunConfig) -> CausalGraph:
    """The graph of the run in `workdir`: categories, mean and deviation as in its training rows.

    A folder without variables.json holds a run of the kinds that the graph declares, binary where it declares none.

    Raises:
        InputError: variables.json is damaged, or is of another graph.
    """
    graph, path = load_graph(config.data.graph), pathlib.Path(workdir) / FILE
    if not path.is_file():
        return graph
    try:
        variables = from_json(json.loads(path.read_text(encoding="utf-8")))
    except (json.JSONDecodeError, AttributeError, InputError) as error:
        raise InputError(f"{path} is damaged: {error} Restore it, or train into another folder.") from error
    if set(variables) != set(graph.nodes):
        other = sorted(set(variables) ^ set(graph.nodes))[0]
        raise InputError(f"{path} is of another graph than the run's: {other!r} is in one of them only. Restore it.")
    return graph.with_variables(variables)


def settled(workdir: str | pathlib.Path, config: RunConfig, graph: CausalGraph) -> CausalGraph:
    """The graph by which a run goes on whose data have resolved to `graph`: with the kinds that the run began with.

    Mean and deviation of continuous labels stay the stored ones, by which the networks were trained.

    Args:
        workdir: the run folder; without a run in it, `graph` is the answer.
        config: the run's configuration.
        graph: the graph of the data as they are now, the kind of every node resolved.

    Raises:
        InputError: a node's kind, categories or bounds are not those of the run.
    """
    if not (pathlib.Path(workdir) / "config.json").is_file():
        return graph
    stored = graph_of(workdir, config)
    for node, variable in stored.variables.items():
        now = graph.variables[node]
        if _plain(variable) != _plain(now):
            raise InputError(
                f"{workdir} holds a run in which {node} is {variable.text()}; in the data it is {now.text()} now. "
                f"Bring the data of that run, declare the kind of {node} in the graph, or choose another --workdir."
            )
    return stored


def keep(workdir: pathlib.Path, graph: CausalGraph) -> None:
    """Writes `workdir`/variables.json, what `graph_of` reads; `workdir` exists."""
    text = json.dumps(to_json(graph.variables), indent=2, ensure_ascii=False) + "\n"
    (workdir / FILE).write_text(text, encoding="utf-8")


def _plain(variable: Variable) -> Variable:
    """A variable without the statistics of its rows."""
    return dataclasses.replace(variable, mean=0.0, std=1.0) if isinstance(variable, Continuous) else variable
