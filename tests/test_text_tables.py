"""Files of text as their owners mean them: separators, widths, row names, encodings, missing values, marks."""

import bz2
import contextlib
import decimal
import gzip
import lzma
import pathlib
import re
import time
import zipfile

import numpy as np
import pandas as pd
import pytest

from causalgan_tf.config.run import DataConfig
from causalgan_tf.data import contents, load, tables, text_tables
from causalgan_tf.data.tables import read_labels, table_from_frame
from causalgan_tf.errors import InputError
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.variables import Categorical

TRUTH = [[1, 0, 1], [0, 1, 1], [1, 1, 0]]  # of A, B, C
ABC, AB, AX = (CausalGraph.from_text(text) for text in ("A; B; C", "A; B", "A -> X; X: continuous"))


def write(folder: pathlib.Path, text: str | bytes, name: str = "labels.csv") -> pathlib.Path:
    """A file, as UTF-8 where it is text."""
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def read(
    folder: pathlib.Path, text: str | bytes, name: str = "labels.csv", graph: CausalGraph = ABC, **options: object
):
    """The label table of a file."""
    return read_labels(write(folder, text, name), graph, **options)


def refused(folder: pathlib.Path, text: str | bytes, name: str = "labels.csv", graph: CausalGraph = ABC) -> str:
    """The message by which a file is refused, its folder left out."""
    with pytest.raises(InputError) as error:
        read(folder, text, name, graph)
    message = str(error.value).replace(str(folder), "")
    assert len(message) <= 300
    return message


@pytest.mark.parametrize(
    "text",
    [
        "A,B,C\n1,0,1,\n0,1,1,\n1,1,0,\n",
        "A;B;C\n1;0;1;\n0;1;1;\n1;1;0;\n",
        "A,B,C,\n1,0,1\n0,1,1\n1,1,0\n",
        "A,B,C,\n1,0,1,\n0,1,1,\n1,1,0,\n",
        "A,B,C,,,\n1,0,1,,,\n0,1,1,,,\n1,1,0,,,\n",
        "A,B,C\n1,0,1,\n0,1,1\n1,1,0\n",
        "A,B,C\n1,0,1\n0,1,1\n1,1,0,,\n",
        "A\tB\tC\n1\t0\t1\t\n0\t1\t1\t\n1\t1\t0\t\n",
        "A B C \n1 0 1 \n0 1 1\n1  1 0  \n",
        "A|B|C\n1|0|1\n0|1|1\n1|1|0\n",
        "sep=;\nA;B;C\n1;0;1\n0;1;1\n1;1;0\n",
        '"sep=,"\r\nA,B,C\r\n1,0,1\r\n0,1,1\r\n1,1,0\r\n',
        '"A", "B", "C"\n1, 0, 1\n0, 1, 1\n1, 1, 0\n',
        '"A" , "B" , "C"\n"1" , "0" , "1"\n"0" , "1" , "1"\n1 , 1 , 0 \n',
        '"A" "B" "C"\n"1" 1 0 1\n"2" 0 1 1\n"3" 1 1 0\n',
        '"A" "B" "C"\n"11" 1 0 1\n"7" 0 1 1\n"9" 1 1 0\n',
        '"A","B","C"\n"1",1,0,1\n"2",0,1,1\n"3",1,1,0\n',
        '"A","B","C"\n"1",1,0,1,\n"2",0,1,1,\n"3",1,1,0,\n',
        "A,B,C,\n1,1,0,1,\n2,0,1,1,\n3,1,1,0,\n",
        '"","A","B","C"\n"1",1,0,1\n"2",0,1,1\n"3",1,1,0\n',
        "A\tB\tC\nann\t1\t0\t1\nbob\t0\t1\t1\ncat\t1\t1\t0\n",
        'note;A;B;C\n"x;\n\ny";1;0;1\n"1,5";0;1;1\n"""";1;1;0\n',
        '"B, b";A;B;C\n1;1;0;1\n2;0;1;1\n3;1;1;0\n',
        "B, b;A;B;C\n1;1;0;1\n2;0;1;1\n3;1;1;0\n",
        "A,B,C\r1,0,1\r0,1,1\r1,1,0",
        "\n\nA,B,C\n\n1,0,1\n\n0,1,1\n  \n1,1,0\n",
        "A,B,C,remark\n1,0,1,#1\n0,1,1,\n1,1,0,\n",
        "Unnamed: 0,A,B,C\n0,1,0,1\n1,0,1,1\n2,1,1,0\n",
    ],
)
def test_every_column_keeps_its_own_values(tmp_path, text):
    table = read(tmp_path, text)
    assert table.rows.to_numpy().tolist() == TRUTH and table.graph.is_binary


def test_a_short_header_as_celebas_is_that_of_named_rows(tmp_path):
    text = "3\nNo_Beard Male \na.jpg -1  1\nb.jpg  1 -1\nc.jpg  1  1\n"
    table = read(tmp_path, text, graph=CausalGraph.from_text("No_Beard; Male"))
    assert table.rows.to_numpy().tolist() == [[0, 1], [1, 0], [1, 1]] and table.rows.index[0] == "a.jpg"


def test_names_of_rows_that_r_wrote_stand_before_texts(tmp_path):
    text = '"Sex" "Smoke"\n"1" "m" "never smoked"\n"2" "f" "now"\n"3" "m" "now"\n'
    table = read(tmp_path, text, graph=CausalGraph.from_text("Sex -> Smoke"))
    assert table.rows.to_numpy().tolist() == [[1, 0], [0, 1], [1, 1]]
    assert table.graph.variables["Smoke"].categories == ("never smoked", "now")


@pytest.mark.parametrize(
    ("text", "line", "first", "last"),
    [
        ("A,B,C\n1,0,1,x\n0,1,1,x\n1,1,0,y\n", 2, "1", "x"),
        ("A,B,C\n1,0,1,7\n0,1,1,5\n1,1,0,2\n", 2, "1", "7"),
        ("A,B,C\n20,0,1,7\n21,1,1,5\n25,1,0,2\n", 2, "20", "7"),
        ("A,B,C\nann,0,1,x\nbob,1,1,y\n", 2, "ann", "x"),
        ("A,B,C\nann,0,1,1\nbob,1,1,0\nbob,1,1,0\n", 3, "bob", "0"),
        ("image,B,C\na.jpg,0,1,1\nb.jpg,1,1,0\n", 2, "a.jpg", "1"),
        ("A,B,C\n1,0,1,x\n2,1,1,y\n3,1,0,z\n", 2, "1", "x"),
        ("id,B,C\n1,0,1,1\n2,1,1,0\n3,1,1,0\n", 2, "1", "1"),
        ("Patient_ID,B,C\np1,0,1,1\np2,1,1,0\n", 2, "p1", "1"),
        ("A\tB\tC\nann\t0\t1\tx\nbob\t1\t1\ty\n", 2, "ann", "x"),
    ],
)
def test_an_unnamed_column_that_may_be_first_or_last_is_refused(tmp_path, text, line, first, last):
    graph = ABC if text.startswith("A") else CausalGraph.from_text("B; C")
    message = refused(tmp_path, text, graph=graph)
    assert f"line {line} has" in message and f"Either '{first}' names the row" in message
    assert f"and '{last}' has no header" in message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("A,B,C\n1,0\n0,1,1\n", "line 2 has 2 values, the header has 3 names, separated by commas"),
        ("A,B,C\n1,0,1\n0,1\n", "line 3 has 2 values"),
        ("A;B;C\n1;0;1\n0;1;1;1\n", "line 3 has 4 values, the header has 3 names, separated by semicolons"),
        ('A,B,C\n1,0,"1\n0"\n0,1\n', "line 4 has 2 values"),
        ('A,B,C\n1,0,"1\n0,1,1\n1,1,0\n', "a quote on line 2 is not closed"),
        ("# lab\n# 2024\nA,B,C\n1,0,1\n", "line 1 is a comment: '# lab'"),
        ("# lab\n# 2024\nA,B,C\n1,0,1\n", "Remove lines 1 to 2"),
        ("A,B,C\n1,0,1\n# end\n", "line 3 is a comment: '# end'"),
        ("A,B,C\nint,int,bool\n1,0,1\n", "line 2 is a second header: int, int, bool"),
        ("id,A,B,C\n1,1,0,1\n#2,0,1,1\n", "line 3 is a comment: '#2'"),
        ('[{"A": 1},\n{"A": 0}]\n', "is that of a JSON, XML or web page"),
        ('A,B,C\n1,0,"' + "1,0,1\n" * 60_000, "a quote on line 2 is not closed"),
        ("A,B,C\n" + "1,0,1\n" * 60_000 + '"1,0,1\n0,1,1\n', "a quote on line 60002 is not closed"),
        ('A,B,C\n"1,0,1\n0,1,1\n"1,0,1\n', "a quote on line 2 is not closed and swallows the rows behind it"),
        ('A,B,"C\n' + "1,0,1\n" * 60_000, "a quote on line 1 is not closed"),
        (f"A,{'x' * 5000},{'x' * 5000}\n1,0,1\n", "more than once"),
        (f"A,B,C\n{'9' * 5000},0,1\n1,0,1\n", "column 'A' mixes numbers and texts: 1 on line 3, 999"),
        ("1,0,1\n0,1,1\n", "line 1 holds the numbers 1, 0, 1. Expected a header"),
        ("A,B,C,A\n1,0,1,1\n", "names 'A' more than once"),
        ("Survey\nA,B,C\n1,0,1\n", "line 1 names one column, 'Survey', and no node"),
        ("Gr\u00f6\u00dfe,B\n1,1\n".encode("cp1252"), "line 1: the byte 0xF6 is no UTF-8 text"),
        ("A,B,C\n1,0,1\n".encode("utf-16-le"), "zero bytes"),
        (b"PK\3\4\0\0\xff\xfe", "its ending is .zip or .xlsx"),
    ],
)
def test_a_file_that_is_no_even_table_is_refused_at_its_line(tmp_path, text, said):
    assert said in refused(tmp_path, text)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("separator", [",", "\t"])
def test_unicode_with_a_mark_is_read(tmp_path, encoding, separator):
    text = "A,B,C,Gr\u00f6\u00dfe\n1,0,1,x\n0,1,1,y\n1,1,0,z\n".replace(",", separator)
    assert read(tmp_path, text.encode(encoding)).rows.to_numpy().tolist() == TRUTH


@pytest.mark.parametrize(("ending", "module"), [("gz", gzip), ("bz2", bz2), ("xz", lzma)])
def test_packed_files_are_read_up_to_a_size_and_refused_if_damaged(tmp_path, monkeypatch, ending, module):
    packed = module.compress(b"A,B,C\n1,0,1\n0,1,1\n1,1,0\n")
    assert read(tmp_path, packed, f"x.csv.{ending}").rows.to_numpy().tolist() == TRUTH
    assert "Get it again" in refused(tmp_path, packed[: len(packed) // 2], f"x.csv.{ending}")
    assert "Get it again" in refused(tmp_path, b"A,B,C\n1,0,1\n", f"x.csv.{ending}")
    monkeypatch.setattr(contents, "LARGEST", 20)
    assert "the most that is unpacked here" in refused(tmp_path, packed, f"x.csv.{ending}")


def test_a_huge_member_of_a_zip_file_is_not_unpacked(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.csv", "A,B,C\n" * 1000)
    monkeypatch.setattr(contents, "LARGEST", 2**12)
    with pytest.raises(InputError, match="the most that is unpacked here"):
        read_labels(tmp_path / "x.zip", ABC)


@pytest.mark.parametrize("word", ["?", ".", "NA", "-", "", "#N/A", "<NA>"])
@pytest.mark.parametrize("blank", ["", " "])
def test_a_word_for_missing_is_missing_unless_the_graph_declares_it(tmp_path, word, blank):
    text = f"A,{blank}B\n1,{blank}x\n0,{blank}{word}\n1,{blank}y\n"
    assert "missing values in 1 of 3 rows: B 1; first on line 3" in refused(
        tmp_path, text, graph=CausalGraph.from_text("A -> B")
    )
    dropped = read(tmp_path, text, graph=CausalGraph.from_text("A -> B"), drop_missing=True)
    assert dropped.dropped == 1 and dropped.graph.variables["B"] == Categorical(("x", "y"))
    frame = pd.DataFrame({"A": [1, 0, 1], "B": ["x", word, "y"]})
    assert table_from_frame(frame, CausalGraph.from_text("A -> B"), drop_missing=True).dropped == 1
    if word and "#" not in word:
        declared = CausalGraph({"A": (), "B": ("A",)}, {"B": Categorical((word, "x", "y"))})
        assert read(tmp_path, text, graph=declared).rows["B"].tolist() == [1, 0, 2]
        assert table_from_frame(frame, declared).rows["B"].tolist() == [1, 0, 2]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (["1,50", "1,55"], "1,50 has a decimal comma (2 of 2 rows). Write a point, or give --decimal=,"),
        (["2", "1,55"], "line 3: 1,55 has a decimal comma (1 of 2 rows)"),
        (["1.234,5", "1.234,6"], "marks between thousands"),
        (["1%", "2 %"], "Remove it, or declare 'H: categorical' in the graph"),
        (["$1.5", "$2.5"], "a sign of percent or money"),
    ],
)
@pytest.mark.parametrize("kind", ["", "; H: continuous"])
def test_numbers_written_otherwise_are_named_and_no_categories(tmp_path, values, said, kind):
    text = "A;H\n0;" + "\n1;".join(values) + "\n"
    assert said in refused(tmp_path, text, graph=CausalGraph.from_text(f"A; H{kind}"))
    if "or declare 'H: categorical'" in said:
        assert read(tmp_path, text, graph=CausalGraph.from_text("A; H: categorical")).graph.variables["H"].size == 2


def test_a_decimal_comma_is_read_where_it_is_asked_for(tmp_path):
    path = write(tmp_path, "H;A\n1,50;0\n-1,25;1\n1,5;1\n")
    data = DataConfig(dataset="table", labels_file=str(path), graph="A -> H", decimal=",")
    assert load(data, 0).label_rows.tolist() == [[0, 1.5], [1, -1.25], [1, 1.5]]
    path.write_text("H;A\n1.234;0\n1.5;1\n")
    with pytest.raises(InputError, match=r"1.234 has a point; with --decimal=, expected a comma"):
        load(data, 0)
    with pytest.raises(InputError, match="Leave --decimal out"):
        DataConfig(decimal=",")


@pytest.mark.parametrize("bad", ["n.a.", "missing", "<0.5", "--", "2.5 mg", "#DIV/0!", "12,5", "1.234.567"])
@pytest.mark.parametrize("mark", [".", ","])
def test_one_cell_that_is_no_number_is_named_and_not_the_numbers_beside_it(tmp_path, bad, mark):
    bad = bad.translate(str.maketrans(",.", ".,")) if mark == "," and bad[0].isdigit() else bad
    text = "A;X\n0;2.755\n1;-1.250\n1;BAD\n0;3.125\n".replace(".", mark).replace("BAD", bad)
    for kind in ("", "; X: continuous"):
        with pytest.raises(InputError, match=f"{re.escape(bad)} on line 4|line 4: .*{re.escape(bad)}"):
            read(tmp_path, text, graph=CausalGraph.from_text(f"A -> X{kind}"), decimal=mark)
    rows = read(tmp_path, text.replace(bad, ""), graph=AX, decimal=mark, drop_missing=True).rows
    assert rows["X"].tolist() == np.float32([2.755, -1.25, 3.125]).tolist()


def test_decimals_of_python_are_numbers():
    values = [decimal.Decimal(text) for text in ("2.755", "-1.250", "3.125")]
    table = table_from_frame(pd.DataFrame({"A": [0, 1, 1], "X": values}), AX)
    assert table.rows["X"].tolist() == np.float32([2.755, -1.25, 3.125]).tolist()


def test_a_column_of_names_is_found_wherever_it_stands(tmp_path):
    for text in (
        ",image_id,A,B,C\n0,a.jpg,1,0,1\n1,b.jpg,0,1,1\n2,c.jpg,1,1,0\n",
        "A,B,C,image_id\n1,0,1,a.jpg\n0,1,1,b.jpg\n1,1,0,c.jpg\n",
        "Image Index,A,B,C\na.jpg,1,0,1\nb.jpg,0,1,1\nc.jpg,1,1,0\n",
    ):
        table = read(tmp_path, text)
        assert list(table.rows.index) == ["a.jpg", "b.jpg", "c.jpg"] and table.rows.to_numpy().tolist() == TRUTH


def test_a_column_with_blanks_is_written_in_quotes_in_the_graph(tmp_path):
    message = refused(tmp_path, "Patient Age,Ill\n1,0\n0,1\n", graph=CausalGraph.from_text("Patient_Age -> Ill"))
    assert "Did you mean 'Patient Age'? In the graph its name is written in quotes: \"Patient Age\"." in message
    assert 'there are "Patient Age", Ill' in message


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ([[1], [2], [1]], "holds lists"),
        ([np.zeros(2)] * 3, "holds lists"),
        ([1j, 2j, 1j], "complex"),
        (pd.to_datetime(["2024-01-01"] * 3), "dates or times"),
        (["1,5", "2,5", "1,5"], "decimal comma"),
        (["?", "a", "b"], "missing values in 1 of 3"),
    ],
)
def test_a_data_frame_goes_through_the_same_checks(column, said):
    with pytest.raises(InputError, match=said):
        table_from_frame(pd.DataFrame({"A": [1, 0, 1], "B": column}), CausalGraph.from_text("A -> B"))


def test_names_of_several_levels_are_refused():
    frame = pd.DataFrame([[1, 0], [0, 1]], columns=pd.MultiIndex.from_tuples([("A", "x"), ("A", "y")]))
    with pytest.raises(InputError, match="names of 2 levels"):
        table_from_frame(frame, CausalGraph.from_text("A"))


def test_a_large_file_with_an_open_quote_is_refused_in_the_time_of_a_look_at_it(tmp_path):
    rows, seconds = "1,0,1\n0,1,1\n" * 500_000, []
    for text in (f"A,B,C\n{rows}", f'A,B,C\n"1,0,1\n{rows}'):
        path, start = write(tmp_path, text), time.process_time()
        with contextlib.suppress(InputError):
            read_labels(path, ABC)
        seconds.append(time.process_time() - start)
    assert seconds[1] < seconds[0] + 0.5


def test_quotes_within_values_that_are_not_quoted_are_letters(tmp_path):
    text = 'A,B,C,size,"note, long"\n1,0,1,5" nail,"a\nb"\n0,1,1,"say ""x""",-\n1,1,0,x" "y,"z"\n'
    assert read_labels(write(tmp_path, text), ABC).rows.to_numpy().tolist() == [[1, 0, 1], [0, 1, 1], [1, 1, 0]]


HEADED = pd.DataFrame([["A", "B", "C"], *TRUTH])  # as pandas gives a sheet that is read without a header


def sheets_of(monkeypatch, **sheets: pd.DataFrame) -> None:
    """Lets every Excel file hold these sheets, whether or not a reader is installed."""
    monkeypatch.setattr(pd, "read_excel", lambda *_, **__: sheets)


def test_an_excel_file_of_one_sheet_is_a_table(tmp_path, monkeypatch):
    path, below = write(tmp_path, "", "x.xlsx"), pd.concat([pd.DataFrame([[None] * 3] * 2), HEADED], ignore_index=True)
    for sheet in (HEADED, below):
        sheets_of(monkeypatch, one=sheet, empty=pd.DataFrame(), title=HEADED[:1])
        assert read_labels(path, ABC).rows.to_numpy().tolist() == TRUTH
    sheets_of(monkeypatch, one=HEADED, two=HEADED)
    with pytest.raises(InputError, match="2 sheets with rows; expected one"):
        read_labels(path, ABC)


def test_a_sheet_that_names_a_column_twice_or_misses_a_value_is_refused_at_its_line(tmp_path, monkeypatch):
    path = write(tmp_path, "", "x.xlsx")
    sheets_of(monkeypatch, one=HEADED.replace("C", "B"))
    with pytest.raises(InputError, match="more than one column 'B'"):
        read_labels(path, AB)
    sheets_of(monkeypatch, one=HEADED.mask((HEADED.index == 2)[:, None] & (HEADED.columns == 1)))
    with pytest.raises(InputError, match="missing values in 1 of 3 rows: B 1; first on line 3"):
        read_labels(path, ABC)


@pytest.mark.parametrize(
    "said, needed",
    [
        ("Missing optional dependency 'openpyxl'. Use pip or conda", "openpyxl"),
        ("`Import xlrd` failed. Install xlrd >= 2.0.1", "xlrd"),
        ("", "openpyxl"),
    ],
)
def test_excel_without_its_reader_says_what_to_install(tmp_path, monkeypatch, said, needed):
    def absent(*_: object, **__: object) -> None:
        raise ImportError(said)

    monkeypatch.setattr(pd, "read_excel", absent)
    with pytest.raises(InputError, match=f"needs {needed}: pip install {needed}, or save a csv"):
        read_labels(write(tmp_path, "", "x.xlsx"), ABC)


def test_an_excel_file_that_swells_is_refused_unread(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b" " * (tables.LARGEST_SHEET + 1))
    with pytest.raises(InputError, match="more than 128 MB when unpacked. Save its sheet as a csv"):
        read_labels(tmp_path / "x.xlsx", ABC)


@pytest.mark.extra("excel")
def test_an_excel_file_is_read_as_it_is_written(tmp_path):
    path, graph = tmp_path / "x.xlsx", CausalGraph.from_text("A -> B; C: continuous; D: categorical(NA, 01, 1)")
    frame = pd.DataFrame({"A": [0, 1, 1], "B": ["x", "y", "x"], "C": [0.5, 1.25, 3], "D": ["NA", "01", "1"]})
    expected = table_from_frame(frame, graph)
    for row, named in ((0, False), (2, True)):
        frame.to_excel(path, startrow=row, index=named)
        assert read_labels(path, graph).rows.equals(expected.rows)
    frame.loc[1, "C"] = None
    frame.to_excel(path, index=False)
    with pytest.raises(InputError, match="missing values in 1 of 3 rows: C 1; first on line 3"):
        read_labels(path, graph)
    path.write_text("A,B\n0,1\n")
    with pytest.raises(InputError, match="is no Excel file"):
        read_labels(path, graph)


@pytest.mark.parametrize(
    "text, said",
    [
        ("A;B\n1\u00a0234;0\n2\u00a0345;1\n", "marks between thousands"),
        ("A;B\n1\u202f234;0\n2\u202f345;1\n", "marks between thousands"),
        ('A,B\n"1,234",0\n"2,345",1\n', "a comma that marks thousands or decimals"),
        ("A,B\n\u22121.5,0\n\u22122.5,1\n", "a minus sign that is no hyphen"),
        ('A,B\n"=""1""",0\n"=""0""",1\n', "marks round the number"),
        ("A,B\n'1',0\n'0',1\n", "marks round the number"),
        ("A,B\n2020-01-01,0\n2020-01-02,1\n", "a date or time"),
        ("A,B\n01.02.2020,0\n02.02.2020,1\n", "a date or time"),
        ("A,B\n10:30,0\n11:30,1\n", "a date or time"),
        ("A,B\nx,u\nA,B\ny,v\n", "line 3 is the header again"),
        ("A,B\n'x,y',0\n'z,w',1\n", "nothing tells which"),
        ('A,B\n"x \\"q\\"",0\nz,1\n', "a backslash before a quote"),
        (b"\x1f\x8b\x08aaaa", "its ending is .gz"),
    ],
)
def test_a_value_in_a_form_that_is_not_understood_never_becomes_a_category(tmp_path, text, said):
    assert said in refused(tmp_path, text, graph=AB)


@pytest.mark.parametrize(
    "text",
    [
        "SEP=;\nA;B\n1;0\n0;1\n",
        "sep=\\t\nA\tB\n1\t0\n0\t1\n",
        "\ufeff\ufeffA,B\n1,0\n0,1\n",
        "\u200bA,B\n1,0\n0,1\n",
        "A,\tB\n1,\t0\n0,\t1\n",
        "A  B\n 1  0 \n 0\t1\n\n",
        "A|B\r\n1| 0\r\n0| 1\r\n",
    ],
)
def test_marks_before_the_header_and_blanks_round_values_are_no_part_of_them(tmp_path, text):
    assert read(tmp_path, text, graph=AB).rows.to_numpy().tolist() == [[1, 0], [0, 1]]


def test_dates_that_a_data_frame_holds_as_categories_are_categories():
    frame = pd.DataFrame({"A": pd.Categorical(["2020-01-01", "2020-01-02"]), "B": [0, 1]})
    assert table_from_frame(frame, AB).graph.variables["A"] == Categorical(("2020-01-01", "2020-01-02"))


@pytest.mark.parametrize(
    ("kind", "known"), [("(1, 2, 3)", "1 2 3"), ("(3, 1, 2, 4)", "3 1 2 4"), ("", "1 2 3"), ("(1.0, 2.0, 3.0)", None)]
)
def test_codes_that_a_gap_has_made_numbers_are_the_same_in_a_file_and_a_frame(tmp_path, kind, known):
    graph = CausalGraph.from_text(f"S; S: categorical{kind}")
    frame = pd.DataFrame({"S": [1, 2, None, 3]})
    frame.to_csv(tmp_path / "rows.csv")
    tables = [read_labels(tmp_path / "rows.csv", graph, drop_missing=True)]
    if known:
        frames = (frame, frame.astype(object), frame.astype(str), frame.astype("category"))
        tables += [table_from_frame(rows, graph, drop_missing=True) for rows in frames]
    for table in tables:
        names = table.graph.variables["S"].categories
        assert names == (tuple(known.split()) if known else ("1.0", "2.0", "3.0"))
        assert [names[place][0] for place in table.rows["S"]] == ["1", "2", "3"] and table.dropped == 1


def test_versions_are_no_codes_that_a_gap_has_made_numbers(tmp_path):
    table = read(tmp_path, "S\n1.0\n1.5\n2.0\n", graph=CausalGraph.from_text("S; S: categorical"))
    assert table.graph.variables["S"].categories == ("1.0", "1.5", "2.0")
    frame = pd.DataFrame({"S": pd.Categorical(["1.0", "2.0"], categories=["2.0", "1.0", "old"])})
    table = table_from_frame(frame, CausalGraph.from_text("S"))
    assert table.graph.variables["S"].categories == ("2.0", "1.0", "old") and table.rows["S"].tolist() == [1, 0]


def test_a_column_of_one_pandas_category_is_refused_as_texts_are():
    frame = pd.DataFrame({"A": pd.Categorical(["yes", "yes", "yes"]), "B": [0, 1, 1]})
    for column in (frame["A"], frame["A"].astype(object)):
        with pytest.raises(InputError, match="'A' holds only 'yes': it carries no information"):
            table_from_frame(frame.assign(A=column), AB)
    graph = CausalGraph.from_text("A; B; A: categorical(no, yes)")
    assert table_from_frame(frame, graph).rows["A"].tolist() == [1, 1, 1]


def test_rows_are_the_same_with_and_without_the_fast_way(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    for separator in ",\t;| ":
        rows = "".join(separator.join(rng.choice(["0", "1", "1.5", "x"], 3)) + "\n" for _ in range(20))
        text = separator.join("ABC") + "\n" + rows
        graph = CausalGraph.from_text("A: categorical; B: categorical; C: categorical")
        fast = read(tmp_path, text, graph=graph).rows
        with monkeypatch.context() as patch:
            patch.setattr(text_tables, "_plain_rows", lambda *_: None)
            pd.testing.assert_frame_equal(fast, read(tmp_path, text, graph=graph).rows)


@pytest.mark.parametrize("text", ["A\tB\n" + "\t" * 300_000, " " * 300_000 + "A B\n1 0\n", "A,B\n" + "," * 300_000])
def test_a_long_line_of_blanks_or_separators_is_refused_in_seconds(tmp_path, text):
    refused(tmp_path, text, graph=AB)
