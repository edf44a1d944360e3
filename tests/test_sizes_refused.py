"""Sizes that no machine holds, refused before any work; values, seeds and numbers of rows that are none."""

import numpy as np
import pandas as pd
import pytest
from absl import flags

from causalgan_tf.cli import common, evaluate, sample, train
from causalgan_tf.config import budget
from causalgan_tf.config.run import BeganConfig, ControllerConfig, DataConfig, ImageConfig, RunConfig
from causalgan_tf.errors import InputError
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.loading import load_graph
from causalgan_tf.graphs.variables import Categorical, Continuous
from causalgan_tf.inference import arguments
from causalgan_tf.inference.causal_model import CausalModel
from causalgan_tf.networks.mechanisms import CausalController
from causalgan_tf.training.fitting import fit_labels

GRAPH = load_graph("causal_graph_1")
HUGE = (10**9, 10**30, 10**400)
FIELDS = [
    *[(ControllerConfig, "controller", name) for name in budget.LABELS],
    *[(ImageConfig, "image", name) for name in budget.IMAGES],
    *[(DataConfig, "data", name) for name in budget.DATA],
]


@pytest.fixture(autouse=True)
def no_tensorflow(monkeypatch):
    """Fails a program that goes as far as starting TensorFlow."""

    def start():
        raise AssertionError("TensorFlow was started.")

    monkeypatch.setattr(common, "start_tensorflow", start)


def main(program, *given: object) -> None:
    """Runs a program in this process."""
    values = flags.FlagValues()
    program.declare(values)
    program.main(common.parse(["program", *map(str, given)], values))


# configurations


@pytest.mark.parametrize("value", HUGE)
@pytest.mark.parametrize(("kind", "part", "name"), FIELDS, ids=lambda part: part if isinstance(part, str) else "")
def test_a_size_that_no_machine_holds_is_refused_with_its_memory(kind, part, name, value):
    config = RunConfig(**{part: kind(**{name: value})})
    with pytest.raises(InputError, match=f"--.*{name}=.* of memory.*Lower --") as refused:
        budget.check_training(config, GRAPH, ("controller", "images"))
    assert len(str(refused.value)) <= 300


@pytest.mark.parametrize("value", (10**9, 10**400))
def test_a_code_that_no_machine_holds_is_refused(value):
    config = RunConfig(image=ImageConfig(model="causal_began"), began=BeganConfig(code_size=value))
    with pytest.raises(InputError, match="--began_code_size"):
        budget.check_training(config, GRAPH, ("images",))


def test_a_size_that_this_machine_does_not_hold_is_refused_below_a_milliard(monkeypatch):
    monkeypatch.setattr(budget, "machine", lambda: 8 * 10**9)
    config = RunConfig(controller=ControllerConfig(width=20_000))
    with pytest.raises(InputError, match=r"--controller_width=20000: .* 59.1 GB of memory; this machine has 8 GB"):
        budget.check_training(config, GRAPH, ("controller",))


def test_what_is_trained_in_practice_is_far_below_the_limit(monkeypatch):
    monkeypatch.setattr(budget, "machine", lambda: 2 * 10**9)
    large = ImageConfig(batch_size=64, width=64, discriminator_width=64, labeler_width=64)
    for image in (ImageConfig(), large):
        config = RunConfig(DataConfig(image_size=64), ControllerConfig(batch_size=4096, width=64), image)
        budget.check_training(config, GRAPH, ("controller", "images"))


@pytest.mark.parametrize("kind", [ControllerConfig, ImageConfig])
@pytest.mark.parametrize("name", ["steps", "steps_per_call"])
def test_steps_have_a_highest_number(kind, name):
    with pytest.raises(InputError, match=f"{name}: expected a value between [01] and 100000000"):
        kind(**{name: 10**9})


@pytest.mark.parametrize(
    "flag", ["controller_width", "controller_layers", "image_batch_size", "train_images", "image_steps", "label_rows"]
)
@pytest.mark.parametrize("value", ["1000000000", str(10**30), "1e9", "9" * 5_000])
def test_the_command_line_refuses_it_before_anything_is_made(tmp_path, flag, value):
    with pytest.raises(InputError, match=flag) as refused:
        main(train, f"--workdir={tmp_path / 'run'}", f"--{flag}={value}")
    assert len(str(refused.value)) <= 300 and not list(tmp_path.iterdir())


def test_a_controller_fitted_in_memory_is_held_to_the_same_bounds():
    frame = pd.DataFrame({"A": [0, 1] * 200, "B": [1, 0] * 200})
    with pytest.raises(InputError, match="--controller_width=1000000000: .*of memory"):
        fit_labels(frame, "A -> B", ControllerConfig(width=10**9))


@pytest.mark.parametrize("n", ["1000000000", str(10**30)])
def test_rows_and_images_that_no_machine_holds_are_refused_by_the_programs(tmp_path, n):
    RunConfig(DataConfig(dataset="table", graph="A -> B", labels_file="rows.csv")).save(tmp_path)
    with pytest.raises(InputError, match=f"n={n}: .*that many rows would take at least .* of memory"):
        main(sample, f"--workdir={tmp_path}", f"--out={tmp_path / 'out'}", f"--n={n}")
    with pytest.raises(InputError, match=f"--images={n}: .* of memory"):
        main(evaluate, f"--workdir={tmp_path}", f"--images={n}")
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]


@pytest.mark.parametrize(("size", "text"), [(999, "999 bytes"), (2_500_000_000, "2.5 GB"), (10**400, "1,000 EB")])
def test_memory_is_said_in_units(size, text):
    assert budget.readable(size) == text


def test_a_containers_share_is_the_memory_there_is(tmp_path, monkeypatch):
    monkeypatch.setattr(budget, "CONTAINER", tmp_path / "memory.max")
    whole = budget.machine()
    for text, memory in (("max\n", whole), ("1000000\n", 1_000_000)):
        (tmp_path / "memory.max").write_text(text)
        assert budget.machine() == memory


# numbers of rows and seeds


@pytest.fixture(scope="module")
def model() -> CausalModel:
    graph = CausalGraph.from_text("A -> B; C").with_variables(
        {"B": Categorical(("no", "yes", "so")), "C": Continuous()}
    )
    return CausalModel(graph, CausalController(graph, noise_size=2, width=3, layers=2, seed=1))


@pytest.mark.parametrize("n", [10.0, None, True, "3", -1, 0, [3], np.array([3]), 10**9, 10**30, 10**400, np.nan])
def test_what_is_no_number_of_rows_is_refused(model, n):
    for draw in (model.sample, model.sample_labels):
        with pytest.raises(InputError, match="n[:=]") as refused:
            draw(n)
        assert len(str(refused.value)) <= 300


@pytest.mark.parametrize("seed", [1.0, None, True, "3", -1, 2**63, 10**400, [1], np.nan])
def test_what_is_no_seed_is_refused(model, seed):
    for draw in (model.sample, model.sample_labels):
        with pytest.raises(InputError, match="seed: expected"):
            draw(3, seed=seed)


def test_numpys_integers_and_the_largest_seed_are_taken(model):
    assert len(model.sample(np.int64(3), seed=np.uint8(2)).labels) == 3
    assert len(model.sample(2, seed=2**63 - 1).labels) == 2


@pytest.mark.parametrize("images", ["no", 1, []])
def test_whether_images_are_drawn_is_true_false_or_none(model, images):
    with pytest.raises(InputError, match="images: expected True, False or None"):
        model.sample(3, images=images)


@pytest.mark.parametrize(
    "seeds",
    [None, "abc", 3, [1.5], [], [True], [2**64], [[1], [1, 2]], np.zeros([4, 3], int), np.array([2**63], np.uint64)],
)
def test_twins_take_the_seeds_of_rows_alone(model, seeds):
    with pytest.raises(InputError, match="seeds: expected"):
        model.twins(seeds)


def test_the_users_own_rows_are_no_seeds(model):
    drawn = model.sample(4)
    for rows in (drawn.labels, drawn.labels.to_numpy()):
        with pytest.raises(InputError, match="samples.seeds"):
            model.twins(rows)
    assert model.twins(list(drawn.seeds)).labels.equals(drawn.labels)


@pytest.mark.parametrize("value", [-1, 2, 0.5, np.nan, np.inf, None, "x", [1], 1j, 10**400, np.array([1])])
@pytest.mark.parametrize("node", ["A", "B"])
def test_do_takes_the_values_of_a_label_alone(model, node, value):
    with pytest.raises(InputError, match=f"do {node}="):
        model.sample(3, do={node: value})


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e39, 10**400, None, "x", [1], 1j])
def test_do_takes_the_numbers_alone_that_the_networks_hold(model, value):
    with pytest.raises(InputError, match="do C="):
        model.sample(3, do={"C": value})


def test_a_condition_that_is_never_met_says_what_can_be_done(model):
    with pytest.raises(InputError, match=r"Found 0 of 3 .*condition on less, set the labels by do, or .*--max_draws"):
        model.sample(3, given={"C": (1e30, 2e30)}, max_draws=1_000)


# labels of images


FRAME = pd.DataFrame({"A": [0, 1], "B": ["so", "no"], "C": [0.25, -3.0]})
ROWS = [[0, 2, 0.25], [1, 0, -3]]


def rows(model, labels) -> list:
    return arguments.label_rows(model.graph, labels).tolist()


def test_columns_of_a_frame_are_found_by_name(model):
    assert rows(model, FRAME) == rows(model, FRAME[["C", "A", "B"]]) == rows(model, np.array(ROWS)) == ROWS
    assert rows(model, FRAME.astype({"B": "category"})) == rows(model, FRAME.assign(B=[2, 0])) == ROWS
    assert rows(model, model.sample(2).labels)


def test_a_binary_label_may_lie_between_for_an_interpolation(model):
    assert rows(model, FRAME.assign(A=[0.5, 0.25]))[0][0] == 0.5


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (FRAME.drop(columns="B"), "lacks the columns: B"),
        (FRAME.assign(X=1), "no labels: X"),
        (FRAME.rename(columns={"A": "a"}), "lacks the columns: A"),
        (pd.concat([FRAME, FRAME[["A"]]], axis=1), "twice: A"),
    ],
)
def test_missing_and_further_columns_are_named(model, frame, message):
    with pytest.raises(InputError, match=message):
        rows(model, frame)


WRONG = {
    "A": [-1, 5, 2, np.nan, np.inf, "x", "1", None, [1], pd.NA, 1j, 10**400],
    "B": [-1, 3, 7, 1.4, np.nan, "maybe", None, [1]],
    "C": [np.nan, np.inf, 1e39, "x", "1", None, [1], pd.Timestamp("2020")],
}


@pytest.mark.parametrize(("node", "value"), [(node, value) for node, values in WRONG.items() for value in values])
def test_a_value_that_a_label_does_not_have_is_named_with_its_row(model, node, value):
    good = FRAME[node].iloc[0]
    with pytest.raises(InputError, match=f"labels: {node} of row 1 is ") as refused:
        rows(model, FRAME.assign(**{node: pd.Series([good, value], dtype=object)}))
    assert len(str(refused.value)) <= 300


@pytest.mark.parametrize("labels", [None, 3, {"A": 1}, [1, 0, 2], np.zeros([2, 4]), [[1], [1, 2]], FRAME["A"]])
def test_an_array_of_another_width_is_refused(model, labels):
    with pytest.raises(InputError, match=r"expected (an array )?\[n, 3\]"):
        rows(model, labels)
