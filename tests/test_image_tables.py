"""The result table of images: means and spreads of made-up reports, and of real ones in form."""

import json
import pathlib

import causalgan_tf
from tools.benchmarks import image_tables

REPORT = pathlib.Path(causalgan_tf.__file__).parent / "builtin" / "faces" / "report.json"


def changed(cfid):
    made = json.loads(REPORT.read_text(encoding="utf-8"))
    made["images"]["cfid"]["observational"] = cfid
    return made


def line(table, quantity):
    return table[table.quantity == quantity].iloc[0]


def test_a_column_of_several_runs_has_their_mean_and_standard_deviation():
    table = image_tables.table({"three": [changed(1.0), changed(2.0), changed(3.0)], "one": [changed(4.5)]})
    row = line(table, "cFID, features of the classifier: observational")
    assert (row["three"], row["one"]) == ("2.00 ± 1.00", "4.50")


def test_what_it_should_be_is_said_of_real_images_and_of_the_exact_distribution():
    found = changed(1.0)
    table = image_tables.table({"one": [found]})
    assert line(table, "recall (k = 5)")["what it should be"] == image_tables.short(
        found["images"]["recall"]["control"], 3
    )
    query = next(one for one in found["labels"]["queries"] if one["query"].endswith("do(Mustache=1))"))
    assert line(table, query["query"])["what it should be"] == image_tables.short(query["truth"], 4) == ".5832"


def test_interventions_that_training_images_hardly_show_have_a_line_each():
    found = changed(1.0)
    quantities = set(image_tables.table({"one": [found]}).quantity)
    thin = {do for do, share in found["images"]["support"].items() if share < found["images"]["supported_from"]}
    assert thin and {f"cFID: {do}" for do in thin} == {text for text in quantities if text.startswith("cFID: do(")}
