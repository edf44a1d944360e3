"""Sampling at scale: shards by Apache Beam hold the rows of causalgan-sample, whatever fails on the way."""

import hashlib
import io
import json
import os
import pathlib
import subprocess
import sys

import mixed as world
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from absl import flags
from PIL import Image

import causalgan_tf
from causalgan_tf import noise
from causalgan_tf.cli import common
from causalgan_tf.cli import sample as sample_program
from causalgan_tf.errors import ConditioningError, InputError
from causalgan_tf.inference.export import export_model

pytestmark = pytest.mark.extra("beam")

ROOT = pathlib.Path(__file__).parents[1]
ENGINE = "--runner=FnApiRunner"  # DirectRunner's own; DirectRunner looks for another one in the network first


@pytest.fixture(scope="module")
def tool():
    from tools.at_scale import beam_sample

    return beam_sample


@pytest.fixture(scope="module")
def models():
    """Untrained ones whose rows differ: the built-in faces, and labels of all types with grey images."""
    return {"faces": causalgan_tf.load("builtin:faces"), "mixed": world.untrained()}


@pytest.fixture(scope="module")
def exported(models, tmp_path_factory):
    return {name: export_model(model, tmp_path_factory.mktemp(name)) for name, model in models.items()}


def listed(out):
    """draw.json, whose digests are those of the files; nothing else is in the folder."""
    told = json.loads((out / "draw.json").read_text())
    for part in told["shards"]:
        assert hashlib.sha256((out / part["file"]).read_bytes()).hexdigest() == part["sha256"]
    assert {path.name for path in out.iterdir()} == {"draw.json", *(part["file"] for part in told["shards"])}
    return told


def rows_of(out):
    """The rows of all shards, in their order."""
    return pd.concat([pd.read_parquet(out / part["file"]) for part in listed(out)["shards"]], ignore_index=True)


def pixels(files):
    return np.stack([np.asarray(Image.open(io.BytesIO(file))) for file in files])


def digests(out):
    return [part["sha256"] for part in listed(out)["shards"]]


@pytest.fixture(scope="module")
def undisturbed(tool, exported, tmp_path_factory):
    """90 rows with images, in shards of 25."""
    out = tmp_path_factory.mktemp("undisturbed") / "drawn"
    tool.main([f"--model={exported['faces']}", f"--out={out}", "--n=90", "--seed=7", "--shard_rows=25", ENGINE])
    return out


def test_labels_and_images_are_those_of_causalgan_sample(models, undisturbed, tmp_path):
    models["faces"].save(tmp_path / "run")
    values = flags.FlagValues()
    sample_program.declare(values)
    common.parse(["sample", f"--workdir={tmp_path / 'run'}", f"--out={tmp_path / 'out'}", "--n=90", "--seed=7"], values)
    sample_program.main(values)
    rows, expected = rows_of(undisturbed), pd.read_csv(tmp_path / "out" / "labels.csv")
    assert len(listed(undisturbed)["shards"]) == 4
    pd.testing.assert_frame_equal(rows.drop(columns="image"), expected, check_dtype=False)
    images = np.stack([np.asarray(Image.open(tmp_path / "out" / "images" / f"{row:05}.png")) for row in range(90)])
    assert np.abs(pixels(rows["image"]).astype(int) - images).max() <= 1
    assert images.std() > 20


def test_many_labels_are_those_of_the_model(tool, models, exported, tmp_path):
    out = tmp_path / "drawn"
    tool.main([f"--model={exported['faces']}", f"--out={out}", "--n=70000", "--seed=3", "--noimages", ENGINE])
    expected = models["faces"].sample(70_000, seed=3, images=False)
    rows = rows_of(out)
    pd.testing.assert_frame_equal(rows[list(expected.labels)], expected.labels, check_dtype=False)
    np.testing.assert_array_equal(rows["seed"], expected.seeds)


def test_tfrecords_hold_the_same_rows_of_labels_of_every_type(tool, models, exported, tmp_path):
    arguments = [f"--model={exported['mixed']}", "--n=40", "--do=Place=middle", "--shard_rows=30", ENGINE]
    for form in tool.FORMATS:
        tool.main([*arguments, f"--out={tmp_path / form}", f"--format={form}"])
    rows, examples = rows_of(tmp_path / "parquet"), []
    for part in listed(tmp_path / "tfrecord")["shards"]:
        for record in tf.data.TFRecordDataset(str(tmp_path / "tfrecord" / part["file"])):
            examples.append(tf.train.Example.FromString(record.numpy()).features.feature)
    expected = models["mixed"].sample(40, do={"Place": "middle"})
    assert list(rows["Place"]) == ["middle"] * 40 == [e["Place"].bytes_list.value[0].decode() for e in examples]
    np.testing.assert_allclose(rows["Bright"], expected.labels["Bright"], rtol=1e-5)
    np.testing.assert_array_equal(rows["Bright"], np.float32([e["Bright"].float_list.value[0] for e in examples]))
    assert rows["Bright"].nunique() == 40
    assert list(rows["Frame"]) == list(expected.labels["Frame"]) == [e["Frame"].int64_list.value[0] for e in examples]
    assert list(rows["seed"]) == list(expected.seeds) == [e["seed"].int64_list.value[0] for e in examples]
    assert list(rows["image"]) == [e["image"].bytes_list.value[0] for e in examples]
    assert np.abs(pixels(rows["image"]).astype(int) - expected.images[..., 0]).max() <= 1


def test_rows_under_a_condition_meet_it_and_are_redrawn_from_their_seeds(tool, exported, tmp_path):
    out, given = tmp_path / "drawn", "--given=Frame=1,Bright=40..60"
    tool.main([f"--model={exported['mixed']}", f"--out={out}", "--n=30", "--do=Place=left", given, ENGINE])
    rows = rows_of(out)
    assert len(rows) == 30 and rows["Bright"].between(40, 60).all() and (rows["Frame"] == 1).all()
    do = np.float32([[world.GRAPH.variables["Place"].number("left"), np.nan, np.nan]])
    again = tool.Exported(str(exported["mixed"])).ask("sample", rows["seed"].to_numpy(), {"do": do})
    np.testing.assert_allclose(rows["Bright"], again["labels"][:, world.BRIGHT], rtol=1e-5)
    assert np.abs(pixels(rows["image"]).astype(int) - again["image"][..., 0]).max() <= 1


def test_a_condition_that_a_row_never_meets_is_an_error_and_no_shorter_draw(tool, exported, tmp_path):
    out = tmp_path / "drawn"
    arguments = [f"--model={exported['mixed']}", f"--out={out}", "--n=3", "--max_draws=5000", "--noimages", ENGINE]
    # between two neighbours of float32
    with pytest.raises(SystemExit, match=r"error: Row \d of the draw: none of its 8,192 candidates meets Bright=37"):
        tool.main([*arguments, "--given=Bright=37.00001..37.000011"])
    assert json.loads((out / "draw.json").read_text())["shards"] == []
    assert not list(out.glob("part-*"))


class Rarely:
    """In place of an exported model: row k of the draw meets the condition in attempt k alone, and row 3 never."""

    def __init__(self, tool):
        self.rows, self.attempts, self.row_seeds = tool.Exported.given, [], noise.row_seeds

    def ask(self, signature, seeds, inputs):
        attempt = len(self.attempts)
        all_seeds = noise.row_seeds(7, 0, 4, attempt).numpy().tolist()
        row = np.array([all_seeds.index(seed) for seed in seeds])
        self.attempts.append(row.tolist())
        labels = np.float32(row)[:, None]
        return {"accepted": row == attempt, "labels": labels, "row_seed": seeds + 1, "draws": seeds}


def test_rows_without_a_candidate_are_drawn_on_until_each_has_one(tool, exported):
    draw = tool.parsed(
        [f"--model={exported['mixed']}", "--out=none", "--n=4", "--seed=7", "--given=Frame=1", "--noimages"]
    )[0]
    model = Rarely(tool)
    seeds, labels, images = model.rows(model, draw, 0, 3)
    assert model.attempts == [[0, 1, 2], [1, 2], [2]] and images is None
    assert labels.tolist() == [[0.0], [1.0], [2.0]] and len(set(seeds.tolist())) == 3
    with pytest.raises(ConditioningError, match="Row 3 of the draw"):
        never = Rarely(tool)
        never.ask = lambda *asked: Rarely.ask(never, *asked) | {"accepted": np.zeros(len(asked[1]), bool)}
        never.rows(never, draw, 3, 1)


def test_shards_that_run_twice_and_in_another_order_are_the_same_files(tool, undisturbed, exported, tmp_path):
    out = tmp_path / "drawn"
    draw = tool.parsed([f"--model={exported['faces']}", f"--out={out}", "--n=90", "--seed=7", "--shard_rows=25"])[0]
    worker = tool.DrawShard(draw)
    worker.setup()
    for shard in (2, 0, 3, 2, 1, 0):
        (out / draw.file(shard)).unlink(missing_ok=True)  # one that is there would not be drawn again
        results = list(worker.process(shard))
        assert results == [(shard, len(draw.rows(shard)), digests(undisturbed)[shard])]


def test_bundles_that_beam_repeats_change_nothing(tool, undisturbed, exported, tmp_path):
    out = tmp_path / "drawn"
    arguments = [f"--model={exported['faces']}", f"--out={out}", "--n=90", "--seed=7", "--shard_rows=25"]
    tool.main([*arguments, ENGINE, "--direct_runner_bundle_repeat=1"])
    assert digests(out) == digests(undisturbed)


def test_a_bundle_that_fails_once_is_retried_and_changes_nothing(tool, undisturbed, exported, tmp_path, monkeypatch):
    """It fails with a part of a shard written, and another time with a whole one that Beam does not know of."""
    import apache_beam as beam

    out, failed = tmp_path / "drawn", []
    arguments = [f"--model={exported['faces']}", f"--out={out}", "--n=90", "--seed=7", "--shard_rows=25"]
    rename = tool.FileSystems.rename

    def failing(sources, targets):
        name = targets[0].rpartition("/")[2]
        kind = {"part-00001-of-00004.parquet": "before", "part-00002-of-00004.parquet": "after"}.get(name)
        if kind == "after":
            rename(sources, targets)
        if kind and kind not in failed:
            failed.append(kind)
            raise OSError("the machine was lost")
        if kind != "after":
            rename(sources, targets)

    monkeypatch.setattr(tool.FileSystems, "rename", failing)
    draw, _ = tool.parsed(arguments)
    tool.begin(draw)
    with beam.Pipeline("BundleBasedDirectRunner") as pipeline:  # of Beam's, the one that retries
        tool.sample(pipeline, draw)
    assert sorted(failed) == ["after", "before"]
    assert digests(out) == digests(undisturbed)


KILLED = """
import os, pathlib, signal, sys
from tools.at_scale import beam_sample

class Killed(beam_sample.DrawShard):
    def process(self, shard):
        if shard == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().process(shard)

beam_sample.DrawShard = Killed
beam_sample.main(sys.argv[1:])
"""


@pytest.mark.long
def test_a_draw_whose_worker_was_killed_is_continued_and_the_same(undisturbed, exported, tmp_path):
    """Two workers take two shards each: one is killed when it begins its second."""
    out, program = tmp_path / "drawn", tmp_path / "killed.py"
    program.write_text(KILLED)
    line = [f"--model={exported['faces']}", f"--out={out}", "--n=90", "--seed=7", "--shard_rows=25"]
    line += ["--runner=DirectRunner", "--direct_num_workers=2", "--direct_running_mode=multi_processing"]
    how = {"cwd": ROOT, "env": os.environ | {"PYTHONPATH": str(ROOT)}, "capture_output": True}
    assert subprocess.run([sys.executable, program, *line], **how).returncode != 0
    assert json.loads((out / "draw.json").read_text())["shards"] == []
    kept = {path: path.stat().st_mtime_ns for path in out.glob("part-*")}
    assert out / "part-00000-of-00004.parquet" in kept and out / "part-00002-of-00004.parquet" not in kept
    assert subprocess.run([sys.executable, "tools/at_scale/beam_sample.py", *line], **how).returncode == 0
    assert digests(out) == digests(undisturbed)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


def test_jobs_that_share_a_draw_give_its_rows(tool, undisturbed, exported, tmp_path):
    out = tmp_path / "drawn"
    tool.main([f"--model={exported['faces']}", f"--out={out}", "--first=60", "--n=30", "--seed=7", ENGINE])
    expected = rows_of(undisturbed)[60:].reset_index(drop=True)
    pd.testing.assert_frame_equal(rows_of(out).drop(columns="image"), expected.drop(columns="image"))


def test_the_newest_version_is_drawn_and_the_list_says_what_was_drawn(tool, undisturbed, exported, tmp_path):
    draw, _ = tool.parsed([f"--model={exported['faces'].parent}", f"--out={tmp_path}", "--n=1", "--do=Male=1"])
    assert draw.model == str(exported["faces"]) and draw.told["do"] == {"Male": 1}
    told = listed(undisturbed)
    assert told["model"] == draw.fingerprint and (told["seed"], told["n"], told["images"]) == (7, 90, True)
    with pytest.raises(RuntimeError, match="0 of 1 shards, 0 of 1 rows"):
        tool.finish([], draw)


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--n=0", r"--n: expected 1 to 4294967296, got 0"),
        ("--first=4294967290", r"--first: expected 0 to 4294967206, got 4294967290"),
        ("--seed=-1", r"--seed: expected 0 to"),
        ("--do=Hair=1", r"Hair"),
        ("--do=Bright~normal(50,1)", r"do Bright: an exported model sets labels to constants"),
        ("--given=Place={left,middle}", r"given Place: an exported model takes one value of a label"),
        ("--given=Frame=2", r"Frame=2: expected"),
        ("--model=none", r"none: no exported model is there. Write one: causalgan-export"),
        ("--sed=7", r"--sed=7: no flag of this program or of Beam. Is --seed meant"),
        ("--evidence=Frame=1", r"--evidence=Frame=1: no flag of this program or of Beam. Leave it out"),
        ("do=Frame=1", r"do=Frame=1: flags are written --NAME=VALUE. Is --do meant"),
        ("-seed=7", r"-seed=7: flags are written --NAME=VALUE. Is --seed meant"),
        ("--direct_num_worker=2", r"--direct_num_worker=2: .* Is --direct_num_workers meant"),
        ("--runner=Nowhere", r"--runner=Nowhere: .*Nowhere"),
    ],
)
def test_what_cannot_be_drawn_is_refused_and_leaves_nothing(tool, exported, tmp_path, flag, message):
    arguments = [f"--model={exported['mixed']}", f"--out={tmp_path / 'drawn'}", "--n=90", ENGINE, flag]
    with pytest.raises(SystemExit, match=f"error: .*{message}"):
        tool.main(arguments)
    assert not (tmp_path / "drawn").exists()


def test_flags_of_beam_reach_it_with_their_values(tool, exported, tmp_path):
    beams = ["--runner=FlinkRunner", "--parallelism", "4", "--region=here", "--experiments=a", "--save_main_session"]
    arguments = [f"--model={exported['mixed']}", f"--out={tmp_path}", "--n=1"]
    assert tool.parsed([*arguments, *beams])[1] == beams


def test_a_folder_that_is_not_empty_or_holds_another_draw_is_refused(tool, exported, undisturbed, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "notes.txt").write_text("mine")
    arguments = [f"--model={exported['faces']}", "--n=90", "--seed=7", "--shard_rows=25"]
    with pytest.raises(InputError, match=r"is not empty: .*notes\.txt is there. Nothing was touched"):
        tool.begin(tool.parsed([*arguments, f"--out={tmp_path}"])[0])
    assert [path.name for path in tmp_path.rglob("*")] == ["a", "notes.txt"]
    before = digests(undisturbed)
    with pytest.raises(InputError, match=r"holds another draw: seed is 7 there, and 8 here"):
        tool.begin(tool.parsed([*arguments, "--seed=8", f"--out={undisturbed}"])[0])
    with pytest.raises(InputError, match=r"holds another draw: model is"):
        tool.begin(tool.parsed([*arguments, f"--model={exported['mixed']}", f"--out={undisturbed}"])[0])
    assert digests(undisturbed) == before
    with pytest.raises(InputError, match="cannot be written"):
        tool.begin(tool.parsed([*arguments, f"--out={tmp_path / 'a' / 'notes.txt'}"])[0])


def test_launching_starts_no_tensorflow(exported):
    program = (
        "import sys; from tools.at_scale import beam_sample; beam_sample.parsed(sys.argv[1:]); "
        "sys.exit('tensorflow' in sys.modules)"
    )
    line = [sys.executable, "-c", program, f"--model={exported['faces']}", "--out=none", "--n=1"]
    assert subprocess.run(line, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}).returncode == 0
