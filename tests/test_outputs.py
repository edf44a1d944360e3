"""What the programs write, and what they leave alone: the files of the user, half a version, a full disk."""

import functools
import os
import pathlib
import resource
import shutil
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from absl import flags
from processes import killed_and_running

from causalgan_tf.cli import common, evaluate, graph, sample
from causalgan_tf.config.run import ControllerConfig, DataConfig, RunConfig
from causalgan_tf.errors import InputError, brief
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.inference import export, warmup
from causalgan_tf.reporting import gallery, report
from causalgan_tf.runs import run_folder as runs
from causalgan_tf.system import locks
from causalgan_tf.system.outputs import LIST, OutputFolder, check_folder, write_file

ROOT = pathlib.Path(__file__).parents[1]
PROGRAMS = {"sample": sample, "evaluate": evaluate, "graph": graph}


def drawn(n: int, images: bool = True) -> SimpleNamespace:
    """n rows of one label, with grey images."""
    pixels = np.full([n, 16, 16, 3], 7, np.uint8)
    labels = pd.DataFrame({"A": np.zeros(n, int)})
    return SimpleNamespace(labels=labels, images=pixels if images else None, seeds=np.arange(n))


def content(folder: pathlib.Path) -> dict[str, bytes]:
    """Every file below a folder but the list of its files."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != LIST)
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def main(program: str, *arguments: object) -> None:
    """Runs a program in this process."""
    values = flags.FlagValues()
    PROGRAMS[program].declare(values)
    PROGRAMS[program].main(common.parse([program, *map(str, arguments)], values))


@pytest.fixture
def run_folder(tmp_path, monkeypatch) -> pathlib.Path:
    """The folder of a run over A -> B with images; a program that starts TensorFlow fails."""

    def start():
        raise AssertionError("TensorFlow was started.")

    monkeypatch.setattr(common, "start_tensorflow", start)
    folder = tmp_path / "run"
    (folder / "images").mkdir(parents=True)
    (folder / "images" / "checkpoint").write_text("")
    data = DataConfig(dataset="table", graph="A -> B", labels_file=str(tmp_path / "rows.csv"))
    RunConfig(data, ControllerConfig(steps=100)).save(folder)
    return folder


# a folder of outputs


@pytest.mark.parametrize("name", ["labels.csv", "images.png", "compare.png", "images/00001.png", "images/5.png"])
def test_a_draw_of_labels_leaves_the_users_files_alone(tmp_path, name):
    mine = tmp_path / name
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("mine")
    try:
        sample.write(drawn(3, images=False), OutputFolder(tmp_path))
    except InputError as error:
        assert name == "labels.csv" and "labels.csv" in str(error) and "--overwrite" in str(error)
    assert mine.read_text() == "mine"


@pytest.mark.parametrize("name", ["labels.csv", "images.png", "images/00001.png"])
def test_a_file_of_the_users_in_the_way_is_refused_before_anything_is_written(tmp_path, name):
    mine = tmp_path / name
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("mine")
    with pytest.raises(InputError, match=f"did not write.*{name}.*--overwrite"):
        sample.write(drawn(3), OutputFolder(tmp_path))
    assert content(tmp_path) == {name: b"mine"}


def test_overwrite_replaces_what_is_in_the_way_and_nothing_else(tmp_path):
    (tmp_path / "images").mkdir()
    for name in ("images/00001.png", "images/00007.png", "notes.txt"):
        (tmp_path / name).write_text("mine")
    sample.write(drawn(3), OutputFolder(tmp_path, overwrite=True))
    kept = content(tmp_path)
    assert kept["images/00001.png"].startswith(b"\x89PNG")
    assert kept["images/00007.png"] == kept["notes.txt"] == b"mine"


def test_a_file_that_was_edited_since_is_the_users(tmp_path):
    sample.write(drawn(3), OutputFolder(tmp_path))
    (tmp_path / "images" / "00002.png").write_text("mine")
    sample.write(drawn(2), OutputFolder(tmp_path))  # which the earlier draw's third image would go by
    assert (tmp_path / "images" / "00002.png").read_text() == "mine"
    with pytest.raises(InputError, match="images/00002.png"):
        sample.write(drawn(3), OutputFolder(tmp_path))


def test_a_draw_leaves_earlier_pictures_alone_and_removes_its_own_images(tmp_path):
    sample.write_image(OutputFolder(tmp_path), "given_A.png", gallery.strips({"a": drawn(2).images}, 2, 1))
    sample.write(drawn(5), OutputFolder(tmp_path))
    sample.write(drawn(1), OutputFolder(tmp_path))
    assert sorted(content(tmp_path)) == ["given_A.png", "images.png", "images/00000.png", "labels.csv"]


def test_a_link_of_the_users_is_never_written_through(tmp_path):
    target = tmp_path / "data.csv"
    target.write_text("mine")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "labels.csv").symlink_to(target)
    with pytest.raises(InputError, match="labels.csv"):
        sample.write(drawn(1), OutputFolder(tmp_path / "out"))
    sample.write(drawn(1), OutputFolder(tmp_path / "out", overwrite=True))
    assert target.read_text() == "mine"


def test_a_list_that_names_files_elsewhere_removes_nothing(tmp_path):
    folder = OutputFolder(tmp_path / "out")
    folder.write("a.csv", lambda file: file.write(b"x"))
    folder.finish()
    (tmp_path / "b.csv").write_bytes(b"x")
    named = tmp_path / "out" / LIST
    named.write_text(named.read_text().replace("a.csv", "../b.csv"))
    OutputFolder(tmp_path / "out").finish(["*"])
    assert (tmp_path / "b.csv").exists() and (tmp_path / "out" / "a.csv").exists()


def test_a_file_of_the_user_named_as_the_list_is_refused(tmp_path):
    (tmp_path / LIST).write_text("mine")
    with pytest.raises(InputError, match="not the list"):
        OutputFolder(tmp_path)


def test_a_folder_where_a_file_is_to_be_is_refused_even_when_overwriting(tmp_path):
    (tmp_path / "labels.csv").mkdir()
    with pytest.raises(InputError, match="folders.*labels.csv"):
        OutputFolder(tmp_path, overwrite=True).claim(["labels.csv"])


def test_a_write_that_fails_leaves_the_earlier_file_and_nothing_else(tmp_path):
    folder = OutputFolder(tmp_path)
    folder.write("a", lambda file: file.write(b"first"))

    def fail(file):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(InputError, match="a cannot be written: No space left on device"):
        folder.write("a", fail)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", LIST]
    assert (tmp_path / "a").read_bytes() == b"first"


def test_a_report_of_the_users_is_refused_before_the_evaluation(run_folder):
    (run_folder / "report").mkdir()
    (run_folder / "report" / "report.html").write_text("mine")
    with pytest.raises(InputError, match=r"report.html.*--overwrite"):
        main("evaluate", f"--workdir={run_folder}")
    with pytest.raises(InputError, match=r"report.html.*--overwrite"):
        report.write_report(run_folder, {}, {})
    assert content(run_folder / "report") == {"report.html": b"mine"}


@pytest.mark.parametrize("picture", [(), ("--picture=switched", "--label=A")])
def test_the_program_refuses_the_users_files_before_tensorflow_starts(run_folder, tmp_path, picture):
    names = ["switched_A.png"] if picture else ["images/00001.png", "labels.csv"]
    (tmp_path / "out" / "images").mkdir(parents=True)
    for name in names:
        (tmp_path / "out" / name).write_text("mine")
    with pytest.raises(InputError, match=names[0]):
        main("sample", f"--workdir={run_folder}", f"--out={tmp_path / 'out'}", *picture)
    assert set(content(tmp_path / "out").values()) == {b"mine"}


# one file


@pytest.mark.parametrize("name", ["graph.svg", "graph.png", "graph.txt", "graph.json", "graph"])
def test_a_file_that_is_there_is_replaced_only_when_told_to(tmp_path, capsys, name):
    out = tmp_path / name
    out.write_text("mine")
    with pytest.raises(InputError, match="is there already.*--overwrite"):
        main("graph", "--graph=A -> B", f"--out={out}")
    assert out.read_text() == "mine" and not capsys.readouterr().out
    main("graph", "--graph=A -> B", f"--out={out}", "--overwrite")
    written = out.read_bytes()
    main("graph", "--graph=A -> B", f"--out={out}")  # the same command again
    assert out.read_bytes() == written != b"mine" and os.listdir(tmp_path) == [name]


# places that cannot be written


def places(tmp_path: pathlib.Path) -> dict[str, pathlib.Path]:
    """Folders that nobody can write."""
    (tmp_path / "file").write_text("")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere" / "else")
    return {
        "proc": pathlib.Path("/proc/out"),
        "file": tmp_path / "file",
        "below a file": tmp_path / "file" / "out",
        "dangling": tmp_path / "dangling",
        "below dangling": tmp_path / "dangling" / "out",
        "long": tmp_path / ("x" * 300),
        "long below new": tmp_path / "new" / ("x" * 300) / "out",
        "long path": tmp_path.joinpath(*["x" * 200] * 30),
    }


PLACES = ["proc", "file", "below a file", "dangling", "below dangling", "long", "long below new", "long path"]


@pytest.mark.parametrize("place", PLACES)
def test_a_place_that_cannot_be_written_is_one_short_message(run_folder, tmp_path, place):
    path = places(tmp_path)[place]
    before = sorted(tmp_path.rglob("*"))
    for write in (
        lambda: check_folder(path),
        lambda: OutputFolder(path).claim(["labels.csv"]),
        lambda: write_file(path / "a" / "graph.svg", b""),
        lambda: main("sample", f"--workdir={run_folder}", f"--out={path}"),
        lambda: main("graph", "--graph=A -> B", f"--out={path}/graph.svg"),
    ):
        with pytest.raises(InputError, match="cannot be") as refused:
            write()
        assert len(str(refused.value)) <= 300
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("error", ["OSError(28, 'No space left on device', 'x')", "OSError(27, 'File too large')"])
def test_what_the_operating_system_says_is_one_line_without_a_traceback(error):
    code = (
        f"def main(values): raise {error}\nfrom causalgan_tf.cli import common\ncommon.run(lambda values: None, main)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 2 and done.stderr.startswith("error: ") and done.stderr.count("\n") == 1


def test_a_limit_on_the_size_of_files_is_a_message_and_leaves_no_half_file(tmp_path):
    line = [sys.executable, "-m", "causalgan_tf.cli.graph", "--graph=causal_graph_1", f"--out={tmp_path / 'graph.png'}"]
    limit = functools.partial(resource.setrlimit, resource.RLIMIT_FSIZE, (100, 100))
    environment = {**os.environ, "MPLCONFIGDIR": str(tmp_path / "matplotlib"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        line, capture_output=True, text=True, cwd=ROOT, preexec_fn=limit, env=environment, check=False
    )
    assert done.returncode == 2 and "cannot be written: File too large" in done.stderr.splitlines()[-1]
    assert not list(tmp_path.glob("*graph*"))


def test_any_value_is_said_in_a_few_characters():
    assert brief(10**5000) == "an integer of thousands of digits"
    assert len(brief("x" * 1_000)) <= 140 and brief("short") == "short"


# versions for a server


def saved(folder: pathlib.Path) -> None:
    folder.mkdir()
    (folder / "saved_model.pb").write_text("")


def test_a_version_is_there_as_a_whole_or_not_at_all(tmp_path):
    def halfway(folder):
        saved(folder)
        assert not [path for path in tmp_path.iterdir() if path.name.isdigit()]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export.write_version(tmp_path, halfway)
    assert not list(tmp_path.iterdir())
    assert export.write_version(tmp_path, saved) == tmp_path / "1"


def test_what_a_killed_export_left_is_removed_and_what_a_running_one_writes_is_not(tmp_path):
    code = (
        "import pathlib, sys; from causalgan_tf.system.locks import work_folder\n"
        f"with work_folder(pathlib.Path(sys.argv[1]), {export.PARTIAL!r}) as folder:\n"
        "    (folder / 'a').touch(); print(folder, flush=True); input()"
    )
    with killed_and_running(code, tmp_path) as (left, running, second):
        assert (left / "a").exists()
        export.write_version(tmp_path, saved)
        assert not left.exists() and (running / "a").exists()
        second.communicate("\n")
    assert second.returncode == 0 and [path.name for path in tmp_path.iterdir()] == ["1"]


def test_a_work_folder_is_made_anew_if_another_export_takes_it_before_it_is_locked(tmp_path, monkeypatch):
    lock, stolen = locks.lock, []

    def late(descriptor, wait=False):
        if not stolen:
            stolen.extend(tmp_path.iterdir())
            shutil.rmtree(stolen[0])
        return lock(descriptor, wait)

    monkeypatch.setattr(locks, "lock", late)
    with locks.work_folder(tmp_path, ".work.") as folder:
        assert folder.is_dir() and folder not in stolen and len(stolen) == 1
    assert not list(tmp_path.iterdir())


def test_where_the_system_knows_no_locks_nothing_is_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "lock", lambda descriptor, wait=False: None)
    (tmp_path / ".work.left").mkdir()
    with locks.work_folder(tmp_path, ".work.") as folder:
        assert folder.is_dir()
    assert [path.name for path in tmp_path.iterdir()] == [".work.left"]


def test_warm_up_requests_do_not_bring_back_a_folder_that_was_removed(tmp_path):
    with pytest.raises(FileNotFoundError):
        warmup.write(tmp_path / "gone", {})
    assert not (tmp_path / "gone").exists()


@pytest.mark.parametrize(
    ("names", "version"),
    [([], 1), (["1", "²"], 2), (["٣"], 1), (["007"], 8), (["9" * 200], 1), (["1", "1.5", "-3", "2x"], 2)],
)
def test_versions_are_folders_of_ascii_digits(tmp_path, names, version):
    for name in names:
        (tmp_path / name).mkdir()
    assert export.next_version(tmp_path) == version


def test_two_exports_at_once_get_two_versions(tmp_path):
    def overtaken(folder):
        saved(folder)
        if not (tmp_path / "1").exists():
            export.write_version(tmp_path, saved)

    assert export.write_version(tmp_path, overtaken) == tmp_path / "2"


def test_pictures_of_labels_have_the_names_that_were_checked():
    sky = CausalGraph.from_text("A -> B")
    kinds = tuple(gallery.KINDS)
    names = sample.picture_files(sky, kinds, (), {}, {})
    assert {"diversity.png", "counterfactual.png", "given_A.png", "do_given_B.png"} <= set(names)
    assert set(names) <= set(evaluate.report_files(sky))


# before TensorFlow starts


def test_a_full_folder_of_temporary_files_is_a_message():
    limit = functools.partial(resource.setrlimit, resource.RLIMIT_FSIZE, (1_000, 1_000))
    code = (
        "from causalgan_tf.cli import common; common.run(lambda values: None, lambda values: common.check_temporary())"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", code], capture_output=True, text=True, cwd=ROOT, preexec_fn=limit, check=False
    )
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: Temporary files cannot be written: File too large.")


@pytest.mark.parametrize("level", [None, "3"])
def test_tensorflow_starts_silently_whether_the_user_asks_for_it_or_not(level):
    environment = {name: value for name, value in os.environ.items() if name != common.LOG_LEVEL}
    environment |= {common.LOG_LEVEL: level} if level else {}
    code = "from causalgan_tf.cli import common; common.start_tensorflow()"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env=environment, check=True
    )
    assert (done.stdout, done.stderr) == ("", "Starting TensorFlow ...\n")


def test_a_folder_with_kinds_of_labels_and_no_run_is_no_place_for_one(tmp_path):
    (tmp_path / "variables.json").write_text("mine")
    with pytest.raises(InputError, match=r"variables.json and no config.json.*choose another --workdir"):
        runs.Run.create(tmp_path, RunConfig())
