"""The graph of a run and the fingerprint of its rows: kept, read again, held against the data of a run that goes on."""

import dataclasses
import json
import pathlib

import numpy as np
import pytest

from causalgan_tf.config.run import ControllerConfig, DataConfig, RunConfig
from causalgan_tf.errors import InputError
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.loading import load_graph
from causalgan_tf.graphs.variables import Binary, Categorical, Continuous
from causalgan_tf.runs import run_graph
from causalgan_tf.runs.run_folder import Run
from causalgan_tf.runs.run_graph import Fingerprint, RunGraph
from causalgan_tf.runs.timing import read_timing

CONFIG = RunConfig(
    DataConfig(dataset="table", graph="Sex -> Smoke -> Age; Age: continuous(0, 120)", labels_file="x.csv")
)
KINDS = {"Sex": Binary(), "Smoke": Categorical(("never", "né")), "Age": Continuous(0.0, 120.0, 41.5, 12.0)}
DECLARED = CausalGraph.from_text(CONFIG.data.graph)
RESOLVED = DECLARED.with_variables(KINDS)
ROWS = np.array([[0, 1, 40.5], [1, 0, 42.5]], np.float32)
KEPT = RunGraph(RESOLVED, DECLARED, Fingerprint.of(RESOLVED, ROWS))


@pytest.fixture
def workdir(tmp_path):
    KEPT.save(tmp_path)
    CONFIG.save(tmp_path)
    return tmp_path


def test_a_run_keeps_its_graph_the_types_and_the_fingerprint_of_its_rows(workdir):
    assert json.loads((workdir / "graph.json").read_text(encoding="utf-8"))["edges"] == [
        ["Sex", "Smoke"],
        ["Smoke", "Age"],
    ]
    assert run_graph.stored(workdir, CONFIG) == KEPT
    assert list(workdir.glob("graph.json*")) == [workdir / "graph.json"]


def test_a_run_of_before_is_as_its_graph_declares(tmp_path):
    assert run_graph.graph_of(tmp_path, RunConfig()).is_binary
    assert run_graph.graph_of(tmp_path, CONFIG).variables["Age"] == Continuous(0, 120)


def test_a_run_of_before_whose_graph_file_is_gone_says_how_to_go_on(tmp_path):
    config = dataclasses.replace(CONFIG, data=dataclasses.replace(CONFIG.data, graph=str(tmp_path / "gone.txt")))
    with pytest.raises(InputError, match=r"(?s)0.3.0 or earlier.*gone.txt.*config.json, field data.graph"):
        run_graph.graph_of(tmp_path, config)


def test_a_run_that_goes_on_keeps_the_statistics_that_it_was_trained_by(workdir):
    later = RESOLVED.with_variables({"Age": Continuous(0.0, 120.0, 50.0, 9.0)})
    assert run_graph.settled(workdir, KEPT, later, KEPT.fingerprint) == KEPT


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
        run_graph.settled(workdir, KEPT, RESOLVED.with_variables(kinds), KEPT.fingerprint)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (ROWS[:1], "2 rows there, 1 rows now"),
        (ROWS[::-1], "values or order of the rows in Sex, Smoke, Age"),
        (ROWS + np.array([0, 0, 1], np.float32), "values or order of the rows in Age"),
        (ROWS.astype(np.float64), "values or order of the rows in Sex, Smoke, Age"),
    ],
)
def test_other_rows_do_not_continue_a_run_and_the_message_says_what_differs(workdir, rows, words):
    now = Fingerprint.of(RESOLVED, rows)
    with pytest.raises(InputError, match=f"other data. What differs: {words}"):
        run_graph.settled(workdir, KEPT, RESOLVED, now)


def test_other_image_files_do_not_continue_a_run_and_the_first_ones_are_kept(workdir):
    one = run_graph.settled(workdir, KEPT, RESOLVED, dataclasses.replace(KEPT.fingerprint, images="1"))
    assert one.fingerprint.images == "1"
    assert run_graph.settled(workdir, one, RESOLVED, KEPT.fingerprint) == one
    with pytest.raises(InputError, match="names, sizes or number of the image files"):
        run_graph.settled(workdir, one, RESOLVED, dataclasses.replace(KEPT.fingerprint, images="2"))


def test_images_of_other_contents_do_not_continue_a_run_and_an_old_run_learns_theirs(workdir):
    """A run that kept names and sizes alone is compared by these."""
    first, other = (dataclasses.replace(KEPT.fingerprint, images=images) for images in ("n-1", "n-2"))
    old = dataclasses.replace(KEPT, fingerprint=dataclasses.replace(KEPT.fingerprint, images="n"))
    new = run_graph.settled(workdir, old, RESOLVED, first)
    assert new.fingerprint == first
    with pytest.raises(InputError, match="What differs: contents of the image files"):
        run_graph.settled(workdir, new, RESOLVED, other)
    with pytest.raises(InputError, match="What differs: names, sizes or number of the image files"):
        run_graph.settled(workdir, old, RESOLVED, dataclasses.replace(first, images="m-1"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Smoke -> Sex; Smoke -> Age", "edge Sex -> Smoke turned round"),
        ("Sex -> Smoke; Age", "edge Smoke -> Age removed"),
        ("Sex -> Smoke -> Age; Sex -> Age", "edge Sex -> Age added"),
        ("Sex -> Smoke", "node Age removed; edge Smoke -> Age removed"),
        ("Sex -> Smoke -> Age -> B", "node B added"),
        ("Sex -> Smoke -> Age; Sex: categorical", "Sex: binary -> categorical"),
    ],
)
def test_another_graph_does_not_continue_a_run_and_the_message_says_what_differs(workdir, text, words):
    with pytest.raises(InputError, match=words):
        run_graph.agreed(workdir, KEPT, load_graph(text))


@pytest.mark.parametrize("text", ["Smoke -> Age; Sex -> Smoke", "Sex -> Smoke -> Age; Smoke: categorical"])
def test_the_same_graph_in_other_words_continues_a_run(workdir, text):
    assert run_graph.agreed(workdir, KEPT, load_graph(text)) is KEPT


DAMAGED = ["", "{", "[]", "3", '{"nodes": 3}', '{"nodes": ["A"], "edges": [["B", "C"]]}', "[" * 100_000, "\udc80"]


@pytest.mark.parametrize("text", DAMAGED, ids=range(len(DAMAGED)))
@pytest.mark.parametrize("name", ["graph.json", "config.json"])
def test_a_damaged_file_is_named(workdir, name, text):
    (workdir / name).write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(InputError, match=f"{name} (is damaged|cannot be used)") as refused:
        Run.open(workdir)
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize("field", ["nodes", "edges", "variables", "declared", "fingerprint", "version"])
@pytest.mark.parametrize("value", [None, 7, "x", [1], {"Sex": 1}])
def test_a_graph_file_of_wrong_types_is_named_or_read(workdir, field, value):
    plain = json.loads((workdir / "graph.json").read_text(encoding="utf-8")) | {field: value}
    (workdir / "graph.json").write_text(json.dumps(plain), encoding="utf-8")
    if field == "version" or (field == "fingerprint" and value is None):
        assert Run.open(workdir).graph == RESOLVED
    else:
        with pytest.raises(InputError, match="graph.json is damaged"):
            Run.open(workdir)


@pytest.mark.parametrize("text", ["{", "[]", '{"Sex": {"kind": "ternary"}}', '{"Sex": {"kind": "binary", "mean": 1}}'])
def test_a_damaged_file_of_a_run_of_before_is_named(workdir, text):
    (workdir / "graph.json").unlink()
    (workdir / "variables.json").write_text(text)
    with pytest.raises(InputError, match="variables.json is damaged"):
        run_graph.graph_of(workdir, CONFIG)


def test_a_file_of_another_graph_is_named(workdir):
    (workdir / "graph.json").unlink()
    (workdir / "variables.json").write_text('{"Sex": {"kind": "binary"}, "Age": {"kind": "continuous"}}')
    with pytest.raises(InputError, match="another graph than the run's: 'Smoke'"):
        run_graph.graph_of(workdir, CONFIG)


@pytest.mark.parametrize(
    "text", ["", "{", "[1]", "\udce9", '{"data_s": "x", "controller_train_s": null}', "[" * 99_999]
)
def test_damaged_times_stop_nothing(workdir, text):
    (workdir / "timing.json").write_bytes(text.encode(errors="surrogateescape"))
    run = Run.open(workdir)
    assert run.timing == {}
    run.add_timing("data_s", 2.0)
    assert read_timing(workdir) == {"data_s": 2.0}


# a run and the user's files


@pytest.fixture
def files(tmp_path, monkeypatch) -> RunConfig:
    """A working folder with graph.txt and rows.csv, and the configuration that names them."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    pathlib.Path("graph.txt").write_text("A -> B\n")
    pathlib.Path("rows.csv").write_text("A,B\n" + "0,1\n1,0\n1,1\n" * 40)
    return RunConfig(
        DataConfig(dataset="table", graph="graph.txt", labels_file="rows.csv"), ControllerConfig(batch_size=20)
    )


def begun(config: RunConfig, workdir: pathlib.Path) -> Run:
    """A run that has been begun: its data are read and its files are written."""
    run, _ = Run.create(workdir, config).with_data()
    run.save()
    return run


@pytest.mark.parametrize("change", ["turned", "gone", "broken", "elsewhere"])
def test_a_run_answers_as_it_was_begun_whatever_becomes_of_the_graph_file(files, tmp_path, monkeypatch, change):
    run = begun(files, tmp_path / "run")
    if change == "turned":
        pathlib.Path("graph.txt").write_text("B -> A\n")
    elif change == "broken":
        pathlib.Path("graph.txt").write_bytes(b"\xff\xfe\x00A ->")
    elif change == "gone":
        pathlib.Path("graph.txt").unlink()
    else:
        monkeypatch.chdir(tmp_path)
    again = Run.open(tmp_path / "run")
    assert again.graph.edges == (("A", "B"),) and again == run
    assert again.dataset().label_rows.shape == (120, 2)


def test_a_run_whose_graph_file_was_turned_round_does_not_go_on(files, tmp_path):
    begun(files, tmp_path / "run")
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    pathlib.Path("graph.txt").write_text("B -> A\n")
    for config in (files, RunConfig.load(tmp_path / "run")):
        with pytest.raises(InputError, match=r"edge A -> B turned round.*--workdir"):
            Run.create(tmp_path / "run", config)
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before


def test_a_run_whose_graph_file_is_gone_or_moved_goes_on_and_another_name_does_not(files, tmp_path):
    begun(files, tmp_path / "run")
    pathlib.Path("graph.txt").rename("moved.txt")
    moved = dataclasses.replace(files, data=dataclasses.replace(files.data, graph="moved.txt"))
    for config in (files, RunConfig.load(tmp_path / "run"), moved):
        assert Run.create(tmp_path / "run", config).graph.edges == (("A", "B"),)
    wrong = dataclasses.replace(files, data=dataclasses.replace(files.data, graph="grpah.txt"))
    with pytest.raises(InputError, match="grpah.txt"):
        Run.create(tmp_path / "run", wrong)


def test_a_run_whose_table_was_moved_goes_on_and_with_other_rows_it_does_not(files, tmp_path):
    begun(files, tmp_path / "run")
    text = pathlib.Path("rows.csv").read_text()
    pathlib.Path("rows.csv").rename("moved.csv")
    with pytest.raises(InputError, match="rows.csv"):
        Run.open(tmp_path / "run").dataset()
    moved = dataclasses.replace(files, data=dataclasses.replace(files.data, labels_file="moved.csv"))
    assert len(begun(moved, tmp_path / "run").dataset().label_rows) == 120
    assert len(Run.open(tmp_path / "run").dataset().label_rows) == 120
    for other, words in ((text + "1,1\n", "120 rows there, 121"), (text.replace("1,0", "1,1", 1), "rows in B")):
        pathlib.Path("moved.csv").write_text(other)
        with pytest.raises(InputError, match=words):
            begun(moved, tmp_path / "run")


def test_a_run_of_before_that_goes_on_gets_the_new_file(files, tmp_path):
    (tmp_path / "run").mkdir()
    files.save(tmp_path / "run")
    assert Run.open(tmp_path / "run").kept.fingerprint is None
    begun(files, tmp_path / "run")
    assert Run.open(tmp_path / "run").kept.fingerprint.rows == 120
    assert pathlib.Path(RunConfig.load(tmp_path / "run").data.labels_file).is_absolute()
