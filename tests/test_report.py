"""The report: complete, valid JSON, and a page that needs nothing but itself."""

import dataclasses
import html
import html.parser
import json
import math
import re
import shutil
import subprocess
import tempfile

import numpy as np
import pytest
import squares
from PIL import Image

from causalgan_tf import evaluation
from causalgan_tf.graphs import drawing
from causalgan_tf.reporting import gallery, report
from causalgan_tf.reporting.run_evaluation import evaluate

SIZES = evaluation.EvaluationSizes(draws=5_000, effectiveness=50, uniform=50, cfid=100, judge_test=50, judge_steps=25)
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
NODES = set(squares.GRAPH.nodes)


class Page(html.parser.HTMLParser):
    """Collects the text, the attributes that load something, and tags left open."""

    VOID = {"meta", "img", "br", "link"}

    def __init__(self, text):
        super().__init__()
        self.words, self.loaded, self.open, self.ids, self.links = [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        linked = [value for name, value in attrs if name in ("src", "href", "srcset", "data")]
        self.links += [value.removeprefix("#") for value in linked if value.startswith("#")]
        self.loaded += [value for value in linked if not value.startswith("#")]
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    workdir, world, model = tmp_path_factory.mktemp("run"), squares.dataset(n=300), squares.PerfectModel()
    numbers = evaluate(model, world, squares.CONFIG, workdir, SIZES)
    drawn = gallery.report_pictures(model, world, seed=0) | {"graph": drawing.graph_picture(squares.GRAPH, image=True)}
    report.write_report(workdir, numbers, drawn)
    return workdir / "report"


@pytest.fixture(scope="module")
def numbers(folder):
    return json.loads((folder / "report.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def page(folder):
    return Page((folder / "report.html").read_text(encoding="utf-8"))


def test_the_labels_part_is_complete(numbers):
    assert {"tvd", "tvd_floor", "tvd_to_graph_law", "off_support_mass", "n", "do", "queries"} <= set(numbers["labels"])
    assert {"mean_tvd", "max_tvd", "worst"} <= set(numbers["labels"]["do"])
    assert all({"query", "model", "truth"} <= set(row) for row in numbers["labels"]["queries"])


def test_the_images_part_is_complete(numbers):
    images = numbers["images"]
    assert set(images["effectiveness"]["observational"]["labels"]) == NODES
    assert set(images["effectiveness"]["uniform_cells"]["labels"]) == NODES
    assert set(images["effectiveness"]["do"]["labels"]) == NODES
    assert set(images["balanced_accuracy"]) == set(images["judge"]) == NODES
    assert {"observational", "do", "control"} <= set(images["cfid"])
    for part in ("precision", "recall", "density", "coverage"):
        assert set(images[part]) == {"model", "control"}
    assert set(images["kid"]) == {"model", "model_error", "control", "control_error"}
    assert images["features"] == {"extractor": "judge", "width": 64, "distance": "cFID", "neighbours": 5}
    assert set(images["diversity"]) == {"model", "real"}


def test_timing_and_configuration_are_kept(numbers):
    phases = {"install_s", "data_s", "controller_train_s", "image_train_s", "evaluate_s", "total_s"}
    assert set(numbers["timing"]) == phases
    assert numbers["config"] == json.loads(squares.CONFIG.to_json())


def test_values_that_json_lacks_become_null():
    text = report.to_json({"a": math.nan, "b": [np.float64("inf"), np.int64(3)], "c": {"d": np.float32(0.5)}})
    assert json.loads(text) == {"a": None, "b": [None, 3], "c": {"d": 0.5}}


def test_the_page_loads_nothing(page, folder):
    assert page.loaded
    assert all(value.startswith("data:image/webp;base64,") for value in page.loaded)
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"https?://|@import|url\(|<script", text)


def test_the_page_closes_what_it_opens(page):
    assert page.open == []


def test_every_link_leads_to_a_heading_of_its_own(page):
    assert len(set(page.ids)) == len(page.ids) and set(page.links) <= set(page.ids)
    contents = ("what-can-be-trusted", "the-causal-graph", "labels", "do-the-images-show-their-labels", "the-run")
    assert set(contents) <= set(page.links)


def test_many_large_pictures_leave_the_page_below_two_megabytes(numbers):
    rng = np.random.default_rng(0)
    noise = {
        f"{kind}_{node}": Image.fromarray(rng.integers(0, 256, (312, 526, 3), np.uint8))
        for kind in ("do_given", "switched")
        for node in [f"L{k}" for k in range(30)]
    }
    text = report.to_html(numbers, noise)
    assert 1_000_000 < len(text.encode()) < 2_000_000
    page = " ".join(" ".join(Page(text).words).split())
    # either kind shows its first labels and names the rest
    assert page.count("Beside this page, for it would be too large, are the pictures of") == 2
    assert text.count('alt="Intervention above, condition below: L0"') == 1 and "L28, L29." in page


def browser(*options: object) -> str:
    """What headless Chromium prints; in a profile of its own, which asks no server for anything."""
    with tempfile.TemporaryDirectory() as profile:
        quiet = ("quic", "gpu", "background-networking", "component-update", "sync")
        flags = [f"--disable-{name}" for name in quiet] + [f"--user-data-dir={profile}"]
        return subprocess.run(
            [CHROMIUM, "--headless", "--no-sandbox", "--no-first-run", *flags, *map(str, options)],
            check=True,
            capture_output=True,
            text=True,
            timeout=120,
        ).stdout


@pytest.mark.skipif(not CHROMIUM, reason="there is no chromium")
@pytest.mark.parametrize("width", [390, 1280])
def test_in_a_browser_the_page_is_no_wider_than_the_screen(folder, tmp_path, width):
    page = html.escape((folder / "report.html").read_text(encoding="utf-8"))
    # how far it scrolls sideways in a frame as wide as the screen: a window of a browser has a least width
    measured = "let all = this.contentDocument.documentElement; document.title = all.scrollWidth - all.clientWidth"
    outer = tmp_path / "outer.html"
    outer.write_text(f'<iframe width={width} height=800 style="border:0" srcdoc="{page}" onload="{measured}"></iframe>')
    assert "<title>0</title>" in browser("--dump-dom", f"--window-size={width + 100},900", outer.as_uri())


@pytest.mark.skipif(not CHROMIUM, reason="there is no chromium")
def test_names_that_are_markup_are_text_in_a_browser(tmp_path):
    bad = "<script>document.title='run'</script>"
    joint = dict.fromkeys(("tvd", "tvd_floor", "tvd_to_graph_law", "tvd_data_to_graph_law", "off_support_mass"), 0.01)
    values = figures(queries=[{"query": f"P({bad}=1)", "model": 0.5, "truth": 0.25}], **joint)
    (tmp_path / "page.html").write_text(report.to_html({**values, "graph": bad}, {}), encoding="utf-8")
    shown = browser("--dump-dom", (tmp_path / "page.html").as_uri())
    assert "<title>Causal controller report</title>" in shown and "<script" not in shown
    assert shown.count(html.escape(bad, quote=False)) == 2


def test_the_page_says_the_statements_with_their_numbers(page, numbers):
    text = " ".join(page.words)
    for row in numbers["labels"]["queries"]:
        assert f"{row['query']} {row['model']:.4f} {row['truth']:.4f}" in text


def test_the_page_names_every_label_the_graph_and_what_the_cfid_is_not(page):
    text = " ".join(page.words)
    assert all(node in text for node in NODES)
    assert squares.GRAPH.to_text() in text
    assert "It is no FID" in text
    assert "CausalGAN · causal_faces · graph" in text


def test_every_picture_is_a_file_beside_the_page(folder):
    names = {path.stem for path in folder.glob("*.png")}
    assert {"samples", "real", "do_given_Mustache", "switched_Mustache"} <= names
    with Image.open(folder / "samples.png") as picture:
        assert picture.format == "PNG"


def test_every_kind_of_picture_has_a_section_with_its_caption(page):
    text = " ".join(" ".join(page.words).split())
    for kind in gallery.KINDS.values():
        assert f"{kind.title} {kind.caption}" in text


def test_a_run_of_labels_has_a_report_without_images(tmp_path):
    world, model = squares.dataset(n=100), squares.LabelsOnlyModel()
    numbers = evaluate(model, world, squares.CONFIG, tmp_path, SIZES)
    report.write_report(tmp_path, numbers, {})
    assert {path.name for path in (tmp_path / "report").iterdir()} == {"report.json", "report.html", "causalgan-files"}
    assert "images" not in json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))


def figures(**labels):
    """The numbers of a run of labels, those given in place of nothing."""
    nothing = (
        "tvd",
        "tvd_floor",
        "do",
        "do_marginals",
        "marginals",
        "pairs",
        "mmd",
        "lost_values",
        "thin_cells",
        "do_support",
        "independences",
    )
    return {
        "labels": dict.fromkeys(nothing) | {"n": 5_000, "n_data": 4_000, "queries": []} | labels,
        "law": None,
        "graph": "A -> B",
        "config": json.loads(squares.CONFIG.to_json()),
        "timing": {"evaluate_s": 1.0, "total_s": 2.0},
        "sizes": {},
        "versions": {},
    }


def test_labels_that_cannot_be_enumerated_are_shown_one_by_one_two_by_two_and_as_points():
    each = {"Sex": {"error": 0.0123}, "Age": {"mean_error_sd": -0.0456, "wasserstein_sd": 0.0789}}
    alone = {"sampling_error": 0.0106, "each": each, "worst": "Sex", "max_error": 0.0123}
    alone |= {"worst_continuous": "Age", "max_wasserstein_sd": 0.0789}
    pairs = {"mean_error": 0.0034, "max_error": 0.0345, "worst": "Sex=1, Smoke=never", "count": 3}
    mmd = {"mmd2": 0.00123, "band": 0.00321, "sigma": 1.0, "n": 2_000}
    page = Page(report.to_html(figures(marginals=alone, pairs=pairs, mmd=mmd), {}))
    text = " ".join(page.words)
    assert page.open == []
    for words in (
        "Each label alone 0.012 largest error of a probability, at Sex",
        "Each continuous label alone 0.079 sd largest Wasserstein-1 distance to the data, at Age",
        "Labels two by two 0.035",
        "at Sex=1, Smoke=never; the mean is 0.0034",
        "All labels together 0.00123 squared maximum mean discrepancy",
        "of two sets of 2,000 real rows 95 % are below 0.00321",
        "Age – -0.0456 0.0789",
        "Interventions are not measured here",
    ):
        assert words in text
    assert "total variation" not in text and len(page.loaded) == 2  # two charts


def test_where_the_data_tell_little_is_listed():
    fewest = [
        {"node": "Trip", "parents": {"Sky": "rain", "Wet": 0}, "rows": 3},
        {"node": "Sky", "parents": {}, "rows": 9},
    ]
    thin = {"below": 30, "count": 2, "of": 10, "fewest": fewest}
    alone = {"sampling_error": 0.01, "each": {}, "max_error": None, "worst": None}
    alone |= {"worst_continuous": None, "max_wasserstein_sd": None}
    text = " ".join(Page(report.to_html(figures(thin_cells=thin, marginals=alone), {})).words)
    assert "2 of 10 settings of a label's parents have fewer than 30 rows" in text
    assert "Trip Sky=rain, Wet=0 3" in text and "Sky no parents 9" in text
    none = {"below": 30, "count": 0, "of": 10, "fewest": []}
    text = " ".join(Page(report.to_html(figures(thin_cells=none, marginals=alone), {})).words)
    assert "Nowhere: every setting of a label's parents has 30 rows or more." in text


def test_a_chart_shows_the_largest_of_many_interventions():
    each = {f"do(A={i})": i / 1_000 for i in range(100)}
    do = {"mean_tvd": 0.05, "max_tvd": 0.099, "worst": "do(A=99)", "each": each, "draws": 1_000}
    joint = dict.fromkeys(("tvd", "tvd_floor", "tvd_to_graph_law", "tvd_data_to_graph_law", "off_support_mass"), 0.01)
    page = Page(report.to_html(figures(do=do, **joint), {}))
    text = " ".join(page.words)
    assert "Every single intervention, the 60 largest of 100" in text
    assert "do(A=0) 0.0000" in text  # in the table all the same
    assert "each drawn 1,000 times in every cell of its parents: there is no sampling floor" in text
    stated = Page(report.to_html(figures(do=do | {"draws": 0}, **joint), {}))
    assert "computed from its mechanisms, which state it: nothing is drawn" in " ".join(stated.words)


def test_without_a_renderer_the_page_says_so(numbers):
    images = {**numbers["images"], "judge_cells": "observational"}
    images["cfid"] = {**images["cfid"], "do": None, "do_supported": None, "do_each": {}}
    text = report.to_html({**numbers, "images": images}, {})
    assert "no renderer" in text
    assert "observational images only" in text


def test_the_page_says_how_the_judge_was_trained_what_it_says_and_what_else_moves(numbers):
    images = dict(numbers["images"])
    shares = {"real": 0.512, "n": 1_234, "observational": 0.345, "do": None}
    images["judge_recall"] = {"Mustache": {"1": shares}}
    images["judge_training"] = {"balanced": True, "overlap": {"Male": True, "Mustache": False}, "calibrated": {}}
    each = {"do(Mustache=1)": {"mean": 0.0625, "rows": 321, "labels": {"Young": 0.0, "Male": 0.125}}}
    off = {"mean": 0.0625, "largest": 0.125, "worst": "do(Mustache=1): Male", "truth": "none", "n": 400, "each": each}
    page = Page(report.to_html({**numbers, "images": images | {"off_target": off}}, {}))
    text = " ".join(" ".join(page.words).split())
    assert page.open == []
    assert "too few such images, so from all, of Mustache), and its" in text
    assert "calibrated on images held back (all labels)" in text
    assert "Mustache=1 51.2 % 1,234 34.5 % –" in text
    assert "by 0.0625 : 0 is right" in text or "by 0.0625: 0 is right" in text
    assert "do(Mustache=1) 321 0.0625 0.1250 Male" in text and "labels that X does not cause" in text
    nothing = off | {"mean": None, "largest": None, "worst": None, "each": {}}
    assert "Not measured: no intervention" in report.to_html(
        {**numbers, "images": images | {"off_target": nothing}}, {}
    )


def test_every_figure_of_the_image_law_has_its_control_beneath(numbers, page):
    images = numbers["images"]
    for side, real in (("model", "model"), ("control", "real")):
        kid, spheres = images["kid"], [100 * images[part][side] for part in ("precision", "recall")]
        row = f"{kid[side]:.4f} ± {kid[f'{side}_error']:.4f} {spheres[0]:.1f} % {spheres[1]:.1f} % "
        row += f"{images['density'][side]:.2f} {100 * images['coverage'][side]:.1f} % {images['diversity'][real]:.3f}"
        assert row in " ".join(page.words)


def test_the_page_says_which_interventions_the_images_support(numbers, page):
    images, text = numbers["images"], " ".join(page.words)
    name = "do(Mustache=1)"
    assert f"{name} {images['cfid']['do_each'][name]:.2f} {100 * images['support'][name]:.1f} %" in text
    assert f"mean cFID is {images['cfid']['do_supported']:.2f}." in text


def test_with_inceptions_features_the_distance_is_called_fid(numbers):
    images = {**numbers["images"], "features": {"extractor": "inception_v3", "width": 2048, "distance": "FID"}}
    images["features"]["neighbours"] = 5
    images["fid"] = images.pop("cfid")
    text = report.to_html({**numbers, "images": images}, {})
    assert "FID under do" in text and "cFID" not in text and "Inception-v3" in text


def test_names_cannot_break_the_page(numbers):
    config = {**numbers["config"], "data": {**numbers["config"]["data"], "graph": "<script>alert(1)</script>"}}
    assert "<script>" not in report.to_html({**numbers, "config": config}, {})


def test_the_causal_graph_is_drawn(folder, page):
    assert "The causal graph" in page.words
    with Image.open(folder / "graph.png") as picture:
        assert picture.width > 100


def test_names_of_labels_and_categories_are_escaped_everywhere():
    bad = "<img src=x onerror=alert(1)>"
    alone = {"sampling_error": 0.01, "each": {bad: {"error": 0.1}}, "worst": bad, "max_error": 0.1}
    alone |= {"worst_continuous": None, "max_wasserstein_sd": None}
    fewest = [{"node": bad, "parents": {bad: bad}, "rows": 3}]
    labels = {"thin_cells": {"below": 30, "count": 1, "of": 10, "fewest": fewest}, "marginals": alone}
    labels["queries"] = [{"query": f"P({bad}=1)", "model": 0.5, "truth": 0.25}]
    errors = {"max_error": 0.1, "max_wasserstein_sd": None}
    labels["do_marginals"] = {"n": 10, "each": {f"do({bad}=1)": errors}, **errors}
    text = report.to_html({**figures(**labels), "graph": bad}, {})
    assert "<img src=x" not in text and text.count("&lt;img src=x onerror=alert(1)&gt;") >= 7


def test_metrics_have_the_keys_of_the_report(numbers):
    images = evaluation.ImageMetrics
    names = {field.name for field in dataclasses.fields(images)} - {"frechet"} | {"cfid"}
    assert set(numbers["images"]) == names
    assert set(numbers["labels"]) == {field.name for field in dataclasses.fields(evaluation.LabelMetrics)}
