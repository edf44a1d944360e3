"""Label tables: what each format says, and what is refused."""

import pathlib
import subprocess
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest

from causalgan_tf.config.controller import ControllerConfig
from causalgan_tf.config.run import DataConfig
from causalgan_tf.data import load
from causalgan_tf.data.graph_fit import graph_fit
from causalgan_tf.data.table_columns import describe
from causalgan_tf.data.tables import LabelTable, read_labels, table_from_frame
from causalgan_tf.errors import InputError
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.variables import Binary, Categorical, Continuous, from_json, to_json
from causalgan_tf.inference.arguments import label_rows
from causalgan_tf.inference.query import Query
from causalgan_tf.training.fitting import fit_labels
from causalgan_tf.training.refitting import refitted

CELEBA = "3\nBald Male  Young \na.jpg -1  1 -1\nb.jpg  1  1 -1\nc.jpg -1 -1  1\n"
MALE_YOUNG = [[1, 0], [1, 0], [0, 1]]  # of the rows above


def write(folder: pathlib.Path, text: str, name: str = "labels.csv") -> pathlib.Path:
    """A file of UTF-8 text, line ends as given."""
    path = folder / name
    path.write_bytes(text.encode())
    return path


def numbers(path: pathlib.Path, *nodes: str) -> pd.DataFrame:
    """The columns of a file whose kinds nobody has declared."""
    return read_labels(path, CausalGraph(dict.fromkeys(nodes, ()))).rows


@pytest.mark.parametrize(
    "text",
    [
        CELEBA,
        CELEBA.removeprefix("3\n"),
        CELEBA.replace("\n", "\r\n"),
        "image,Bald,Male,Young\na.jpg,0,1,0\nb.jpg,1,1,0\nc.jpg,0,0,1\n",
        "image_id,Bald,Male,Young\na.jpg,-1,1,-1\nb.jpg,1,1,-1\nc.jpg,-1,-1,1\n",
        "who,Young,Male\na.jpg,False,True\nb.jpg,FALSE,TRUE\nc.jpg,true,false\n",
        "who,Young,Male\na.jpg,0,True\nb.jpg,False,1\nc.jpg,1,0.0\n",
        "file, Male, Young\na.jpg, 1, 0\nb.jpg, 1, False\nc.jpg, 0, 1",
        ",Male,Young\na.jpg,1,0\nb.jpg,1,0\nc.jpg,0,1\n",
        "Male,Young\na.jpg,1,0\nb.jpg,1,0\nc.jpg,0,1\n",
        "image;Male;Young;note\na.jpg;1;0;x, y\nb.jpg;1;0;\nc.jpg;0;1;z\n",
        "image\tMale\tYoung\na.jpg\t1\t0\nb.jpg\t1\t0\nc.jpg\t0\t1\n",
        '\ufeff"image","Male","Young"\r\n\r\n"a.jpg",1,0\r\n\r\n"b.jpg",1,0\r\n"c.jpg",0,1\r\n\r\n',
    ],
    ids=["celeba", "no count", "crlf", "csv", "minus", "words", "mixed words", "spaces", "row names", "short header"]
    + ["semicolons", "tabs", "quotes, bom, blank lines"],
)
def test_every_format_says_the_same(tmp_path, text):
    """The columns asked for come as uint8 0/1 in the order asked for, indexed by file name."""
    labels = numbers(write(tmp_path, text), "Male", "Young")
    assert labels.to_numpy().tolist() == MALE_YOUNG
    assert labels.to_numpy().dtype == np.uint8
    assert list(labels.columns) == ["Male", "Young"]
    assert list(labels.index) == ["a.jpg", "b.jpg", "c.jpg"]
    assert numbers(write(tmp_path, text), "Young", "Male").to_numpy().tolist() == [[0, 1], [0, 1], [1, 0]]


def test_a_zip_file_reads_as_the_file_in_it(tmp_path):
    """What an archive program adds beside the file does not count."""
    with zipfile.ZipFile(tmp_path / "labels.zip", "w") as archive:
        archive.writestr("folder/list_attr_celeba.txt", CELEBA)
        archive.writestr("__MACOSX/folder/._list_attr_celeba.txt", "x")
    assert numbers(tmp_path / "labels.zip", "Male", "Young").to_numpy().tolist() == MALE_YOUNG


def test_rows_without_names_are_numbered(tmp_path):
    """A first column of numbers is data, whether a node or not, and even where a node is written in words."""
    for text in ("Bald,Male\n1,0\n0,1\n", "Male,Bald\nFalse,1\nTrue,0\n", "age,Male,Bald\n31,0,1\n55,1,0\n"):
        labels = numbers(write(tmp_path, text), "Male", "Bald")
        assert labels.to_numpy().tolist() == [[0, 1], [1, 0]]
        assert list(labels.index) == [0, 1]


def test_leading_zeros_of_a_name_stay(tmp_path):
    """Names are text even if they look like numbers."""
    labels = numbers(write(tmp_path, "image,Male\n000001,1\n000002,0\n"), "Male")
    assert list(labels.index) == ["000001", "000002"]


@pytest.mark.parametrize(("value", "number"), [("1", 1), ("0", 0), ("-1", 0), ("True", 1), ("False", 0)])
def test_a_constant_column_is_read(tmp_path, value, number):
    """Whether a label that never changes can be learnt is not the reader's matter."""
    labels = numbers(write(tmp_path, f"image,Male\na,{value}\nb,{value}\n"), "Male")
    assert labels["Male"].tolist() == [number, number]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("image,Male,Young\na.jpg,1,0\n\nb.jpg,7,1\n", ["'Male'", "line 4", "b.jpg", "got 7", "expected 0 or 1"]),
        ("Male,Young\n1,0\n7,1\n", ["declare", "'Male: continuous' or 'Male: categorical'", "1 of 2 rows"]),
        (
            "image,Male,Young\na.jpg,1,0\nb.jpg,yes,1\nc.jpg,no,0\n",
            ["'Male' mixes numbers and texts: 1 on line 2 (a.jpg), yes on line 3 (b.jpg)", "2 of 3 rows"],
        ),
        ("Male,Young\nTrue,0\n0.5,1\n", ["mixes numbers and texts: 0.5 on line 3, True on line 2"]),
        ("Male,Young\nyes,1\nyes,0\n", ["'Male' holds only 'yes'", "categorical(yes, other)"]),
        ('Male,Young\n"no, never",1\nyes,0\n', ["'Male': the category 'no, never' cannot be written"]),
        ("Male,Young\n0.5,1\ninf,0\n", ["'Male', line 3", "finite number", "got inf"]),
        ("Male,Young\n1,0\n", ["1 of 1 rows", "at least 2"]),
        (
            "Male,Young\n" + "".join(f"name {i},0\n" for i in range(101)),
            ["'Male' holds 101 different texts", "does it name the rows?", "Drop Male", "'Male: categorical'"],
        ),
        (CELEBA.replace("-1 -1  1", "-1 2 1"), ["'Male'", "line 5", "c.jpg", "got 2"]),
        ("image,Male,Young\na.jpg,-1,0\nb.jpg,0,1\n", ["'Male'", "both -1 (line 2 (a.jpg)) and 0 (line 3 (b.jpg))"]),
        ("image,Male,Young\na,,0\nb,1,\nc,,1\n", ["3 rows", "Male 2", "Young 1", "line 2 (a)"]),
        ("image,Male,Yung,Bald\na,1,0,1\n", ["no column 'Young'", "Did you mean 'Yung'?", "Male, Yung, Bald"]),
        ("image,Male,Young,Male\na,1,0,1\n", ["'Male'", "more than once"]),
        ("", ["empty"]),
        ("\n \n", ["empty"]),
        ("3\n", ["empty"]),
        ("image,Male,Young\n", ["header but no rows"]),
        (CELEBA[: CELEBA.index("c.jpg")], ["says 3 rows", "has 2", "truncated"]),
        (CELEBA[: CELEBA.rindex("-1  1")], ["line 5 has 2 values, the header has 3 names, separated by blanks"]),
        ("image,Male,Young\na,1,0\nb,1,1,0\n", ["no table", "line 3 has 4 values, the header has 3 names"]),
        ("image,Male,Young\na,1,0,5,6\nb,1,1,0,6\n", ["line 2 has 5 values, the header has 3 names"]),
    ],
)
def test_a_table_that_cannot_be_used_is_named(tmp_path, text, words):
    """The error names the file, the thing and what was expected."""
    with pytest.raises(InputError) as error:
        numbers(write(tmp_path, text), "Male", "Young")
    for word in ["labels.csv", *words]:
        assert word in str(error.value)


def test_a_file_that_is_no_table_is_named(tmp_path):
    """Absent, binary, a broken zip or parquet file, a zip file of two."""
    (tmp_path / "picture.jpg").write_bytes(b"\xff\xd8\xff\xe0\n\xff")
    (tmp_path / "late.csv").write_bytes(b"image,Male\na,1\n\xff\xfe,0\n")
    for broken in ("broken.zip", "broken.parquet"):
        (tmp_path / broken).write_bytes(b"PK\x03\x04 and no more")
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a.csv", CELEBA)
        archive.writestr("b.csv", CELEBA)
    for name, word in [
        ("absent.csv", "no labels file"),
        ("picture.jpg", "no UTF-8 text"),
        ("late.csv", "line 3: the byte 0xFF is no UTF-8"),
        ("broken.zip", "no complete zip file"),
        ("two.zip", "holds 2 files"),
        ("absent.parquet", "no labels file"),
        ("broken.parquet", "no parquet file"),
    ]:
        with pytest.raises(InputError, match=word) as error:
            numbers(tmp_path / name, "Male")
        assert name in str(error.value)


def test_a_table_is_a_data_set_of_all_its_rows(tmp_path):
    """dataset=table has label rows in graph order and no images."""
    config = DataConfig(dataset="table", labels_file=str(write(tmp_path, CELEBA)), graph="Young -> Bald; Male -> Bald")
    dataset = load(config, seed=0)
    columns = [dataset.graph.index(node) for node in ("Young", "Male", "Bald")]
    assert dataset.label_rows[:, columns].tolist() == [[0, 1, 0], [0, 1, 1], [1, 0, 0]]
    assert (dataset.train, dataset.test, dataset.uniform, dataset.law, dataset.render) == (None,) * 5


SURVEY = "who,Sex,Smoke,BMI,Stage,Age\nann,False,never,20.5,02,31\nbob,True,now,31.25,10,44\ncat,False,never,18,9,18\n"
DECLARED = CausalGraph.from_text(
    "Sex, Age -> Smoke -> BMI; Stage; Stage: categorical; Age: continuous(0, 120); Sex: binary"
)


def table(tmp_path: pathlib.Path, text: str, graph: str, **options: bool) -> LabelTable:
    """A csv file read for a graph in text form."""
    return read_labels(write(tmp_path, text), CausalGraph.from_text(graph), **options)


def test_kinds_are_declared_or_read_off_the_column(tmp_path):
    """Numbers stand for values, the resolved graph says for which; declared categories keep their spelling."""
    labels = read_labels(write(tmp_path, SURVEY), DECLARED)
    assert labels.graph.nodes == ("Sex", "Age", "Smoke", "BMI", "Stage")
    assert labels.graph.parents == DECLARED.parents
    rows = labels.rows.to_numpy()
    assert rows.dtype == np.float32
    assert rows.tolist() == [[0, 31, 0, 20.5, 0], [1, 44, 1, 31.25, 2], [0, 18, 0, 18, 1]]
    kinds = labels.graph.variables
    assert (kinds["Sex"], kinds["Smoke"]) == (Binary(), Categorical(("never", "now")))
    assert kinds["Stage"] == Categorical(("02", "9", "10"))
    assert kinds["Age"] == Continuous(0, 120, mean=31.0, std=np.std([31, 44, 18]))
    assert kinds["BMI"].mean == pytest.approx(np.mean([20.5, 31.25, 18])) and not kinds["BMI"].bounded


def test_a_resolved_graph_reads_the_same_table_again(tmp_path):
    """What a run has saved is a declaration like any other."""
    first = read_labels(write(tmp_path, SURVEY), DECLARED)
    again = read_labels(write(tmp_path, SURVEY), first.graph)
    assert again.graph == first.graph and again.rows.equals(first.rows)


def test_discrete_labels_are_bytes(tmp_path):
    """Places of categories as well as 0 and 1."""
    rows = table(tmp_path, "A,B\nx,1\ny,0\nz,1\n", "A -> B").rows.to_numpy()
    assert rows.dtype == np.uint8 and rows.tolist() == [[0, 1], [1, 0], [2, 1]]


def test_declared_categories_are_taken_in_their_order(tmp_path):
    """A category may be absent from the table, or a word that elsewhere stands for a missing value."""
    labels = table(tmp_path, "A\nnone\nNA\nlow\n", "A: categorical(NA, none, low, high)")
    assert labels.rows["A"].tolist() == [1, 0, 2] and labels.graph.variables["A"].size == 4


@pytest.mark.parametrize(
    ("text", "graph", "words"),
    [
        ("A\nlow\nlo\n", "A: categorical(low, high)", ["line 3", "one of low, high; got lo", "unseen", "'low'?"]),
        ("A\n3\n-1\n", "A: continuous(0, 9)", ["line 3", "between 0 and 9; got -1", "1 of 2 rows"]),
        ("A\n3\nblue\n", "A: continuous", ["line 3", "finite number; got blue"]),
        ("A\n3\n1e39\n", "A: continuous", ["line 3", "finite number; got 1e+39"]),
        ("A\nm\nf\n", "A: binary", ["line 2", "got m", "'A: categorical'"]),
        ("A\n" + "\n".join(map(str, range(257))), "A: categorical", ["at most 256 categories, there are 257"]),
    ],
)
def test_a_value_beside_the_declared_kind_is_named(tmp_path, text, graph, words):
    """The line, what the declaration asks for, and what came."""
    with pytest.raises(InputError) as error:
        table(tmp_path, text, graph)
    for word in words:
        assert word in str(error.value)


def test_rows_that_miss_a_value_are_dropped_if_asked(tmp_path):
    """Rows keep their names and lines, integers their spelling; gaps beside the graph's nodes do not count."""
    text = "image,A,B,C\na,1,x,\nb,,y,1\nc,2,,1\nd,3,y,1\n"
    labels = table(tmp_path, text, "A -> B; A: categorical", drop_missing=True)
    assert labels.dropped == 2 and list(labels.rows.index) == ["a", "d"]
    assert labels.graph.variables["A"].categories == ("1", "3")
    with pytest.raises(InputError, match=r"2 of 4 rows: A 1, B 1; first on line 3 \(b\).*drop_missing"):
        table(tmp_path, text, "A -> B; A: categorical")
    with pytest.raises(InputError, match=r"'A', line 5 \(d\): expected 0 or 1"):
        table(tmp_path, text.replace("2", "0"), "A -> B", drop_missing=True)
    with pytest.raises(InputError, match="1 of 2 rows"):
        table(tmp_path, "A,B\n1,0\n,1\n", "A -> B", drop_missing=True)


def test_names_that_nobody_reads_may_be_blank(tmp_path):
    labels = table(tmp_path, "id,A,B,Name\n1,1,0,ann\n2,0,1,\n3,1,1,-\n", "A -> B")
    assert labels.rows.to_numpy().tolist() == [[1, 0], [0, 1], [1, 1]] and list(labels.rows.index) == ["ann", "", ""]
    with pytest.raises(InputError, match="column 'A', line 3: expected 0 or 1.*got 7"):
        table(tmp_path, "id,A,B,Name\n1,1,0,ann\n2,7,1,\n", "A -> B")


def test_rows_of_a_data_frame_that_miss_a_value_are_left_out_by_an_argument():
    """As the error says, of each function that takes a frame."""
    frame = pd.DataFrame({"A": [0, 1, None, 1] * 50, "B": [0, 1, 1, 0] * 50})
    steps = {"config": ControllerConfig(steps=1), "progress": False}
    calls = [(graph_fit, {"permutations": 0}), (fit_labels, steps), (refitted, {"count": 2, **steps})]
    said = r"missing values in 50 of 200 rows: A 50; .* rows out: drop_missing=True\."
    for function, options in calls:
        with pytest.raises(InputError, match=said):
            function(frame, "A -> B", **options)
        function(frame, "A -> B", drop_missing=True, **options)
    assert graph_fit(frame, "A; B", permutations=0, drop_missing=True).rows == 150


def test_a_value_of_several_lines_does_not_hinder(tmp_path):
    """A text column beside the labels may hold line ends and gaps."""
    labels = table(tmp_path, 'note,A\n"x\ny",1\nz,\n,0\n', "A", drop_missing=True)
    assert labels.rows["A"].tolist() == [1, 0] and labels.dropped == 1


FRAME = pd.DataFrame(
    {
        "flag": [True, False, True],
        "size": pd.Categorical(["small", "large", "small"], categories=["small", "medium", "large"]),
        "grade": pd.Categorical([2.0, 1.0, 2.0]),
        "count": pd.array([3, 1, 2], dtype="Int64"),
        "length": [0.5, 1.0, 2.0],
        "gap": ["a", " ", None],
    },
    index=["u", "v", "w"],
)


def test_a_data_frame_is_a_table():
    """Its types are kinds, the order of pandas' categories is kept, its index names the rows."""
    graph = CausalGraph.from_text("flag -> size; grade; count; length; count: categorical")
    labels = table_from_frame(FRAME, graph)
    assert labels.rows.to_numpy().tolist() == [[1, 0, 1, 2, 0.5], [0, 2, 0, 0, 1], [1, 0, 1, 1, 2]]
    assert list(labels.rows.index) == ["u", "v", "w"] and list(labels.rows.columns) == list(graph.nodes)
    kinds = labels.graph.variables
    assert [kinds[node].categories for node in ("size", "grade", "count")] == [
        ("small", "medium", "large"),
        ("1", "2"),
        ("1", "2", "3"),
    ]
    assert (kinds["flag"], type(kinds["length"])) == (Binary(), Continuous)


@pytest.mark.parametrize(
    ("frame", "graph", "message"),
    [
        (FRAME, "gap", "data frame: missing values in 2 of 3 rows: gap 2; first on row v"),
        (FRAME, "count", "column 'count', row u: expected 0 or 1.*got 3"),
        (FRAME, "lenght", "no column 'lenght'. Did you mean 'length'"),
        (FRAME.iloc[:0], "flag", "0 of 0 rows"),
        (pd.concat([FRAME, FRAME], axis=1), "flag", "more than one column 'flag'"),
        (FRAME.to_dict(), "flag", "expected a pandas DataFrame, got dict"),
    ],
)
def test_a_data_frame_that_cannot_be_used_is_named(frame, graph, message):
    """As a file is, with the rows' names for lines."""
    with pytest.raises(InputError, match=message):
        table_from_frame(frame, CausalGraph({graph: ()}))


def test_a_parquet_file_reads_as_the_data_frame_in_it(tmp_path):
    """Index and types are in the file; without an index a first column of names is one."""
    graph = CausalGraph.from_text("flag -> size; length")
    FRAME.to_parquet(tmp_path / "rows.parquet")
    labels, expected = read_labels(tmp_path / "rows.parquet", graph), table_from_frame(FRAME, graph)
    assert labels.graph == expected.graph and labels.rows.equals(expected.rows)
    FRAME.rename_axis("image").reset_index().to_parquet(tmp_path / "named.parquet")
    assert list(read_labels(tmp_path / "named.parquet", graph).rows.index) == ["u", "v", "w"]


def test_parquet_without_pyarrow_says_what_to_install(tmp_path, monkeypatch):
    """pandas' own error is an ImportError."""

    def absent(path: pathlib.Path) -> None:
        raise ImportError("Unable to find a usable engine")

    monkeypatch.setattr(pd, "read_parquet", absent)
    with pytest.raises(InputError, match="needs pyarrow: pip install pyarrow"):
        numbers(write(tmp_path, "", "rows.parquet"), "A")


def test_a_description_says_kind_distribution_and_what_cannot_be_learnt(tmp_path):
    """One line a node; kinds that nobody has declared are marked."""
    labels = read_labels(write(tmp_path, SURVEY), DECLARED)
    assert describe(labels.graph, labels.rows.to_numpy(), DECLARED.declared) == [
        "Sex: binary, 33.3 % are 1",
        "Age: continuous, mean 31, sd 10.61, 18 to 44",
        "Smoke: categorical(never .67, now .33), inferred",
        "BMI: continuous, mean 23.25, sd 5.748, 18 to 31.25, inferred",
        "Stage: categorical(02 .33, 9 .33, 10 .33)",
    ]


def test_a_description_warns_of_what_never_changes(tmp_path):
    """Nothing is marked where it is not known what was declared."""
    kinds = "C: continuous; D: categorical(x, y); E: categorical(x, y, z); F: categorical(0, 1, 2)"
    rows = "A,B,C,D,E,F\n" + "0,1,54321,x,x,1\n1,1,54321,x,y,1\n" * 2
    labels = table(tmp_path, rows, f"A; B; {kinds}")
    alone = "it carries no information and"
    assert describe(labels.graph, labels.rows.to_numpy()) == [
        "A: binary, 50 % are 1",
        f"B: binary, constant 1: {alone} do(B=0) cannot be learnt",
        f"C: continuous, constant 54,320: {alone} no other do(C) can be learnt",
        f"D: categorical, constant x: {alone} no other do(D) can be learnt",
        "E: categorical(x .5, y .5, z 0): do(E=z) cannot be learnt",
        f"F: categorical, constant 1: {alone} no other do(F) can be learnt",
    ]
    many = Categorical(tuple(f"c{i}" for i in range(12)))
    line = describe(CausalGraph({"A": ()}, {"A": many}), np.arange(12)[:, None])[0]
    assert line.startswith("A: categorical(c0 .083, c1 .083") and line.endswith("c9 .083, and 2 more)")


def test_a_data_set_of_a_table_carries_the_kinds_and_the_dropped_rows(tmp_path):
    """drop_missing is for data that are read from a labels file."""
    path = str(write(tmp_path, "A,B\n0.5,x\n,y\n1.5,z\n"))
    config = DataConfig(dataset="table", labels_file=path, graph="A -> B", drop_missing=True)
    dataset = load(config, seed=0)
    assert dataset.graph.variables == {"A": Continuous(mean=1.0, std=0.5), "B": Categorical(("x", "z"))}
    assert dataset.label_rows.tolist() == [[0.5, 0], [1.5, 1]] and dataset.dropped_rows == 1
    with pytest.raises(InputError, match="causal_faces reads no labels file. Leave --drop_missing out"):
        DataConfig(drop_missing=True)


def test_a_folder_takes_labels_of_other_kinds(tmp_path):
    """Images are learnt with labels of any kind, so a folder's labels are read as a table's are."""
    path = str(write(tmp_path, "image,A\na.jpg,x\nb.jpg,y\n"))
    config = DataConfig(dataset="folder", labels_file=path, graph="A;", image_dir=str(tmp_path))
    dataset = load(config, seed=0, labels_only=True)
    assert dataset.graph.variables["A"] == Categorical(("x", "y"))
    assert dataset.label_rows.tolist() == [[0], [1]]


def test_tables_and_folders_need_no_tensorflow():
    """A label table is read without the seconds that TensorFlow takes to start."""
    code = "import sys, causalgan_tf.data.folder, causalgan_tf.data.tables; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_numbers_that_float64_cannot_tell_apart_are_refused_with_a_way_out():
    graph, ticks = CausalGraph.from_text("T; T: continuous"), np.arange(2_000)
    start = 1_700_000_000_000_000_000  # nanoseconds since 1970, which float64 holds in steps of 256
    with pytest.raises(InputError, match="'T'.*float64 can tell apart.*steps of 256.*Subtract the smallest"):
        table_from_frame(pd.DataFrame({"T": start + ticks}), graph)
    hours = ticks * 3_600 * 10**9
    read = table_from_frame(pd.DataFrame({"T": start + hours}), graph)
    away = read.rows["T"].to_numpy(np.float64) + read.graph.variables["T"].offset - start - hours
    assert np.abs(away).max() <= 1e-4 * hours.std()


SECONDS = 1_700_000_000 + np.array([510, 382, 306, 161, 184, 7, 599, 430])


def test_numbers_that_float32_cannot_tell_apart_keep_their_digits(tmp_path):
    """Seconds since 1970: float32 holds multiples of 128 there; they are kept less an offset."""
    text = "Time,Ill\n" + "".join(f"{second},{second % 2}\n" for second in SECONDS)
    for kind in ("continuous", "continuous(1700000000, 1700000600)"):
        labels = table(tmp_path, text, f"Time -> Ill; Time: {kind}")
        variable, column = labels.graph.variables["Time"], labels.rows["Time"].to_numpy()
        assert labels.rows.to_numpy().dtype == np.float32
        assert variable.column(column).tolist() == SECONDS.tolist()
        assert (variable.shown(column[0]), variable.number(SECONDS[0])) == (SECONDS[0], column[0])
        assert variable.mean + variable.offset == pytest.approx(SECONDS.mean(), abs=1e-3)
        assert variable.std == pytest.approx(SECONDS.std()) and variable.text() == kind
        assert describe(labels.graph, labels.rows.to_numpy())[0] == (
            "Time: continuous, mean 1,700,000,322, sd 184.3, 1,700,000,007 to 1,700,000,599"
        )
        again = read_labels(tmp_path / "labels.csv", labels.graph)
        assert again.graph == labels.graph and again.rows.equals(labels.rows)
        assert from_json(to_json(labels.graph.variables)) == dict(labels.graph.variables)


def test_a_query_of_such_numbers_is_in_the_values_of_the_user(tmp_path):
    """Set and observed, and written again."""
    text = "Time,Ill\n" + "".join(f"{second},{second % 2}\n" for second in SECONDS)
    graph = table(tmp_path, text, "Time -> Ill; Time: continuous").graph
    offset = graph.variables["Time"].offset
    query = Query.create(graph, do={"Time": 1_700_000_510})
    assert query.do["Time"] == 1_700_000_510 - offset and query.text() == "do(Time=1700000510)"
    query = Query.create(graph, given={"Time": "1700000100..1700000200"})
    assert query.given["Time"] == (1_700_000_100 - offset, 1_700_000_200 - offset)
    assert query.text() == "Time=1700000100..1700000200"


def test_a_frame_of_such_numbers_is_read_in_the_values_of_the_user():
    """An array is one of numbers, as label rows are; drawn frames come back as the rows that they were."""
    graph = CausalGraph({"Time": ()}, {"Time": Continuous(0.0, 600.0, offset=1.7e9)})
    rows = np.float32([[7.0], [510.0]])
    frame = pd.DataFrame({"Time": graph.variables["Time"].column(rows[:, 0])})
    assert frame["Time"].tolist() == [1_700_000_007, 1_700_000_510]
    assert label_rows(graph, frame).tolist() == label_rows(graph, rows).tolist() == rows.tolist()
    with pytest.raises(InputError, match="Time of row 0 is 510.0: expected a number between 1700000000 and"):
        label_rows(graph, pd.DataFrame({"Time": [510.0]}))


def test_numbers_that_float32_tells_apart_have_no_offset(tmp_path):
    """Ages, years with months, large sums with a large spread."""
    for values in ("20.5 31 44", "1999.5 2001.25 2003", "1e6 5e9 3.5e12"):
        labels = table(tmp_path, "A\n" + "\n".join(values.split()) + "\n", "A: continuous")
        assert labels.graph.variables["A"].offset == 0.0


def test_a_folder_refuses_numbers_that_images_cannot_be_learnt_with(tmp_path):
    """The column and the way out are named."""
    path = write(tmp_path, "image,Time\n" + "".join(f"{k}.jpg,{second}\n" for k, second in enumerate(SECONDS)))
    config = DataConfig(dataset="folder", labels_file=str(path), graph="Time: continuous", image_dir=str(tmp_path))
    with pytest.raises(InputError, match="column 'Time'.*Subtract an offset from the column, such as 1700000322"):
        load(config, seed=0, labels_only=True)
