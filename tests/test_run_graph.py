"""The kinds of a run's labels: kept with the run, read again, and held against the data of a run that goes on."""

import json

import pytest

from causalgan_tf import run_graph
from causalgan_tf.config import DataConfig, RunConfig
from causalgan_tf.errors import InputError
from causalgan_tf.graph import CausalGraph
from causalgan_tf.variables import Binary, Categorical, Continuous

CONFIG = RunConfig(
    DataConfig(dataset="table", graph="Sex -> Smoke -> Age; Age: continuous(0, 120)", labels_file="x.csv")
)
KINDS = {"Sex": Binary(), "Smoke": Categorical(("never", "né")), "Age": Continuous(0.0, 120.0, 41.5, 12.0)}
RESOLVED = CausalGraph.from_text(CONFIG.data.graph).with_variables(KINDS)


@pytest.fixture
def workdir(tmp_path):
    run_graph.keep(tmp_path, RESOLVED)
    CONFIG.save(tmp_path)
    return tmp_path


def test_a_run_keeps_the_kinds_of_its_labels(workdir):
    kept = json.loads((workdir / "variables.json").read_text(encoding="utf-8"))
    assert kept["Smoke"] == {"kind": "categorical", "categories": ["never", "né"]}
    assert run_graph.graph_of(workdir, CONFIG) == RESOLVED


def test_a_run_without_the_file_is_as_its_graph_declares(tmp_path):
    assert run_graph.graph_of(tmp_path, RunConfig()).is_binary
    assert run_graph.graph_of(tmp_path, CONFIG).variables["Age"] == Continuous(0, 120)


def test_a_new_run_takes_the_kinds_of_its_data(tmp_path):
    assert run_graph.settled(tmp_path / "none", CONFIG, RESOLVED) is RESOLVED


def test_a_run_that_goes_on_keeps_the_statistics_that_it_was_trained_by(workdir):
    later = RESOLVED.with_variables({"Age": Continuous(0.0, 120.0, 50.0, 9.0)})
    assert run_graph.settled(workdir, CONFIG, later) == RESOLVED


@pytest.mark.parametrize(
    ("kinds", "words"),
    [
        ({"Sex": Categorical(("f", "m"))}, r"in which Sex is binary; in the data it is categorical\(f, m\) now"),
        ({"Smoke": Categorical(("never", "now"))}, r"Smoke is categorical\(never, né\)"),
        ({"Smoke": Categorical(("never", "né", "now"))}, r"Smoke is categorical\(never, né\)"),
        ({"Age": Continuous()}, r"Age is continuous\(0, 120\); in the data it is continuous now"),
    ],
)
def test_data_of_other_kinds_do_not_continue_a_run(workdir, kinds, words):
    with pytest.raises(InputError, match=words):
        run_graph.settled(workdir, CONFIG, RESOLVED.with_variables(kinds))


def test_data_of_other_kinds_do_not_continue_a_run_of_binary_labels(tmp_path):
    RunConfig().save(tmp_path)
    graph = run_graph.graph_of(tmp_path, RunConfig())
    assert run_graph.settled(tmp_path, RunConfig(), graph) == graph
    with pytest.raises(InputError, match="Male is binary"):
        run_graph.settled(tmp_path, RunConfig(), graph.with_variables({"Male": Categorical(("f", "m"))}))


@pytest.mark.parametrize("text", ["{", "[]", '{"Sex": {"kind": "ternary"}}', '{"Sex": {"kind": "binary", "mean": 1}}'])
def test_a_damaged_file_is_named(workdir, text):
    (workdir / "variables.json").write_text(text)
    with pytest.raises(InputError, match="variables.json is damaged"):
        run_graph.graph_of(workdir, CONFIG)


def test_a_file_of_another_graph_is_named(workdir):
    (workdir / "variables.json").write_text('{"Sex": {"kind": "binary"}, "Age": {"kind": "continuous"}}')
    with pytest.raises(InputError, match="another graph than the run's: 'Smoke'"):
        run_graph.graph_of(workdir, CONFIG)
