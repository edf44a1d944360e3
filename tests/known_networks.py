"""Bayesian networks whose exact answers are known from another program.

Their tables and queries as the files that tools/benchmarks/rivals/exact.py reads: python -m tests.known_networks FOLDER
"""

import json
import pathlib
import sys

import numpy as np

from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.variables import Categorical
from causalgan_tf.inference.distribution import LabelDistribution

# the tables of Lauritzen and Spiegelhalter 1988
ASIA = LabelDistribution(
    CausalGraph.from_text(
        "asia -> tub; smoke -> lung, bronc; tub, lung -> either; either -> xray; bronc, either -> dysp"
    ),
    {"asia": 0.01, "smoke": 0.5, "tub": [0.01, 0.05], "lung": [0.01, 0.1], "bronc": [0.3, 0.6]}
    | {"xray": [0.05, 0.98], "dysp": [[0.1, 0.7], [0.8, 0.9]], "either": [[0.0, 1.0], [1.0, 1.0]]},
)

# the graph of Beinlich et al. 1989 and its numbers of values
ALARM_EDGES = """
HYPOVOLEMIA; LVFAILURE -> HISTORY; HYPOVOLEMIA, LVFAILURE -> LVEDVOLUME -> CVP, PCWP
HYPOVOLEMIA, LVFAILURE -> STROKEVOLUME; ERRLOWOUTPUT; ERRCAUTER; INSUFFANESTH; ANAPHYLAXIS -> TPR; KINKEDTUBE; FIO2
PULMEMBOLUS -> PAP; PULMEMBOLUS, INTUBATION -> SHUNT; MINVOLSET -> VENTMACH; DISCONNECT, VENTMACH -> VENTTUBE
KINKEDTUBE, INTUBATION, VENTTUBE -> PRESS, VENTLUNG; INTUBATION, VENTLUNG -> MINVOL, VENTALV; FIO2, VENTALV -> PVSAT
SHUNT, PVSAT -> SAO2; VENTALV -> ARTCO2; VENTLUNG, ARTCO2 -> EXPCO2
INSUFFANESTH, TPR, SAO2, ARTCO2 -> CATECHOL -> HR; ERRLOWOUTPUT, HR -> HRBP; ERRCAUTER, HR -> HREKG, HRSAT
STROKEVOLUME, HR -> CO; TPR, CO -> BP
"""
THREE = "LVEDVOLUME CVP PCWP STROKEVOLUME TPR PAP INTUBATION MINVOLSET PVSAT SAO2 ARTCO2 HR HRBP HREKG HRSAT CO BP"
FOUR = "VENTMACH VENTTUBE PRESS VENTLUNG MINVOL VENTALV EXPCO2"


def alarm() -> LabelDistribution:
    """alarm's graph, with tables of its own: cubes of uniform numbers, so that some values are rare."""
    graph = CausalGraph.from_text(ALARM_EDGES)
    sizes = dict.fromkeys(THREE.split(), 3) | dict.fromkeys(FOUR.split(), 4)
    graph = graph.with_variables({node: Categorical(tuple("abcd"[:size])) for node, size in sizes.items()})
    # of the old generator, whose numbers never change
    rng, tables = np.random.RandomState(0), {}
    for node in graph.nodes:
        cubes = rng.random_sample([graph.variables[name].size for name in (*graph.parents[node], node)]) ** 3
        tables[node] = cubes / cubes.sum(-1, keepdims=True)
    return LabelDistribution(graph, tables)


ALARM = alarm()

# (node, do, given) and the answer of pgmpy 1.1.2:
# python -m tests.known_networks FOLDER, then for asia and for alarm
# /tmp/rivals/bin/python tools/benchmarks/rivals/exact.py FOLDER/asia.npz FOLDER/asia.json FOLDER/asia.out.npz
ASIA_ANSWERS = (
    ("dysp", {}, {}, [0.5640294, 0.4359706]),
    ("dysp", {"bronc": 1}, {}, [0.1935172, 0.8064828]),
    ("dysp", {}, {"bronc": 1}, [0.1920328, 0.8079672]),
    ("lung", {}, {"xray": 1, "dysp": 1}, [0.378747203322, 0.621252796678]),
    ("tub", {"smoke": 0}, {"xray": 1}, [0.852022380163, 0.147977619837]),
    ("either", {"tub": 1}, {"dysp": 0}, [0.0, 1.0]),
    ("asia", {"either": 1}, {"xray": 1}, [0.99, 0.01]),
    ("smoke", {"bronc": 1, "xray": 0}, {"dysp": 1, "either": 0}, [0.52380952381, 0.47619047619]),
)
ALARM_ANSWERS = (
    ("BP", {}, {}, [0.446335223928, 0.319374117711, 0.234290658361]),
    ("CATECHOL", {}, {}, [0.456058454269, 0.543941545731]),
    ("BP", {"CATECHOL": 1}, {}, [0.457041015921, 0.325107973405, 0.217851010674]),
    ("BP", {}, {"CATECHOL": 1}, [0.459900922386, 0.316132006963, 0.223967070651]),
    ("VENTALV", {"VENTLUNG": "c"}, {}, [0.558562730407, 0.331818765972, 0.0197324618949, 0.0898860417257]),
    ("VENTALV", {}, {"VENTLUNG": "c"}, [0.571770784919, 0.307131267419, 0.0173228032205, 0.103775144442]),
    ("HYPOVOLEMIA", {}, {"CO": "a", "BP": "c", "CVP": "b"}, [0.570529518659, 0.429470481341]),
    ("KINKEDTUBE", {"INTUBATION": "b"}, {"PRESS": "d", "MINVOL": "a", "EXPCO2": "d"}, [0.0367384055803, 0.96326159442]),
    ("HRBP", {"HR": "b"}, {"HREKG": "a", "CATECHOL": 0}, [0.372482302008, 0.478455550508, 0.149062147484]),
    (
        "PULMEMBOLUS",
        {"VENTALV": "a", "TPR": "c"},
        {"SAO2": "a", "BP": "b", "CATECHOL": 1, "PAP": "c"},
        [0.999999742846, 2.57154194796e-07],
    ),
    (
        "HR",
        {"SAO2": "b", "ARTCO2": "c", "TPR": "a"},
        {"HRSAT": "c", "CO": "b"},
        [0.00112246466506, 0.882273419481, 0.116604115854],
    ),
    (
        "DISCONNECT",
        {"FIO2": 1},
        {"EXPCO2": "a", "MINVOL": "d", "PVSAT": "c", "HRBP": "a"},
        [0.545829591201, 0.454170408799],
    ),
)


def write(folder: pathlib.Path, name: str, law: LabelDistribution, answers: tuple) -> None:
    """The files of one network."""
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / f"{name}.npz", **{f"table_{node}": table for node, table in law.tables.items()})
    kinds, queries = law.graph.variables, []
    for node, do, given, _ in answers:
        codes = [{label: int(kinds[label].number(value)) for label, value in part.items()} for part in (do, given)]
        queries.append({"node": node, "do": codes[0], "given": codes[1]})
    parents = {node: list(causes) for node, causes in law.graph.parents.items()}
    (folder / f"{name}.json").write_text(json.dumps({"parents": parents, "queries": queries}), encoding="utf-8")


if __name__ == "__main__":
    write(pathlib.Path(sys.argv[1]), "asia", ASIA, ASIA_ANSWERS)
    write(pathlib.Path(sys.argv[1]), "alarm", ALARM, ALARM_ANSWERS)
