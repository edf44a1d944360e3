"""causalgan-train --check: says what a training would do, refuses what it would refuse, writes nothing."""

import pathlib
import re

import numpy as np
import pytest
from absl import flags
from PIL import Image

from causalgan_tf.cli import common, train
from causalgan_tf.config.run import ControllerConfig, DataConfig, GanConfig, ImageConfig, RunConfig
from causalgan_tf.data import celeb_a, decoding, prepared
from causalgan_tf.errors import InputError
from causalgan_tf.graphs.cells import ObservedCells
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.variables import Continuous
from causalgan_tf.training import stages
from causalgan_tf.training.check import cell_lines, check, readable_time
from causalgan_tf.training.requirements import unseen_line

TINY = ControllerConfig(steps=10, batch_size=16, width=4, critic_width=4, steps_per_call=5)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> pathlib.Path:
    """A folder with rows.csv and photos/, the working folder, and no cache but one below it."""
    rng = np.random.default_rng(0)
    (tmp_path / "photos").mkdir()
    lines = ["image,A,Age"]
    for k in range(60):
        Image.fromarray(rng.integers(0, 256, (20, 20, 3), np.uint8)).save(tmp_path / "photos" / f"{k}.png")
        lines.append(f"{k}.png,{k % 2},{k + 0.5}")
    (tmp_path / "rows.csv").write_text("\n".join(lines))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(decoding, "DEFAULT_FOLDER", tmp_path / "cache")
    return tmp_path


def table(**data: object) -> RunConfig:
    return RunConfig(DataConfig(**{"dataset": "table", "graph": "A -> Age", "labels_file": "rows.csv", **data}), TINY)


def photos(**data: object) -> RunConfig:
    return RunConfig(
        DataConfig(
            **{"dataset": "folder", "graph": "A -> Age", "labels_file": "rows.csv", "image_dir": "photos"} | data
        ),
        TINY,
        ImageConfig(batch_size=8),
    )


def everything(folder: pathlib.Path) -> dict[str, tuple[int, int]]:
    """Size and time of all that lies in a folder."""
    return {
        str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()
    } | {str(path): (0, 0) for path in folder.rglob("*") if path.is_dir()}


def lines(config: RunConfig, parts: tuple[str, ...] = ("controller", "images"), workdir: str = "run") -> str:
    return "\n".join(check(config, pathlib.Path(workdir), parts))


def test_a_table_is_told_by_rows_types_cells_memory_time_and_folder(folder):
    before, told = everything(folder), lines(table())
    for words in (
        "folder: run, would be made",
        "rows: 60",
        "A: binary, 50 % are 1, inferred",
        "Age: continuous, mean 30",
        "cells of all labels: 0 of 8 hold 30 rows or more, 8 fewer, 0 none",
        "cells of a label's parents: 2 of 2 hold 30 rows or more",
        "memory: about ",
        "controller: 10 steps would be trained, about 20 seconds",
        "an estimate",
        "Nothing was trained or written",
    ):
        assert words in told, words
    assert "images:" not in told and everything(folder) == before


def test_images_are_opened_and_not_decoded_to_disk(folder):
    before, told = everything(folder), lines(photos())
    assert "images: 48 to train on, 32 x 32 x 3, of " in told and "images: 8,000 steps would be trained" in told
    assert everything(folder) == before


def test_built_in_faces_are_not_drawn(folder, monkeypatch):
    monkeypatch.setattr(prepared, "prepare", None)
    before = everything(folder)
    told = lines(RunConfig(DataConfig(train_images=300, label_rows=1_000, data_dir=str(folder / "data"))))
    assert "images: 300 to train on, 32 x 32 x 3, would be drawn" in told and "rows: 1,000" in told
    assert "label cells have some" not in told  # nobody knows before they are drawn
    assert everything(folder) == before


def test_too_few_held_out_images_to_measure_by_are_told_before_the_training(folder, monkeypatch):
    monkeypatch.setattr(prepared, "prepare", None)
    few = DataConfig(train_images=300, label_rows=1_000, test_images=5, data_dir=str(folder / "data"))
    assert "5 are held out, too few for causalgan-evaluate, which needs 12 (--test_images)" in lines(RunConfig(few))
    assert "too few for" not in lines(photos())


def test_the_time_of_a_step_counts_the_generators_updates(folder, monkeypatch):
    monkeypatch.setattr(prepared, "prepare", None)
    told = [
        re.search("images: 8,000 steps would be trained, about ([0-9.]+) (minutes|hours)", lines(config))
        for steps in (1, 11)
        for config in [RunConfig(gan=GanConfig(generator_steps=steps))]
    ]
    minutes = [float(found[1]) * {"minutes": 1.0, "hours": 60.0}[found[2]] for found in told]
    assert minutes[1] == pytest.approx(8.0 * minutes[0], rel=0.1)


def not_square(folder: pathlib.Path) -> RunConfig:
    Image.new("RGB", (20, 24)).save(folder / "photos" / "7.png")
    return photos()


def broken(folder: pathlib.Path) -> RunConfig:
    for k in (3, 50):
        (folder / "photos" / f"{k}.png").write_bytes(b"no image")
    return photos()


def absent(folder: pathlib.Path) -> RunConfig:
    (folder / "photos" / "3.png").unlink()
    return photos()


def text_in_numbers(folder: pathlib.Path) -> RunConfig:
    (folder / "rows.csv").write_text((folder / "rows.csv").read_text().replace("3.5", "3,5", 1))
    return table(graph="A -> Age; Age: continuous")


CASES = [
    not_square,
    broken,
    absent,
    text_in_numbers,
    lambda folder: table(graph="A -> Height"),
    lambda folder: table(graph="A -> Age; Age -> A"),
    lambda folder: table(labels_file="gone.csv"),
    lambda folder: RunConfig(table().data, ControllerConfig("implicit", "wasserstein", batch_size=61)),
    lambda folder: RunConfig(photos().data, TINY, ImageConfig(batch_size=49)),
    lambda folder: RunConfig(table().data, ControllerConfig(width=10**9)),
    lambda folder: RunConfig(table().data, ControllerConfig(batch_size=16, tvd_target=0.1)),
    lambda folder: RunConfig(DataConfig(graph="A -> B")),
]


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_what_a_training_refuses_is_refused_in_the_same_words(folder, case):
    config = case(folder)
    before = everything(folder)
    with pytest.raises(InputError) as checked:
        lines(config)
    assert everything(folder) == before
    with pytest.raises(InputError) as trained:
        stages.train(config, folder / "run")
    assert str(checked.value) == str(trained.value)


def test_images_without_trained_labels_are_refused(folder):
    with pytest.raises(InputError, match="no trained controller"):
        lines(photos(), ("images",))
    assert not (folder / "run").exists()


def test_a_run_that_is_there_is_told_to_go_on_and_other_rows_are_refused(folder):
    stages.train(table(), folder / "run")
    before = everything(folder)
    longer = RunConfig(table().data, ControllerConfig(**{**vars(TINY), "steps": 25}))
    told = lines(longer)
    assert "goes on with the run there" in told and "controller: 15 steps of 25 would be trained" in told
    assert "controller: 0 steps of 10 would be trained, no time" in lines(table())
    with pytest.raises(InputError, match="another graph"):
        lines(table(graph="Age -> A"))
    assert everything(folder) == before
    (folder / "rows.csv").write_text("image,A,Age\n" + "x.png,1,2.5\ny.png,0,3.5\n" * 30)
    with pytest.raises(InputError, match="other data"):
        lines(table())


def test_celeba_that_is_not_prepared_is_not_prepared(folder):
    config = RunConfig(DataConfig(dataset="celeb_a", crop_size=-1, data_dir=str(folder / "data")), TINY)
    for run in (lines, lambda config: stages.train(config, folder / "run")):
        with pytest.raises(InputError, match="Put five files into"):
            run(config)
    manual = folder / "data" / "downloads" / "manual"
    manual.mkdir(parents=True)
    for name in celeb_a.MANUAL_FILES:
        (manual / name).touch()
    before, told = everything(folder), lines(config)
    assert "a training prepares them first" in told and "images: 8,000 steps" in told and everything(folder) == before


def test_the_program_takes_the_flag_and_writes_nothing(folder, capsys):
    values = flags.FlagValues()
    train.declare(values)
    arguments = ["--dataset=table", "--labels_file=rows.csv", "--graph=A -> Age", "--workdir=run", "--check"]
    before = everything(folder)
    train.main(common.parse(["", *arguments, "--controller_batch_size=16"], values))
    assert "controller: 4,000 steps would be trained" in capsys.readouterr().out and everything(folder) == before


def test_cells_of_labels_and_parents_with_few_rows_are_counted():
    graph = CausalGraph.from_text("A, B -> C")
    rows = np.repeat([[0, 0, 0], [0, 1, 1], [1, 1, 0]], [29, 30, 41], axis=0)
    assert list(cell_lines(graph, rows)) == [
        "cells of all labels: 2 of 8 hold 30 rows or more, 1 fewer, 5 none",
        "cells of a label's parents: 2 of 4 hold 30 rows or more, 1 fewer, 1 none",
        "  few rows tell how these follow their parents: C",
    ]


@pytest.mark.parametrize(
    ("codes", "said"),
    [
        ([0, 1, 2, 3], "images: all 4 label cells have some; --image_additivity has nothing to do"),
        ([0, 1, 2], "images: 3 of 4 label cells have some; of the others 1 is drawn towards what those add up to"),
        ([0, 1], "images: 2 of 4 label cells have some; of the others none is drawn towards what those add up to"),
        ([3], "images: 1 of 4 label cells have some; of the others none is drawn towards what those add up to"),
    ],
)
def test_a_training_says_for_how_many_unseen_cells_additivity_has_something_to_do(codes, said):
    rows = np.array([[code // 2, code % 2] for code in codes])
    cells = ObservedCells((2, 2), (np.zeros(0),) * 2, np.array(codes), rows)
    assert list(unseen_line(cells)) == [said]


def test_cells_of_many_labels_are_not_numbered():
    graph = CausalGraph({f"n{k}": [] for k in range(100)}, {"n0": Continuous()})
    assert list(cell_lines(graph, np.zeros((50, 100)))) == ["cells of all labels: 2**101"]


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 seconds"), (32.4, "32 seconds"), (600, "10 minutes"), (3_600 * 50, "50 hours")]
)
def test_times_are_said_in_two_digits(seconds, words):
    assert readable_time(seconds) == words
