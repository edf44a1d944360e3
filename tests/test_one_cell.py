"""Images that all have one label vector: said before training, trained all the same, and drawn with these labels."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

import causalgan_tf
from causalgan_tf.config.run import ControllerConfig, DataConfig, ImageConfig, RunConfig
from causalgan_tf.errors import InputError
from causalgan_tf.training import stages

TINY = {"batch_size": 8, "width": 4, "discriminator_width": 4, "labeler_width": 4}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "images").mkdir()
    rng = np.random.default_rng(0)
    for k in range(40):
        Image.fromarray(rng.integers(0, 255, (16, 16, 3), dtype=np.uint8)).save(tmp_path / "images" / f"{k}.png")
    return tmp_path


def run_of(folder, header, row, graph):
    (folder / "labels.csv").write_text(f"image,{header}\n" + "".join(f"{k}.png,{row}\n" for k in range(40)))
    data = DataConfig(
        dataset="folder",
        graph=graph,
        image_dir=str(folder / "images"),
        labels_file=str(folder / "labels.csv"),
        data_dir=str(folder / "cache"),
        image_size=16,
        test_images=8,
    )
    image = ImageConfig(steps=2, **TINY, steps_per_call=2, checkpoint_every=2, pictures_every=9)
    return RunConfig(data, ControllerConfig(steps=200, steps_per_call=100), image)


@pytest.mark.parametrize(
    ("header", "row", "graph", "said"),
    [
        pytest.param(
            "A,B", "1,0", "A -> B", "A: binary, constant 1: it carries no information", marks=pytest.mark.long
        ),
        ("A", "3.5", "A;", "A: continuous, constant 3.5: it carries no information"),
    ],
)
def test_images_of_one_cell_train_and_are_said_to_carry_no_information(folder, header, row, graph, said):
    lines = []
    stages.train(run_of(folder, header, row, graph), folder / "run", say=lines.append)
    assert any(line.startswith(said) for line in lines)
    drawn = causalgan_tf.load(folder / "run").sample(50, seed=0)
    wanted = np.array(row.split(","), float)
    assert (np.abs(drawn.labels.to_numpy(float) - wanted).mean(axis=0) < 0.2).all()
    assert drawn.images.shape == (50, 16, 16, 3)


def test_a_category_that_is_always_the_same_is_refused_with_a_way_out(folder):
    with pytest.raises(InputError, match="A"):
        stages.train(run_of(folder, "A", "x", "A;"), folder / "run")
    assert not (folder / "run").exists()


def test_channels_and_sizes_that_a_drawn_source_lacks_are_refused_by_name():
    good = DataConfig(dataset="colored_digits", graph="colored_digits")
    for change, said in (
        ({"channels": 1}, "it needs --channels=3"),
        ({"image_size": 8}, "image_size"),
        ({"image_dir": "x"}, "does not read --image_dir"),
    ):
        with pytest.raises(InputError, match=said):
            dataclasses.replace(good, **change)
