"""The program causalgan-graph: what it says of a graph, what it draws and converts, and what it refuses."""

import pathlib
import subprocess
import sys

import pytest
from absl import flags

from causalgan_tf.cli import common, graph
from causalgan_tf.errors import InputError
from causalgan_tf.graphs.formats import read_graph
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.loading import load_graph

ROOT = pathlib.Path(__file__).parents[1]
KINDS = "Age -> Smoke; Sex; Age: continuous(0, 120); Smoke: categorical(never, former, now)"


def run(*arguments: object) -> None:
    """Runs the program with these arguments."""
    values = flags.FlagValues()
    graph.declare(values)
    graph.main(common.parse(["causalgan-graph", *map(str, arguments)], values))


def command(*arguments: str) -> subprocess.CompletedProcess:
    """Runs the program in a process of its own."""
    line = [sys.executable, "-m", "causalgan_tf.cli.graph", *arguments]
    return subprocess.run(line, capture_output=True, text=True, cwd=ROOT, check=False)


def test_the_graph_is_told_node_by_node_in_order(capsys):
    run(f"--graph={KINDS}")
    assert capsys.readouterr().out.splitlines() == [
        "Age    continuous(0, 120)",
        "Smoke  categorical(never, former, now) <- Age",
        "Sex    binary",
        "nodes: 3; edges: 1 of 3, not complete; longest path: 1",
    ]


@pytest.mark.parametrize(
    ("name", "last"),
    [
        ("causal_graph_1", "nodes: 9; edges: 14 of 36, not complete; longest path: 2"),
        ("causal_graph_1_complete", "nodes: 9; edges: 36 of 36, complete; longest path: 8"),
    ],
)
def test_the_last_line_is_about_the_whole(capsys, name, last):
    run(f"--graph={name}")
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == last
    assert [line.split()[0] for line in lines[:-1]] == list(load_graph(name).nodes)


@pytest.mark.parametrize(("name", "start"), [("a.svg", b"<?xml"), ("b.png", b"\x89PNG"), ("c.PDF", b"%PDF")])
@pytest.mark.parametrize("image", [[], ["--image"]])
def test_a_drawing_is_written_into_a_new_folder(tmp_path, capsys, name, start, image):
    out = tmp_path / "new" / name
    run("--graph=causal_graph_1", f"--out={out}", *image)
    assert out.read_bytes().startswith(start)
    assert capsys.readouterr().out.endswith(f"path: 2\n{out}\n")


@pytest.mark.parametrize("name", ["graph.txt", "graph", "graph.dot", "graph.gml", "graph.json"])
def test_a_graph_is_converted_with_its_kinds(tmp_path, name):
    run(f"--graph={KINDS}", f"--out={tmp_path / name}")
    assert read_graph(tmp_path / name) == CausalGraph.from_text(KINDS)
    run(f"--graph={tmp_path / name}", f"--out={tmp_path / 'again.json'}")
    assert read_graph(tmp_path / "again.json") == CausalGraph.from_text(KINDS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--graph is missing: causal graph: a name such as"),
        (["--graph=causal_graph1"], "Did you mean 'causal_graph_1'"),
        (["--graph=A -> B", "--out=graph.jpg"], r"--out=graph.jpg: expected a drawing, .svg, .*, or .* .dot"),
        (["--graph=A -> B", "--out=graph.dot", "--image"], "--image is about drawings"),
        (["--graph=A -> B", "--image"], "--image is about a drawing: say where to write it, such as --out=graph.svg"),
        ([f"--graph={KINDS}", "--out=graph.cg"], ".cg has no place for kinds of labels"),
        (["--graph=A -> B", "--out=graph.bif"], "a .bif file holds probabilities"),
    ],
)
def test_what_is_refused_is_refused_before_anything_is_written_or_told(
    tmp_path, monkeypatch, capsys, arguments, message
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=message):
        run(*arguments)
    assert not list(tmp_path.iterdir())
    assert not capsys.readouterr().out


def test_the_command_explains_itself_and_its_flags():
    done = command("--help")
    words = " ".join(done.stdout.split())
    assert done.returncode == 0
    assert "causalgan-graph --graph=asia.bif --out=asia.svg" in words
    assert all(f"--{name}: " in words for name in ("graph", "out")) and "--[no]image: " in words


def test_an_error_of_the_user_is_one_line_and_the_status_2(tmp_path):
    path = tmp_path / "graph.dot"
    path.write_text("digraph {\nA -> B\nB -> C [dir=both]\n}")
    done = command(f"--graph={path}")
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: graph file {path}, line 3: B <-> C says that a hidden cause")
    assert len(done.stderr.splitlines()) == 1
