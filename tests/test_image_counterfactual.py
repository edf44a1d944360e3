"""What given images would have been: against the model's own twins, and what is kept, saved and refused."""

import numpy as np
import pandas as pd
import pytest
from absl import flags
from PIL import Image

import causalgan_tf
from causalgan_tf.cli import common, sample
from causalgan_tf.errors import InputError
from causalgan_tf.inference.image_units import ImageUnits
from causalgan_tf.runs import encoder_file
from causalgan_tf.training.encoding import fit_encoder

N = 8


@pytest.fixture(scope="module")
def model():
    return fit_encoder(causalgan_tf.load("builtin:faces"), steps=120, progress=False)


@pytest.fixture(scope="module")
def drawn(model):
    return model.sample(N, seed=5)


def size_of(path):
    with Image.open(path) as image:
        return image.size


def away(a, b):
    return np.abs(a.astype(float) - b.astype(float)).mean()


def test_an_image_whose_labels_do_not_change_is_given_back_as_it_came(model, drawn):
    there = model.counterfactual(drawn.images, {}, labels=drawn.labels)
    np.testing.assert_array_equal(there.images, drawn.images)
    pd.testing.assert_frame_equal(there.labels, drawn.labels)


def test_an_image_the_model_drew_becomes_what_the_model_would_have_drawn(model, drawn):
    there = model.counterfactual(drawn.images, {"Eyeglasses": 1}, labels=drawn.labels)
    twins = model.twins(drawn, {"Eyeglasses": 1})
    pd.testing.assert_frame_equal(there.labels, twins.labels)
    others = model.sample(N, {"Eyeglasses": 1}, seed=99).images
    assert away(there.images, twins.images) < 0.25 * away(others, twins.images)
    # it changed, though: the images have glasses now
    plain = drawn.labels["Eyeglasses"].to_numpy() == 0
    assert plain.any() and all(away(a, b) > 1.0 for a, b in zip(there.images[plain], drawn.images[plain], strict=True))


def test_labels_that_are_not_known_are_read_off_the_image(model):
    images = model.sample(64, seed=3)
    read = ImageUnits(model.images, model.encoder).read(images.images)
    assert (read == images.labels.to_numpy()).mean() > 0.85
    known = images.labels[["Male"]]
    there = model.counterfactual(images.images, {"Smiling": 1}, labels=known).labels
    assert there["Male"].equals(known["Male"]) and (there["Smiling"] == 1).all()


def test_several_draws_of_an_image_follow_each_other(model, drawn):
    there = model.counterfactual(drawn.images[:2], {"Male": 1}, draws=3, labels=drawn.labels[:2], seed=2)
    assert there.images.shape[0] == 6 and (there.labels["Male"] == 1).all()


def test_the_search_brings_the_noise_nearer(model, drawn):
    units, labels = ImageUnits(model.images, model.encoder), drawn.labels.to_numpy(np.float32)
    under = np.where(np.arange(9) == list(model.graph.nodes).index("Eyeglasses"), 1 - labels, labels)
    truth = model.images.draw(under, drawn.seeds)
    errors = [away(units.counterfactual(drawn.images, labels, under, steps), truth) for steps in (1, 60)]
    assert errors[1] < 0.8 * errors[0]


def test_an_encoder_is_saved_with_its_model_and_belongs_to_its_generator(model, drawn, tmp_path):
    model.save(tmp_path / "faces")
    loaded = causalgan_tf.load(tmp_path / "faces")
    assert loaded.encoder is not None and causalgan_tf.load("builtin:faces").encoder is None
    ask = {"do": {"Bald": 1}, "labels": drawn.labels}
    images = [each.counterfactual(drawn.images, **ask).images.astype(int) for each in (loaded, model)]
    # the search's gradients are summed in another order in another graph: a grey level where a number is at a half
    assert np.abs(images[0] - images[1]).max() <= 1 and (images[0] == images[1]).mean() > 0.999
    encoder_file.save(tmp_path, model.images, model.encoder)
    kept = encoder_file.load(tmp_path, loaded.images)
    np.testing.assert_array_equal(kept.get_weights()[0], model.encoder.get_weights()[0])
    weight = loaded.images.generator.weights[0]
    weight.assign(weight + 1e-3)
    assert encoder_file.load(tmp_path, loaded.images) is None
    (path,) = (tmp_path / "encoder").glob("*.npz")
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(InputError, match="is damaged"):
        encoder_file.load(tmp_path, model.images)


def test_the_program_writes_the_image_beside_what_it_would_be(model, drawn, tmp_path, capsys):
    model.save(tmp_path / "faces")
    Image.fromarray(drawn.images[0]).resize((64, 64)).save(tmp_path / "someone.png")
    values = flags.FlagValues()
    sample.declare(values)
    out = tmp_path / "out"
    common.parse(
        ["x", f"--workdir={tmp_path / 'faces'}", f"--counterfactual={tmp_path / 'someone.png'}", "--do=Eyeglasses=1",
         "--evidence=Male=0", f"--out={out}"],
        values,
    )  # fmt: skip
    sample.main(values)
    labels = pd.read_csv(out / "labels.csv")
    assert len(labels) == 1 and labels["Eyeglasses"][0] == 1 and labels["Male"][0] == 0
    assert size_of(out / "images/00000.png") == (32, 32) and size_of(out / "counterfactual.png")[1] > 2 * 64
    assert str(out / "counterfactual.png") in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--counterfactual=nobody.png", "--do=Male=1"], "there is no such file"),
        (["--counterfactual=nobody.png"], "it needs --do"),
        (["--counterfactual=nobody.png", "--do=Male=1", "--given=Bald=1"], "does not go with --given"),
        (["--counterfactual=nobody.png", "--do=Male=1", "--noimages"], "does not go with --noimages"),
        (["--evidence=Male=1", "--compare=Bald=1"], "does not go with --compare"),
    ],
)
def test_what_does_not_go_with_a_counterfactual_is_refused(arguments, message, tmp_path):
    values = flags.FlagValues()
    sample.declare(values)
    common.parse(["x", "--workdir=builtin:faces", f"--out={tmp_path / 'out'}", *arguments], values)
    with pytest.raises(InputError, match=message):
        sample.main(values)


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (
            np.zeros([2, 16, 16, 3], np.uint8),
            None,
            r"expected images uint8 \[n, 32, 32, 3\].*got uint8 \[2, 16, 16, 3\]",
        ),
        (np.zeros([2, 32, 32, 3]), None, "got float64"),
        (np.zeros([0, 32, 32, 3], np.uint8), None, "at least one"),
        (np.zeros([2, 32, 32, 3], np.uint8), pd.DataFrame({"Male": [1]}), "a row for each of 2 images, got 1 rows"),
    ],
)
def test_images_of_another_kind_are_refused(model, images, labels, message):
    with pytest.raises(InputError, match=message):
        model.counterfactual(images, {"Male": 1}, labels=labels)


def test_a_model_without_an_encoder_says_how_to_get_one(drawn):
    with pytest.raises(InputError, match=r"Fit one: causalgan_tf.fit_encoder\(model\)"):
        causalgan_tf.load("builtin:faces").counterfactual(drawn.images, {"Male": 1})
