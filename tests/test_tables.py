"""Label tables: what each format says, and what is refused."""

import pathlib
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from causalgan_tf.config import DataConfig
from causalgan_tf.data import load
from causalgan_tf.data.tables import read_labels
from causalgan_tf.errors import InputError

CELEBA = "3\nBald Male  Young \na.jpg -1  1 -1\nb.jpg  1  1 -1\nc.jpg -1 -1  1\n"
MALE_YOUNG = [[1, 0], [1, 0], [0, 1]]  # of the rows above


def write(folder: pathlib.Path, text: str, name: str = "labels.csv") -> pathlib.Path:
    """A file of UTF-8 text, line ends as given."""
    path = folder / name
    path.write_bytes(text.encode())
    return path


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
    labels = read_labels(write(tmp_path, text), ["Male", "Young"])
    assert labels.to_numpy().tolist() == MALE_YOUNG
    assert labels.to_numpy().dtype == np.uint8
    assert list(labels.columns) == ["Male", "Young"]
    assert list(labels.index) == ["a.jpg", "b.jpg", "c.jpg"]
    assert read_labels(write(tmp_path, text), ["Young", "Male"]).to_numpy().tolist() == [[0, 1], [0, 1], [1, 0]]


def test_a_zip_file_reads_as_the_file_in_it(tmp_path):
    """What an archive program adds beside the file does not count."""
    with zipfile.ZipFile(tmp_path / "labels.zip", "w") as archive:
        archive.writestr("folder/list_attr_celeba.txt", CELEBA)
        archive.writestr("__MACOSX/folder/._list_attr_celeba.txt", "x")
    assert read_labels(tmp_path / "labels.zip", ["Male", "Young"]).to_numpy().tolist() == MALE_YOUNG


def test_rows_without_names_are_numbered(tmp_path):
    """A first column of numbers is data, whether a node or not, and even where a node is written in words."""
    for text in ("Bald,Male\n1,0\n0,1\n", "Male,Bald\nFalse,1\nTrue,0\n", "age,Male,Bald\n31,0,1\n55,1,0\n"):
        labels = read_labels(write(tmp_path, text), ["Male", "Bald"])
        assert labels.to_numpy().tolist() == [[0, 1], [1, 0]]
        assert list(labels.index) == [0, 1]


def test_leading_zeros_of_a_name_stay(tmp_path):
    """Names are text even if they look like numbers."""
    labels = read_labels(write(tmp_path, "image,Male\n000001,1\n000002,0\n"), ["Male"])
    assert list(labels.index) == ["000001", "000002"]


@pytest.mark.parametrize(("value", "number"), [("1", 1), ("0", 0), ("-1", 0), ("True", 1), ("False", 0)])
def test_a_constant_column_is_read(tmp_path, value, number):
    """Whether a label that never changes can be learnt is not the reader's matter."""
    labels = read_labels(write(tmp_path, f"image,Male\na,{value}\nb,{value}\n"), ["Male"])
    assert labels["Male"].tolist() == [number, number]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("image,Male,Young\na.jpg,1,0\n\nb.jpg,7,1\n", ["'Male'", "line 4", "b.jpg", "got 7", "expected 0 or 1"]),
        ("image,Male,Young\na.jpg,1,0\nb.jpg,0.5,1\n", ["'Male'", "line 3", "got 0.5"]),
        ("image,Male,Young\na.jpg,1,0\nb.jpg,yes,1\nc.jpg,no,0\n", ["'Male'", "line 3", "got yes", "2 of 3 rows"]),
        ("Male,Young\nyes,1\nno,0\n", ["'Male'", "line 2", "got yes"]),
        (CELEBA.replace("-1 -1  1", "-1 2 1"), ["'Male'", "line 5", "c.jpg", "got 2"]),
        ("image,Male,Young\na.jpg,-1,0\nb.jpg,0,1\n", ["'Male'", "both -1 (line 2 (a.jpg)) and 0 (line 3 (b.jpg))"]),
        ("image,Male,Young\na,,0\nb,1,\nc,,1\n", ["3 rows", "Male 2", "Young 1", "line 2 (a)"]),
        ("image,Male,Young\na,1,0\n,1,1\n", ["1 rows have no name", "line 3"]),
        ("image,Male,Yung,Bald\na,1,0,1\n", ["no column 'Young'", "Did you mean 'Yung'?", "Male, Yung, Bald"]),
        ("image,Male,Young,Male\na,1,0,1\n", ["'Male'", "more than once"]),
        ("", ["empty"]),
        ("\n \n", ["empty"]),
        ("3\n", ["empty"]),
        ("image,Male,Young\n", ["header but no rows"]),
        (CELEBA[: CELEBA.index("c.jpg")], ["says 3 rows", "has 2", "truncated"]),
        (CELEBA[: CELEBA.rindex("-1  1")], ["missing values", "Male 1", "Young 1", "line 5"]),
        ("image,Male,Young\na,1,0\nb,1,1,0\n", ["no table", "line 3"]),
        ("image,Male,Young\na,1,0,5,6\nb,1,1,0,6\n", ["header has 3 names", "rows have 5 values"]),
    ],
)
def test_a_table_that_cannot_be_used_is_named(tmp_path, text, words):
    """The error names the file, the thing and what was expected."""
    with pytest.raises(InputError) as error:
        read_labels(write(tmp_path, text), ["Male", "Young"])
    for word in ["labels.csv", *words]:
        assert word in str(error.value)


def test_a_file_that_is_no_table_is_named(tmp_path):
    """Absent, binary, a broken zip file, a zip file of two."""
    (tmp_path / "picture.jpg").write_bytes(b"\xff\xd8\xff\xe0\n\xff")
    (tmp_path / "late.csv").write_bytes(b"image,Male\na,1\n\xff\xfe,0\n")
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 and no more")
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a.csv", CELEBA)
        archive.writestr("b.csv", CELEBA)
    for name, word in [
        ("absent.csv", "no labels file"),
        ("picture.jpg", "no UTF-8 text"),
        ("late.csv", "no table"),
        ("broken.zip", "no complete zip file"),
        ("two.zip", "holds 2 files"),
    ]:
        with pytest.raises(InputError, match=word) as error:
            read_labels(tmp_path / name, ["Male"])
        assert name in str(error.value)


def test_a_table_is_a_data_set_of_all_its_rows(tmp_path):
    """dataset=table has label rows in graph order and no images."""
    config = DataConfig(dataset="table", labels_file=str(write(tmp_path, CELEBA)), graph="Young -> Bald; Male -> Bald")
    dataset = load(config, seed=0)
    columns = [dataset.graph.index(node) for node in ("Young", "Male", "Bald")]
    assert dataset.label_rows[:, columns].tolist() == [[0, 1, 0], [0, 1, 1], [1, 0, 0]]
    assert (dataset.train, dataset.test, dataset.uniform, dataset.law, dataset.render) == (None,) * 5


def test_tables_and_folders_need_no_tensorflow():
    """A label table is read without the seconds that TensorFlow takes to start."""
    code = "import sys, causalgan_tf.data.folder, causalgan_tf.data.tables; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
