"""Configurations: validation, JSON, and what continues a run."""

import dataclasses
import json

import pytest

from causalgan_tf.config import BeganConfig, ControllerConfig, DataConfig, GanConfig, ImageConfig, RunConfig
from causalgan_tf.config.run import PARTS
from causalgan_tf.errors import InputError


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ControllerConfig(critic_steps=0), "ControllerConfig.critic_steps: expected a value at least 1, got 0"),
        (lambda: ControllerConfig(beta1=1.5), "beta1: expected a value between 0.0 and 0.9999, got 1.5"),
        (lambda: ControllerConfig(steps=1.5), "steps: expected int, got 1.5"),
        (lambda: ControllerConfig(steps=True), "steps: expected int, got True"),
        (lambda: GanConfig(gan_loss="hing"), "expected one of theory.*got 'hing'. Did you mean 'hinge'"),
        (lambda: GanConfig(augment="cutout,brigthness"), "some of brightness,.*Did you mean 'brightness'"),
        (lambda: GanConfig(augment="cutout,cutout"), "each once; got 'cutout,cutout'"),
        (
            lambda: RunConfig(image=ImageConfig(batch_size=8), gan=GanConfig(r1_weight=1.0, r1_every=9)),
            "--image_r1_every: expected at most the batch size 8, got 9",
        ),
        (lambda: ImageConfig(mix_single=0.7, mix_uniform=0.4), "at most 1 together, got 0.7 . 0.4"),
        (lambda: DataConfig(image_size=48), "power of two, got 48"),
        (lambda: DataConfig(dataset="folder"), "needs --image_dir"),
        (lambda: DataConfig(channels=2), "expected 3 .RGB. or 1 .grey., got 2"),
        (lambda: DataConfig(channels=1), "causal_faces draws colour images: it needs --channels=3"),
        (lambda: DataConfig(dataset="table"), "needs --labels_file"),
        (lambda: DataConfig(labels_file="rows.csv"), "causal_faces does not read --labels_file"),
        (lambda: ControllerConfig(learning_rate=float("nan")), "learning_rate: expected a finite number, got nan"),
        (lambda: RunConfig.from_json("{"), "config.json is damaged"),
        (lambda: RunConfig.from_json("[]"), "config.json is damaged"),
        (lambda: RunConfig.from_json('{"image": 8}'), "config.json is damaged"),
        (lambda: RunConfig.from_json('{"image": {"steps": "8"}}'), "ImageConfig.steps: expected int, got '8'"),
        (
            lambda: RunConfig(image=ImageConfig(model="causal_began"), gan=GanConfig(gan_loss="theory")),
            "--image_gan_loss=theory is read by --image_model=causal_gan alone, and this is causal_began",
        ),
        (
            lambda: RunConfig(began=BeganConfig(gamma2=0.7)),
            "--began_gamma2=0.7 is read by --image_model=causal_began alone, and this is causal_gan",
        ),
        (lambda: ImageConfig(labeler_size=24), "labeler_size: expected 0 or a power of two from 8 on, got 24"),
        (lambda: ImageConfig(labeler_size=4), "labeler_size: expected 0 or a power of two from 8 on, got 4"),
        (
            lambda: RunConfig(image=ImageConfig(labeler_size=64)),
            "--image_labeler_size: expected at most --image_size=32, got 64. Leave it out",
        ),
        (lambda: RunConfig(seed=-1), "seed: expected an integer"),
        (lambda: RunConfig(seed=2**31), "seed: expected an integer"),
        (lambda: RunConfig(seed=True), "seed: expected an integer"),
    ],
)
def test_a_wrong_value_is_named_with_what_was_expected(make, message):
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize("part", [config for _, config in PARTS.values()])
def test_every_field_is_explained_and_has_a_legal_default_of_its_type(part):
    for field in dataclasses.fields(part):
        assert field.metadata["text"] and type(getattr(part(), field.name)) is field.type, field.name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(part(), dataclasses.fields(part)[0].name, "other")


def test_an_integer_serves_as_a_float():
    penalty = ControllerConfig(gradient_penalty=10).gradient_penalty
    assert penalty == 10 and isinstance(penalty, float)


def test_json_reads_back_what_it_wrote(tmp_path):
    config = RunConfig(DataConfig(image_size=64), ControllerConfig(steps=7), ImageConfig(width=8), seed=5)
    assert RunConfig.from_json(config.to_json()) == config
    config.save(tmp_path)
    assert RunConfig.load(tmp_path) == config
    assert RunConfig.from_json("{}") == RunConfig()


def test_an_unknown_field_and_an_empty_folder_are_named(tmp_path):
    with pytest.raises(InputError, match="image has no field 'widht'. Did you mean 'width'"):
        RunConfig.from_json('{"image": {"widht": 8}}')
    with pytest.raises(InputError, match="no field 'sed'. Did you mean 'seed'"):
        RunConfig.from_json('{"sed": 8}')
    with pytest.raises(InputError, match="holds no run.*causalgan-train --workdir"):
        RunConfig.load(tmp_path)


def changed(config, part, **values):
    return dataclasses.replace(config, **{part: dataclasses.replace(getattr(config, part), **values)})


def test_more_steps_continue_a_run_and_fewer_do_not():
    config = RunConfig()
    assert config.differences(changed(config, "image", steps=config.image.steps + 1)) == []
    assert config.differences(changed(config, "controller", steps=1)) == [
        f"controller.steps: {config.controller.steps} -> 1"
    ]


def test_logging_and_folders_do_not_make_another_run_but_data_and_optimisation_do():
    config = RunConfig()
    assert config.differences(changed(config, "image", pictures_every=7, checkpoint_every=9)) == []
    assert config.differences(changed(config, "data", data_dir="elsewhere")) == []
    assert config.differences(dataclasses.replace(config, seed=1)) == ["seed: 0 -> 1"]
    assert config.differences(changed(config, "data", graph="mls")) == ["data.graph: causal_graph_1 -> mls"]


def test_a_configuration_from_before_causal_began_is_still_read_and_continued():
    old = json.loads(RunConfig(image=ImageConfig(steps=5)).to_json())
    del old["began"]
    read = RunConfig.from_json(json.dumps(old))
    assert read.began == BeganConfig() and read.differences(changed(RunConfig(), "image", steps=5)) == []


def test_an_image_run_from_before_a_field_is_read_as_what_it_was():
    old = json.loads(RunConfig(image=ImageConfig(steps=5)).to_json())
    before = {"discriminator_rows": "data", "discriminator_labels": False, "gradient_limit": 0.0}
    before |= {"labeler_norm": "batch"}
    for name in before:
        del old["image"][name]
    del old["gan"]["additivity"]
    read = RunConfig.from_json(json.dumps(old))
    assert read.image == ImageConfig(steps=5, **before) and read.gan == GanConfig(additivity=0.0)


@pytest.mark.parametrize(("model", "sees"), [("causal_gan", True), ("causal_began", False)])
def test_what_causal_gan_alone_once_read_is_taken_from_its_part(model, sees):
    old = json.loads(RunConfig(image=ImageConfig(model=model)).to_json())
    del old["image"]["discriminator_labels"], old["began"]["networks"], old["began"]["error"]
    old["gan"]["discriminator_labels"] = True  # of CausalBEGAN's run a default that nothing read
    read = RunConfig.from_json(json.dumps(old))
    assert read.image.discriminator_labels == sees
    paper = BeganConfig(networks="full", error="absolute")
    assert read.began == (BeganConfig() if model == "causal_gan" else paper)


def test_a_discriminator_that_sees_labels_is_refused_rows_of_another_distribution():
    with pytest.raises(InputError, match="--noimage_discriminator_labels"):
        RunConfig(image=ImageConfig(discriminator_rows="data"))
    alike = {"mix_single": 0.0, "mix_uniform": 0.0}
    assert RunConfig(image=ImageConfig(discriminator_rows="data", **alike)).image.discriminator_labels


def test_fields_that_were_saved_with_all_image_models_are_read_as_causal_gans_own():
    old = json.loads(RunConfig(image=ImageConfig(steps=5), gan=GanConfig(gan_loss="hinge", r1_every=2)).to_json())
    own = old.pop("gan")
    old["image"] |= own
    assert set(own) == set(GanConfig.__dataclass_fields__) and own["r1_every"] == 2
    read = RunConfig.from_json(json.dumps(old))
    assert read == RunConfig(image=ImageConfig(steps=5), gan=GanConfig(gan_loss="hinge", r1_every=2))
    assert json.loads(read.to_json())["gan"] == own and "gan_loss" not in json.loads(read.to_json())["image"]


def test_a_saved_run_of_an_unknown_image_model_is_refused_by_its_name():
    with pytest.raises(InputError, match="ImageConfig.model: expected one of causal_gan, causal_began; got 'causal_g'"):
        RunConfig.from_json('{"image": {"model": "causal_g"}}')


def test_a_saved_run_is_read_whatever_the_defaults_were_of_what_its_model_does_not_read():
    saved = json.loads(changed(RunConfig(), "image", model="causal_began").to_json())
    saved["image"] |= {"gan_loss": "minimax", "r1_weight": 7.0}
    assert RunConfig.from_json(json.dumps(saved)).image == ImageConfig(model="causal_began")
    assert RunConfig.from_json(json.dumps(saved)) == changed(RunConfig(), "image", model="causal_began")
    other = json.loads(RunConfig().to_json()) | {"began": {"lambda1": 0.5}}
    assert RunConfig.from_json(json.dumps(other)) == RunConfig()


def test_every_field_that_causal_began_reads_makes_another_run():
    began = changed(RunConfig(), "image", model="causal_began")
    for name, value in {"label_loss": "absolute", "lambda1": 0.1, "third_margin": False, "halve_every": 9}.items():
        assert began.differences(changed(began, "began", **{name: value})) == [
            f"began.{name}: {getattr(began.began, name)} -> {value}"
        ]


def test_a_field_that_is_gone_is_read_at_its_only_value_and_refused_at_another():
    old = json.loads(RunConfig(image=ImageConfig(model="causal_began")).to_json())
    old["image"]["label_loss"], old["began"]["round_labels"] = "cross_entropy", True
    assert RunConfig.from_json(json.dumps(old)) == RunConfig(image=ImageConfig(model="causal_began"))
    for part, field, value in (("image", "label_loss", "swapped"), ("began", "round_labels", False)):
        odd = json.loads(json.dumps(old))
        odd[part][field] = value
        with pytest.raises(InputError, match=f"{part}.{field}={value!r} is an option of version 0.3 that is gone"):
            RunConfig.from_json(json.dumps(odd))


def test_an_objective_says_which_mechanisms_it_trains_and_how_it_does_best():
    assert ControllerConfig().steps == 4_000
    assert ControllerConfig("implicit", "wasserstein").steps == 20_000
    assert ControllerConfig(steps=7).steps == 7
    with pytest.raises(
        InputError, match="likelihood does not train implicit.*objective=wasserstein.*mechanisms=explicit"
    ):
        ControllerConfig("implicit")


def test_a_run_that_was_saved_without_mechanisms_has_implicit_ones():
    old = RunConfig.from_json('{"controller": {"steps": 30, "width": 10}}').controller
    assert (old.mechanisms, old.objective, old.steps, old.batch_size) == ("implicit", "wasserstein", 30, 256)


def test_the_help_of_a_field_that_the_objective_decides_states_the_recipes_values():
    recipes = [ControllerConfig(), ControllerConfig("implicit", "wasserstein")]
    for field in dataclasses.fields(ControllerConfig):
        for value in {getattr(recipe, field.name) for recipe in recipes} if field.default is None else ():
            written = f"{value:,}" if isinstance(value, int) else f"{value:.15f}".strip("0")
            assert written in field.metadata["text"], (field.name, written)


def test_a_loss_that_explicit_mechanisms_do_not_have_is_refused():
    with pytest.raises(InputError, match="critic_loss=jensen_shannon is a loss of implicit mechanisms"):
        ControllerConfig(objective="wasserstein", critic_loss="jensen_shannon")
