"""Tables in which some rows tell of interventions: what is fitted on which rows, and what is refused."""

import numpy as np
import pandas as pd
import pytest

import causalgan_tf
from causalgan_tf.config.controller import ControllerConfig
from causalgan_tf.config.data import DataConfig
from causalgan_tf.config.run import RunConfig
from causalgan_tf.data.tables import read_labels, table_from_frame
from causalgan_tf.errors import InputError
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.runs.run_folder import Run
from causalgan_tf.training.fitting import fit_labels

GRAPH = "A -> X -> Y; A -> Y"
ROWS = 20_000
P_A, P_X, P_Y = 0.4, np.array([0.3, 0.8]), np.array([[0.1, 0.6], [0.5, 0.9]])  # P_Y[A, X]


def table(seed=0):
    """Half observed, of which only rows with X = A were kept; half with X set by a coin."""
    rng = np.random.default_rng(seed)

    def drawn(n, coin):
        a = (rng.random(n) < P_A).astype(int)
        x = (rng.random(n) < (0.5 if coin else P_X[a])).astype(int)
        return pd.DataFrame({"A": a, "X": x, "Y": (rng.random(n) < P_Y[a, x]).astype(int)})

    observed = drawn(4 * ROWS, coin=False)
    observed = observed[observed["A"] == observed["X"]][:ROWS].assign(what="")
    return pd.concat([observed, drawn(ROWS, coin=True).assign(what="X")], ignore_index=True)


def fitted(frame, **how):
    return fit_labels(frame, GRAPH, ControllerConfig(steps=600, weight_decay=0.0), progress=False, **how)


@pytest.mark.parametrize("distinct_rows", [512, 0])
def test_experiments_tell_what_the_observed_rows_do_not(distinct_rows):
    config = ControllerConfig(steps=1_500, weight_decay=0.0, distinct_rows=distinct_rows, batch_size=1_000)
    model = fit_labels(table(), GRAPH, config, progress=False, interventions="what")
    tables = model.label_distribution().tables
    # of Y both halves tell, each setting of its parents; TVD of a binary label is the difference of its probabilities
    np.testing.assert_allclose(tables["Y"][..., 1], P_Y, atol=0.02)
    # of X the observed half alone, in which it always was A
    np.testing.assert_allclose(tables["X"][..., 1], [0.0, 1.0], atol=0.02)
    assert model.probability("Y=1", do={"X": 1}).value == pytest.approx(
        sum(P_Y[a, 1] * (tables["A"][a]) for a in (0, 1)), abs=0.02
    )


def test_without_the_column_the_coin_is_taken_for_a_mechanism():
    frame = table()
    blind = fitted(frame.drop(columns="what")).label_distribution().tables["X"][..., 1]
    told = fitted(frame, interventions="what").label_distribution().tables["X"][..., 1]
    assert (np.abs(blind - [0.0, 1.0]) > 0.15).all() and (np.abs(told - [0.0, 1.0]) < 0.02).all()


def test_refitted_models_know_which_rows_were_set():
    config = ControllerConfig(steps=600, weight_decay=0.0)
    frame = table()
    models = causalgan_tf.refitted(frame, GRAPH, 2, config, progress=False, interventions="what")
    for model in models:
        np.testing.assert_allclose(model.label_distribution().tables["X"][..., 1], [0.0, 1.0], atol=0.02)


@pytest.mark.long
def test_a_table_without_any_intervention_trains_as_if_it_had_no_column():
    frame = table()[:2_000]
    a, b = fitted(frame, interventions="what"), fitted(frame.drop(columns="what"))
    assert a.sample(100, seed=1).labels.equals(b.sample(100, seed=1).labels)


def test_numbers_and_categories_may_be_set():
    rng = np.random.default_rng(0)
    age = rng.normal(50, 10, 4_000)
    dose = np.where(np.arange(4_000) % 2, rng.uniform(0, 10, 4_000), age / 10 + rng.normal(size=4_000))
    frame = pd.DataFrame({"Age": age, "Dose": dose, "what": np.where(np.arange(4_000) % 2, "Dose", None)})
    model = fit_labels(frame, "Age -> Dose", ControllerConfig(steps=500), progress=False, interventions="what")
    drawn = model.sample(20_000, seed=1).labels
    assert np.corrcoef(drawn["Age"], drawn["Dose"])[0, 1] == pytest.approx(1 / np.sqrt(2), abs=0.08)
    assert drawn["Dose"].std() == pytest.approx(np.sqrt(2), rel=0.12)


def test_several_nodes_may_be_set_in_a_row():
    frame = pd.DataFrame(
        {"A": [0, 1, 0, 1, 0], "X": [0, 1, 1, 0, 0], "Y": [0, 1, 1, 0, 1], "what": [None, "", "X; Y", ' "A",X', "none"]}
    )
    held = table_from_frame(frame, CausalGraph.from_text(GRAPH), interventions="what").held
    assert held.astype(int).tolist() == [[0, 0, 0], [0, 0, 0], [0, 1, 1], [1, 1, 0], [0, 0, 0]]


def test_a_column_of_interventions_may_be_of_pandas_categories():
    cells = [None, "A", None, "A"]
    frame = pd.DataFrame({"A": [0, 1, 0, 1], "X": [0, 1, 1, 0], "Y": [0, 1, 1, 0], "what": pd.Categorical(cells)})
    held = table_from_frame(frame, CausalGraph.from_text(GRAPH), interventions="what").held
    assert held[:, 0].tolist() == [False, True, False, True]


def test_a_file_tells_it_too_and_a_run_knows_its_rows(tmp_path):
    path = tmp_path / "mixed.csv"
    table()[ROWS - 500 : ROWS + 500].to_csv(path, index=False, columns=["what", "A", "X", "Y"])
    assert read_labels(path, CausalGraph.from_text(GRAPH), interventions="what").held.sum() == 500
    data = DataConfig(dataset="table", labels_file=str(path), graph=GRAPH, interventions="what")
    lines = []
    causalgan_tf.train(RunConfig(data, ControllerConfig(steps=50)), tmp_path / "run", ("controller",), say=lines.append)
    assert "500 further rows with interventions: X on 500" in lines
    run = Run.open(tmp_path / "run")
    assert len(run.dataset(labels_only=True).label_rows) == 500
    text = path.read_text().replace("\nX,0,0", "\nA,0,0", 1)
    path.write_text(text)
    with pytest.raises(InputError, match="values or order of the rows"):
        run.dataset(labels_only=True)


def test_evaluation_compares_with_the_observed_rows(tmp_path):
    path = tmp_path / "mixed.csv"
    table()[ROWS - 1_000 : ROWS + 1_000].to_csv(path, index=False)
    data = DataConfig(dataset="table", labels_file=str(path), graph=GRAPH, interventions="what")
    causalgan_tf.train(RunConfig(data, ControllerConfig(steps=300)), tmp_path / "run", ("controller",))
    found = causalgan_tf.evaluate_run(tmp_path / "run")
    assert found["labels"]["n_data"] == 1_000


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["", "Z", "", ""], "row 1: intervention on 'Z', which is no node.*Expected names of nodes with ; between"),
        (["X", "X", "X", ""], "1 rows have no intervention in 'what'; expected at least 2"),
    ],
)
def test_a_column_that_tells_no_nodes_is_refused(cells, message):
    frame = pd.DataFrame({"A": [0, 1, 0, 1], "X": [0, 1, 1, 0], "Y": [0, 1, 1, 0], "what": cells})
    with pytest.raises(InputError, match=message):
        table_from_frame(frame, CausalGraph.from_text(GRAPH), interventions="what")


@pytest.mark.parametrize(
    ("name", "message"),
    [("X", "--interventions=X: it is a node of the graph"), ("wat", "0 columns 'wat'.*Did you mean 'what'")],
)
def test_a_column_that_is_no_column_of_interventions_is_refused(name, message):
    with pytest.raises(InputError, match=message):
        table_from_frame(table()[:100], CausalGraph.from_text(GRAPH), interventions=name)


def test_other_objectives_refuse_interventions():
    config = ControllerConfig(steps=10, objective="wasserstein", mechanisms="explicit", batch_size=100)
    with pytest.raises(InputError, match="controller_objective=wasserstein learns from observed rows alone"):
        fit_labels(table(), GRAPH, config, progress=False, interventions="what")


def test_sources_without_a_labels_file_refuse_the_column():
    with pytest.raises(InputError, match="Leave --interventions out"):
        DataConfig(interventions="what")
