"""The digits' benchmarks: shares and errors of images that are right, and of images wrong on purpose."""

import numpy as np
import pandas as pd
import pytest

from causalgan_tf.config.image import ImageConfig
from causalgan_tf.config.run import DataConfig, RunConfig
from causalgan_tf.data import load
from causalgan_tf.data.colored_digits import nearest_colour
from causalgan_tf.data.dataset import Dataset, ImageSet
from causalgan_tf.errors import InputError
from causalgan_tf.graphs.cells import cells
from causalgan_tf.graphs.graph import CausalGraph
from tools.benchmarks import morphomnist, unseen_pairs


class Knows:
    """A judge that reads the colour off the picture and is told the digits."""

    def __init__(self, *digits):
        self.digits = list(digits)

    def predict(self, images):
        return np.stack([self.digits.pop(0), nearest_colour(images)], axis=1)


@pytest.fixture(scope="module")
def dataset():
    sizes = {"train_images": 20, "test_images": 60, "uniform_images": 20, "label_rows": 100}
    return load(DataConfig(dataset="colored_digits", graph="colored_digits", image_size=16, **sizes), seed=1)


def test_shares_tell_seen_pairs_from_unseen_ones(dataset):
    asked = np.repeat(cells(dataset.graph.sizes), 2, axis=0)
    seen = np.isin((asked[:, 1].astype(int) - asked[:, 0]) % 10, (0, 1))
    digits = asked[:, 0].copy()
    wrong = np.flatnonzero(~seen)[:40]
    digits[wrong] = (digits[wrong] + 1) % 10
    painted = asked.copy()
    painted[wrong[20:], 1] = (painted[wrong[20:], 1] + 1) % 10
    images = dataset.render(painted, 3)
    judge = Knows(dataset.uniform_test.labels[:, 0], digits[seen], digits[~seen])
    table = unseen_pairs.shares(dataset, judge, asked, images).set_index("images")
    assert table["n"].tolist() == [60, 40, 160]
    assert (table.iloc[:2][["digit", "colour", "both", "measured colour"]] == 1).all(axis=None)
    # of 160 unseen ones 40 have another digit and 20 of these another colour too
    assert table.loc["unseen pairs", ["digit", "colour", "both"]].tolist() == [0.75, 0.875, 0.75]


def test_lines_of_the_same_run_are_replaced_and_others_kept(tmp_path):
    lines = pd.DataFrame({"images": ["a", "b"], "n": [1, 2]})
    for settings, seed, n in (("one", 0, 1), ("two", 0, 3), ("one", 0, 5)):
        unseen_pairs.written(lines.assign(settings=settings, seed=seed, n=n), tmp_path / "out.csv")
    found = pd.read_csv(tmp_path / "out.csv")
    assert len(found) == 4 and found.groupby("settings")["n"].first().to_dict() == {"one": 5, "two": 3}


def test_the_command_beside_a_line_is_its_runs_and_names_no_folder_of_this_machine(tmp_path, monkeypatch):
    (tmp_path / "faces").mkdir()
    (tmp_path / "labels.csv").write_text("")
    data = DataConfig("folder", "Old/New -> B", str(tmp_path / "faces"), str(tmp_path / "labels.csv"))
    config = RunConfig(data=data, image=ImageConfig(steps=13_000), seed=2)
    arguments = ["x", "--workdir=RUN", f"--out={tmp_path / 'out.csv'}", "--images=7"]
    monkeypatch.setattr("sys.argv", arguments)
    options = unseen_pairs.parsed("help", 40, "pair")
    unseen_pairs.show(pd.DataFrame({"images": ["a"]}), options, config, "kept_sex")
    line = pd.read_csv(tmp_path / "out.csv").iloc[0]
    assert line["steps"] == 13_000
    assert line["command"] == (
        "causalgan-train --dataset=folder '--graph=Old/New -> B' --image_dir=faces --labels_file=labels.csv "
        "--image_steps=13000 --seed=2 --workdir=RUN; python -m tools.benchmarks.kept_sex --workdir=RUN --images=7"
    )


def test_another_data_set_is_refused_by_name(dataset):
    with pytest.raises(InputError, match="has the labels digit, colour: expected digit, thickness, intensity"):
        morphomnist.check(dataset)


def test_intensity_is_the_median_of_the_bright_half():
    image = np.zeros((1, 4, 4, 1), np.uint8)
    image[0, 0, :, 0] = [200, 180, 100, 99]
    # 99 is under half of 200; of 200, 180 and 100 the median is 180
    assert morphomnist.median_intensity(image).tolist() == [180.0]


def test_errors_are_the_mean_distances_of_judge_and_measure():
    graph = CausalGraph.from_text(
        "digit: categorical(0, 1, 2); thickness -> intensity; thickness: continuous; intensity: continuous"
    )
    labels = np.array([[0, 2, 100], [1, 3, 200]], np.float32)
    images = np.broadcast_to(np.array([110, 200], np.uint8)[:, None, None, None], (2, 4, 4, 1))
    said = labels + np.array([[1, 0.2, 4], [0, -0.4, -8]], np.float32)
    dataset = Dataset(graph=graph, label_rows=labels, train=ImageSet(images, labels), test=ImageSet(images, labels))
    judge = type("Judge", (), {"predict": lambda self, _: said})()
    line = morphomnist.errors(dataset, judge, "x", labels, images)
    assert (line["digit right"], line["intensity error"], line["measured intensity error"]) == (0.5, 6.0, 5.0)
    assert line["thickness error"] == pytest.approx(0.3)
    assert [do["digit"] for do in morphomnist.dos_of(dataset, "digit")] == ["0", "1", "2"]
    assert [do["intensity"] for do in morphomnist.dos_of(dataset, "intensity")] == [125.0, 150.0, 175.0]
