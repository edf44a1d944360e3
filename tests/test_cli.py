"""The command lines up to the first call of the library: flags, presets, what is refused and how it is said."""

import dataclasses
import pathlib
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from absl import flags
from PIL import Image

from causalgan_tf.cli import common, evaluate, explore, export, graph, query, sample, train
from causalgan_tf.config import BeganConfig, ControllerConfig, DataConfig, GanConfig, ImageConfig, RunConfig, run
from causalgan_tf.data.tables import read_labels, table_from_frame
from causalgan_tf.errors import InputError
from causalgan_tf.evaluation import EvaluationSizes
from causalgan_tf.graphs.loading import load_graph
from causalgan_tf.graphs.variables import Categorical, Continuous
from causalgan_tf.inference import label_sampler
from causalgan_tf.inference.samples import label_frame
from causalgan_tf.runs import run_folder as runs
from causalgan_tf.runs import run_graph
from causalgan_tf.runs.paths import absolute
from causalgan_tf.system.outputs import OutputFolder
from causalgan_tf.training import devices

ROOT = pathlib.Path(__file__).parents[1]
PRESETS = sorted((ROOT / "flags").glob("*.flags"))
PROGRAMS = {
    "train": train,
    "sample": sample,
    "query": query,
    "evaluate": evaluate,
    "export": export,
    "explore": explore,
}


def parsed(program, *arguments: object) -> flags.FlagValues:
    """The flags of a program after these arguments."""
    values = flags.FlagValues()
    program.declare(values)
    return common.parse([program.__name__, *map(str, arguments)], values)


def configured(*arguments: object) -> RunConfig:
    """The configuration that arguments of causalgan-train describe, for a new folder."""
    return train.run_config(parsed(train, *arguments), pathlib.Path("/no/such/folder"))


def command(*arguments: object) -> subprocess.CompletedProcess:
    """Runs `python arguments`."""
    line = [sys.executable, *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, cwd=ROOT, check=False)


@pytest.fixture
def no_tensorflow(monkeypatch):
    """Fails a program that goes as far as starting TensorFlow."""

    def start():
        raise AssertionError("TensorFlow was started.")

    monkeypatch.setattr(common, "start_tensorflow", start)


@pytest.fixture
def run_folder(tmp_path) -> pathlib.Path:
    """A folder with the configuration of a run over A -> B, whose labels come from a table."""
    (tmp_path / "rows.csv").write_text("A,B\n" + "0,1\n1,0\n" * 200)
    config = RunConfig(
        DataConfig(dataset="table", graph="A -> B", labels_file=str(tmp_path / "rows.csv")),
        ControllerConfig(steps=100),
        seed=3,
    )
    folder = tmp_path / "run"
    folder.mkdir()
    config.save(folder)
    return folder


# flags and configurations


def test_without_flags_the_configuration_is_the_dataclasses_defaults():
    assert configured() == RunConfig()


PARTS = [("", DataConfig), ("controller_", ControllerConfig), ("image_", ImageConfig), ("image_", GanConfig)]
PARTS += [("began_", BeganConfig)]


@pytest.mark.parametrize(("prefix", "config"), PARTS)
def test_every_field_has_a_flag_with_its_help(prefix, config):
    declared = parsed(train)
    for field in dataclasses.fields(config):
        assert declared[prefix + field.name].help.endswith(field.metadata["text"])
        assert declared[prefix + field.name].default == field.default


def test_no_two_flags_of_training_share_a_name():
    names = [prefix + field.name for prefix, config in PARTS for field in dataclasses.fields(config)]
    names += ["workdir", "check", "stages", "strategy", "num_devices", "logical_devices", "seed"]
    assert len(names) == len(set(names))
    assert set(names) == set(parsed(train))


def test_the_programs_parts_are_those_of_a_run():
    assert {"seed", *run.PARTS} == set(RunConfig.__dataclass_fields__)
    assert list(run.PARTS.values()) == PARTS


def test_a_flag_reaches_the_field_of_its_stage_with_its_type():
    config = configured(
        "--controller_steps=7", "--image_steps=8", "--image_size=64", "--image_labeler_weight=2", "--seed=9"
    )
    assert (config.controller.steps, config.image.steps, config.data.image_size, config.seed) == (7, 8, 64, 9)
    assert config.gan.labeler_weight == 2 and isinstance(config.gan.labeler_weight, float)


def test_the_choices_of_the_flags_are_those_of_the_library():
    assert train.STRATEGIES == devices.STRATEGIES
    assert {stage for choice in train.STAGES for stage in choice.split(",")} == set(runs.STAGES)
    assert EvaluationSizes.cfid == evaluate.IMAGES


TABLE = ("--dataset=table", "--labels_file=rows.csv", "--graph=A -> B")
FOLDER = ("--dataset=folder", "--labels_file=rows.csv", "--graph=A -> B", "--image_dir=photos")
WASSERSTEIN = ("--controller_objective=wasserstein",)
IMPLICIT = (*WASSERSTEIN, "--controller_mechanisms=implicit")


@pytest.mark.parametrize(
    ("others", "unread"),
    [
        ((), ("critic_steps=20", "noise_size=99", "gradient_penalty=5", "critic_width=8", "critic_order=1")),
        (WASSERSTEIN, ("weight_decay=9", "critic_order=3", "noise_size=99")),
        (IMPLICIT, ("weight_decay=9",)),
    ],
)
def test_a_flag_that_the_objective_does_not_read_is_refused(others, unread):
    for flag in unread:
        with pytest.raises(InputError, match=f"^--controller_{flag}(.0)? does nothing with --controller_objective="):
            configured(*others, f"--controller_{flag}")


@pytest.mark.parametrize(
    ("source", "unread"),
    [
        (FOLDER, ("train_images=10", "uniform_images=10", "label_rows=10")),
        (TABLE, ("train_images=10", "uniform_images=10", "label_rows=10", "test_images=10", "crop_size=9")),
        (("--dataset=causal_faces",), ("crop_size=108",)),
        (("--dataset=celeb_a",), ("label_rows=10",)),
    ],
)
def test_a_number_that_the_source_does_not_read_is_refused(source, unread):
    for flag in unread:
        with pytest.raises(InputError, match=f"^--{flag} does nothing with --dataset="):
            configured(*source, f"--{flag}")


@pytest.mark.parametrize(
    ("others", "unread", "why"),  # the first of `others` makes it so
    [
        (("--image_r1_weight=0",), "image_r1_every=2", "--image_r1_weight=0"),
        (("--image_anti_labeler_weight=0",), "image_anti_labeler_decay=9", "--image_anti_labeler_weight=0"),
        (("--image_additivity=0",), "image_sums=relative", "--image_additivity=0"),
        (("--nobegan_third_margin", "--image_model=causal_began"), "began_gamma3=.3", "--nobegan_third_margin"),
        (("--nobegan_third_margin", "--image_model=causal_began"), "began_lambda3=.3", "--nobegan_third_margin"),
        (("--image_model=causal_began",), "image_label_deviation=.1", "--image_model=causal_began"),
        (("--channels=1", *FOLDER), "image_augment=cutout,saturation", "--channels=1"),
        (
            ("--image_discriminator_rows=data", "--noimage_discriminator_labels"),
            "image_additivity=9",
            "--image_discriminator_rows=data",
        ),
    ],
)
def test_a_number_of_images_that_other_flags_leave_unread_is_refused(others, unread, why):
    name = unread.partition("=")[0]
    with pytest.raises(InputError, match=f"^--{name}=.* does nothing with {why}"):
        configured(*others, f"--{unread}")
    configured(*others[1:], f"--{unread}")


def test_what_is_read_is_accepted():
    assert configured(*WASSERSTEIN, "--controller_critic_steps=20").controller.critic_steps == 20
    assert configured(*IMPLICIT, "--controller_critic_order=3", "--controller_noise_size=9").controller.noise_size == 9
    assert configured(*FOLDER, "--crop_size=108", "--test_images=5").data.crop_size == 108
    assert configured(*TABLE, "--image_size=64", "--channels=1", "--train_images=20000").data.image_size == 64


def test_a_run_that_was_begun_with_a_flag_that_does_nothing_goes_on(tmp_path):
    config = RunConfig(controller=ControllerConfig(critic_width=8))
    config.save(tmp_path)
    assert RunConfig.load(tmp_path) == config
    assert train.run_config(parsed(train, "--controller_critic_width=8"), tmp_path) == config


# presets


@pytest.mark.parametrize("preset", PRESETS, ids=lambda path: path.stem)
def test_a_preset_is_a_valid_configuration(preset):
    assert isinstance(configured(f"--flagfile={preset}"), RunConfig)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda path: path.stem)
def test_the_flags_that_a_configuration_names_make_it_anew(preset):
    config = configured(f"--flagfile={preset}", "--seed=3")
    assert configured(*config.flags()) == config


def test_a_preset_says_nothing_twice():
    for preset in PRESETS:
        lines = [line.split("=")[0] for line in preset.read_text().splitlines() if line.startswith("--")]
        assert len(lines) == len(set(lines)), preset


def test_a_later_flag_overrides_the_preset():
    preset = f"--flagfile={ROOT / 'flags' / 'labels_paper.flags'}"
    assert configured(preset).controller.layers == 6
    assert configured(preset, "--controller_layers=2").controller.layers == 2


def test_the_papers_controller_is_the_same_in_the_papers_presets():
    names = ("labels_paper", "paper_causalgan", "paper_causalbegan")
    labels, *images = (configured(f"--flagfile={ROOT / 'flags' / name}.flags") for name in names)
    assert [config.controller for config in images] == [labels.controller] * 2
    assert (labels.controller.learning_rate, labels.controller.critic_steps, labels.controller.ema) == (8e-5, 20, 0.0)
    assert (labels.controller.critic_order, labels.controller.distinct_rows) == (1, 0)


# paths


def test_a_path_of_every_flag_may_begin_with_the_users_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "g.txt").write_text("Old -> Ill")
    (tmp_path / "q.txt").write_text("P(A=1)\n")
    assert load_graph("~/g.txt") == load_graph("Old -> Ill")
    assert query.read_queries(common.folder(parsed(query, "--file=~/q.txt"), "file")) == ["P(A=1)"]
    paths = ["--graph=~/g.txt", "--labels_file=~/rows.csv", "--image_dir=~/photos", "--data_dir=~/data"]
    data = absolute(configured("--dataset=folder", *paths)).data
    names = (data.graph, data.labels_file, data.image_dir, data.data_dir)
    assert names == tuple(f"{tmp_path}/{name}" for name in ("g.txt", "rows.csv", "photos", "data"))


def test_a_folder_of_nobody_is_no_file():
    with pytest.raises(InputError, match="is no known name, no file"):
        load_graph("~nobody_of_this_name/g")
    assert absolute(configured(*TABLE, "--labels_file=~nobody_of_this_name/g")).data.labels_file.endswith("_name/g")


def test_the_help_says_in_what_steps_candidates_are_drawn():
    step = label_sampler.CHUNK * label_sampler.CHUNKS
    assert f"in steps of {step:,};" in parsed(sample)["max_draws"].help


# runs that are there already


def test_without_flags_about_the_run_its_own_configuration_is_continued(run_folder):
    assert train.run_config(parsed(train, "--stages=controller"), run_folder) == RunConfig.load(run_folder)


def test_with_a_flag_about_the_run_the_flags_are_the_configuration(run_folder):
    assert train.run_config(parsed(train, "--seed=4"), run_folder) == RunConfig(seed=4)


def test_a_run_of_another_configuration_is_refused_with_what_differs(run_folder):
    data = RunConfig.load(run_folder).data
    arguments = ["--dataset=table", "--graph=A -> B", f"--labels_file={data.labels_file}", "--controller_steps=200"]
    values = parsed(train, f"--workdir={run_folder}", *arguments, "--seed=3", "--controller_width=7")
    with pytest.raises(InputError, match="controller.width: 24 -> 7") as refused:
        train.main(values)
    assert "steps" not in str(refused.value)
    assert RunConfig.load(run_folder).controller.width == 24


# what is refused before TensorFlow is imported


@pytest.mark.parametrize(
    ("program", "arguments", "said"),
    [
        ("train", [], "--workdir is missing"),
        ("train", ["--workdir=x", "--controler_steps=3"], "'controler_steps'. Did you mean: controller_steps"),
        ("train", ["--workdir=x", "faces"], "unexpected argument 'faces'"),
        ("train", ["--workdir=x", "--flagfile=nowhere.flags"], "nowhere.flags"),
        (
            "train",
            ["--workdir=x", "--dataset=celeba"],
            r"--dataset=celeba: .*morpho_digits\|colored_digits\|folder\|celeb_a\|table",
        ),
        ("train", ["--workdir=x", "--stages=labels"], "--stages=labels"),
        ("train", ["--workdir=x", "--strategy=multi"], "--strategy=multi"),
        ("train", ["--workdir=x", "--controller_steps=-1"], "--controller_steps=-1"),
        ("train", ["--workdir=x", "--controller_steps=many"], "--controller_steps=many"),
        ("train", ["--workdir=x", "--image_mix_single=1.5"], "--image_mix_single=1.5.*0.0, 1.0"),
        ("train", ["--workdir=x", "--image_size=512"], "--image_size=512.*16, 256"),
        ("train", ["--workdir=x", "--image_size=48"], "image_size: expected a power of two, got 48"),
        ("train", ["--workdir=x", "--dataset=table"], "dataset=table needs --labels_file"),
        ("train", ["--workdir=x", "--graph=causal_graph1"], "Did you mean 'causal_graph_1'"),
        ("train", ["--workdir=x", "--graph=A -> B -> A"], "A -> B -> A"),
        ("train", ["--workdir=x", "--logical_devices=2"], "needs --strategy=mirrored"),
        ("train", ["--workdir=x", "--seed=-1"], "--seed=-1"),
        ("sample", ["--workdir=x"], "--out is missing"),
        ("sample", ["--workdir=/no/run", "--out=x"], "/no/run holds no run"),
        ("sample", ["--workdir=x", "--out=x", "--n=0"], "--n=0"),
        ("evaluate", ["--workdir=/no/run"], "/no/run holds no run"),
        ("evaluate", ["--workdir=x", "--images=5"], "--images=5"),
        ("export", ["--workdir=x"], "--export_dir is missing"),
        ("export", ["--workdir=/no/run", "--export_dir=x"], "/no/run holds no run"),
        ("explore", [], "expected --workdir or --server"),
        ("explore", ["--workdir=x", "--server=http://host"], "expected --workdir or --server"),
        ("explore", ["--workdir=/no/run"], "/no/run holds no run"),
        ("explore", ["--server=http://127.0.0.1:9/v1/models/m"], "no server answers"),
        ("explore", ["--port=65536", "--workdir=x"], "--port=65536"),
    ],
)
def test_wrong_input_is_refused_before_tensorflow_starts(no_tensorflow, program, arguments, said):
    with pytest.raises(InputError, match=said):
        PROGRAMS[program].main(parsed(PROGRAMS[program], *arguments))


def test_a_malformed_cluster_is_refused_before_tensorflow_starts(no_tensorflow, monkeypatch, tmp_path):
    monkeypatch.setenv("TF_CONFIG", '{"cluster": {"worker": ["host1"]}, "task": {"type": "worker", "index": 0}}')
    with pytest.raises(InputError, match="TF_CONFIG: 'host1' is no address. Expected host:port"):
        train.main(parsed(train, f"--workdir={tmp_path / 'run'}", "--strategy=multi_worker"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--do=C=1"], "no node 'C'.*Nodes: A, B"),
        (["--do=A=2"], "do A=2: expected 0 or 1"),
        (["--do=A"], "'A': expected name=value, such as Mustache=1,Young=0"),
        (["--do=A=1", "--given=A=0"], "'A' is in do and in given"),
        (["--do=A=1", "--compare=A=1"], "'A' is in do and in given"),
        (["--compare=A=1", "--noimages"], "--compare draws images"),
        (["--do=A="], "'A=': expected name=value"),
        (["--given=A=0..1"], r"given A=\(0.0, 1.0\): expected 0 or 1"),
        (["--picture=portrait"], "--picture=portrait: .*interpolation"),
        (["--label=A"], "--label=A says what a picture is about: it needs --picture"),
        (["--picture=given", "--label=A,C"], "no node 'C'.*Nodes: A, B"),
        (["--picture=switched", "--label=A", "--do=A=1"], "'A' is in do, so a switched picture cannot change it"),
        (["--picture=diversity", "--label=A"], "diversity is about no label"),
        (["--picture=all", "--noimages"], "--picture draws images"),
        (["--picture=all", "--compare=A=1"], "--compare and --picture do not go together"),
    ],
)
def test_a_wrong_query_is_refused_before_tensorflow_starts(no_tensorflow, run_folder, arguments, said):
    with pytest.raises(InputError, match=said):
        sample.main(parsed(sample, f"--workdir={run_folder}", "--out=x", *arguments))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--do=Smoke=nevr"], "do Smoke='nevr': expected one of never, now. Did you mean 'never'"),
        (["--do=Age=old"], "do Age='old': expected a finite number"),
        (["--given=Age=30"], "given Age=30: expected an interval, such as Age=20..30"),
        (["--compare=Smoke=now,Age=30"], "started"),
        (["--compare=Age=20..30"], "do Age=.20.0, 30.0.: expected a finite number"),
        (["--picture=all"], "started"),
        (["--do=Smoke=now,Age=30", "--given=A=1"], "started"),
        (["--given=Age=20..30,Smoke=now"], "started"),
    ],
)
def test_a_query_is_held_against_the_kinds_that_the_run_has_kept(monkeypatch, run_folder, arguments, said):
    def start():
        raise InputError("started")

    monkeypatch.setattr(common, "start_tensorflow", start)
    config = RunConfig.load(run_folder)
    config = dataclasses.replace(config, data=dataclasses.replace(config.data, graph="A -> Smoke; Age"))
    config.save(run_folder)
    kinds = {"Smoke": Categorical(("never", "now")), "Age": Continuous(mean=40.0, std=9.0)}
    graph = load_graph(config.data.graph)
    run_graph.RunGraph(graph.with_variables(kinds), graph).save(run_folder)
    with pytest.raises(InputError, match=said):
        sample.main(parsed(sample, f"--workdir={run_folder}", "--out=x", *arguments))


# what the user sees


def test_a_run_of_a_table_is_not_told_to_train_images(no_tensorflow, run_folder, tmp_path):
    Image.new("RGB", (32, 32)).save(tmp_path / "image.png")
    arguments = [f"--workdir={run_folder}", "--out=x", f"--counterfactual={tmp_path / 'image.png'}", "--do=A=1"]
    with pytest.raises(InputError, match=r"has no images. It is of a table \(dataset=table\).* Ask for labels alone"):
        sample.main(parsed(sample, *arguments))


def test_an_image_that_is_no_square_is_not_answered_with_flags_of_another_program(no_tensorflow, run_folder, tmp_path):
    Image.new("RGB", (30, 20)).save(tmp_path / "image.png")
    (tmp_path / "text.png").write_text("no image")
    for name, words in {"image": "has 30 x 20 pixels: expected a square", "text": "cannot be read as an image"}.items():
        arguments = [f"--workdir={run_folder}", "--out=x", f"--counterfactual={tmp_path / name}.png", "--do=A=1"]
        with pytest.raises(
            InputError, match=rf"{words}.*\. Expected a PNG or JPEG file with a square image: make"
        ) as told:
            sample.main(parsed(sample, *arguments))
        assert "crop_size" not in str(told.value) and "labels" not in str(told.value)


def test_an_error_of_the_user_is_one_line_and_exit_status_2():
    done = command("-m", "causalgan_tf.cli.train", "--workdir=x", "--controler_steps=3")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("error: Unknown command line flag 'controler_steps'. Did you mean: controller_steps")


def test_a_workdir_that_is_no_folder_is_an_error_of_the_user(tmp_path):
    (tmp_path / "file").write_text("")
    code = "import pathlib, sys; from causalgan_tf.cli import common; "
    code += "common.run(lambda values: None, lambda values: pathlib.Path(sys.argv[0]).mkdir())"
    code = f"import sys; sys.argv = [{str(tmp_path / 'file')!r}]; " + code
    done = command("-c", code)
    assert (done.returncode, done.stderr) == (2, f"error: {tmp_path / 'file'}: File exists.\n")


def test_an_interrupt_says_how_to_go_on_and_exits_with_130():
    code = (
        "from causalgan_tf.cli import common\n"
        "def main(values): raise KeyboardInterrupt\n"
        "common.run(lambda values: None, main, 'the same command resumes')"
    )
    done = command("-c", code)
    assert (done.returncode, done.stderr) == (130, "interrupted; the same command resumes\n")


@pytest.mark.parametrize("program", PROGRAMS)
def test_help_fits_a_screen_and_explains_the_program_and_the_flags_that_matter(program):
    done = command("-m", f"causalgan_tf.cli.{program}", "--help")
    words = " ".join(done.stdout.split())
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) <= 60
    assert f"causalgan-{program} --" in words
    shown = sum(train.GROUPS.values(), ()) if program == "train" else parsed(PROGRAMS[program])
    for name in shown:
        assert f"--{name}: " in words or f"--[no]{name}: " in words


@pytest.mark.parametrize("program", [*PROGRAMS.values(), graph])
def test_the_help_of_every_flag_is_at_most_120_characters_long(program):
    declared = parsed(program)
    # absl puts the legal strings in front
    texts = {name: declared[name].help.rpartition(">: ")[2] for name in declared}
    assert not {name: len(text) for name, text in texts.items() if len(text) > 120}


def test_a_program_says_that_it_starts_tensorflow(capsys):
    common.start_tensorflow()
    assert capsys.readouterr().err.startswith("Starting TensorFlow")


def test_help_states_unit_default_and_range():
    words = " ".join(command("-m", "causalgan_tf.cli.train", "--helpfull").stdout.split())
    said = "--controller_batch_size: label rows a step, over all replicas; 1,024 by likelihood, 256 by WGAN-GP (integer"
    assert f"{said} >= 2)" in words


# what is written


def drawn(n: int, images: bool = True) -> SimpleNamespace:
    """n rows of A = 0, 1, 0, ... and B = 0, with images whose grey is the row's number."""
    labels = pd.DataFrame({"A": np.arange(n) % 2, "B": 0}, dtype=np.int8)
    pixels = np.broadcast_to(np.arange(n, dtype=np.uint8)[:, None, None, None], [n, 16, 16, 3])
    return SimpleNamespace(labels=labels, images=pixels if images else None, seeds=np.arange(n) + 2**52)


def test_a_draw_is_a_table_a_grid_and_one_file_an_image(tmp_path):
    sample.write(drawn(5), OutputFolder(tmp_path / "out"))
    rows = [f"{row % 2},0,{2**52 + row}" for row in range(5)]
    assert (tmp_path / "out" / "labels.csv").read_text().splitlines() == ["A,B,seed", *rows]
    names = sorted(path.name for path in (tmp_path / "out" / "images").iterdir())
    assert names == [f"0000{row}.png" for row in range(5)]
    with Image.open(tmp_path / "out" / "images" / "00003.png") as single:
        assert np.array_equal(single, np.full([16, 16, 3], 3))
    with Image.open(tmp_path / "out" / "images.png") as grid:
        assert grid.size == (3 * 64 + 4, 2 * 64 + 2)


def test_a_table_names_the_categories(tmp_path):
    graph = load_graph("Smoke; Age").with_variables({"Smoke": Categorical(("never", "now")), "Age": Continuous()})
    labels = label_frame(graph, np.array([[1, 40.5], [0, 0.1]], np.float32))
    sample.write(SimpleNamespace(labels=labels, images=None, seeds=np.array([7, 8])), OutputFolder(tmp_path))
    assert (tmp_path / "labels.csv").read_text() == "Smoke,Age,seed\nnow,40.5,7\nnever,0.1,8\n"


def test_the_seeds_of_a_drawn_table_are_no_label_when_it_is_read_back(tmp_path):
    sample.write(drawn(40, images=False), OutputFolder(tmp_path))
    graph = load_graph("A; B")
    assert read_labels(tmp_path / "labels.csv", graph).rows["A"].tolist() == [0, 1] * 20
    frame = pd.read_csv(tmp_path / "labels.csv")
    assert table_from_frame(frame, graph).rows.columns.tolist() == ["A", "B"]


def test_a_label_called_seed_keeps_its_name_beside_the_seeds_of_the_rows(tmp_path):
    labels = pd.DataFrame({"seed": [1, 0]})
    sample.write(SimpleNamespace(labels=labels, images=None, seeds=np.array([7, 8])), OutputFolder(tmp_path))
    assert (tmp_path / "labels.csv").read_text() == "seed,row_seed\n1,7\n0,8\n"


def test_a_draw_replaces_an_earlier_one(tmp_path):
    sample.write(drawn(5), OutputFolder(tmp_path))
    sample.write(drawn(2), OutputFolder(tmp_path))
    assert sorted(path.name for path in (tmp_path / "images").iterdir()) == ["00000.png", "00001.png"]
    sample.write(drawn(3, images=False), OutputFolder(tmp_path))
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()) == [
        "causalgan-files",
        "labels.csv",
    ]


NOTHING = dict.fromkeys(("tvd", "do", "marginals", "pairs", "mmd", "lost_values", "thin_cells", "do_support"))


def test_the_headlines_of_an_evaluation():
    numbers = {
        "labels": NOTHING
        | {
            "tvd": 0.0122,
            "tvd_floor": 0.005,
            "do": {"mean_tvd": 0.01, "max_tvd": 0.03, "worst": "do(A=1)"},
            "lost_values": {"count": 3},
            "thin_cells": {"below": 30, "count": 7, "of": 1_200},
            "do_support": {"below": 2, "count": 18},
            "queries": [{"query": "P(A=1|B=1)", "model": 0.25, "truth": None}],
        },
        "images": {
            "effectiveness": {"do": {"mean": 0.985}},
            "continuous": {"Age": {"sd": 10.0, "judge": {"do": 2.5}, "measured": None}},
        },
        "timing": {"total_s": 250.4},
    }
    assert list(evaluate.headlines(numbers)) == [
        "labels: TVD 0.0122 to the data, of which sampling alone makes 0.0050",
        "labels under do(X=x): mean TVD 0.0100, largest 0.0300 at do(A=1)",
        "3 values are lost: the model gives them less than a tenth of the data's share",
        "2 of 18 single interventions have little support in the data",
        "7 of 1,200 settings of a label's parents have fewer than 30 rows: a guess is learnt there",
        "P(A=1|B=1): 0.2500, truth unknown",
        "images: 98.5% of those under do(X=x) show X=x to the judge",
        "images under do(Age=x): 2.5 (0.25 sd) off, by the judge",
        "time of all phases: 250 s",
    ]


def test_the_headlines_of_labels_that_cannot_be_enumerated():
    alone = {"worst": "A", "max_error": 0.012, "worst_continuous": "B", "max_wasserstein_sd": 0.05}
    pairs = {"mean_error": 0.001, "max_error": 0.02, "worst": "A=1, C=never"}
    mmd = {"mmd2": 0.0004, "band": 0.0012}
    labels = NOTHING | {"marginals": alone, "pairs": pairs, "mmd": mmd, "queries": []}
    assert list(evaluate.headlines({"labels": labels, "timing": {"total_s": 1.0}})) == [
        "each label alone: largest error of a probability 0.0120 at A",
        "each continuous label alone: largest Wasserstein-1 distance 0.0500 sd at B",
        "labels two by two: mean error of a probability 0.00100, largest 0.0200 at A=1, C=never",
        "all labels: MMD^2 0.00040; of two sets of real rows 95 % are below 0.00120",
        "time of all phases: 1 s",
    ]
