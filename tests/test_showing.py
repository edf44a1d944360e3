"""What values say of themselves, and what a notebook shows of them."""

import io
import pathlib

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from causalgan_tf.config.run import DataConfig, RunConfig
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.inference.causal_model import CausalModel
from causalgan_tf.inference.distribution import LabelDistribution
from causalgan_tf.inference.query import Query
from causalgan_tf.inference.samples import Samples
from causalgan_tf.runs.run_folder import Run, build_image_generator, build_mechanisms
from causalgan_tf.runs.run_graph import RunGraph

GRAPH = CausalGraph.from_text("Age -> Smoke; Smoke -> Ill; Age: continuous(0, 110); Smoke: categorical(never, now)")
SHAPE = (20, 16, 16, 3)


def samples(images: np.ndarray | None = None, category: str = "now") -> Samples:
    frame = pd.DataFrame({"Age": [30.0] * 20, "Smoke": [category] * 20, "Ill": [1] * 20})
    return Samples(frame, images, np.arange(20), Query.create(GRAPH, {"Smoke": "now"}, {"Ill": 1}))


def test_a_graph_says_its_nodes_edges_and_types():
    assert repr(GRAPH) == (
        "CausalGraph: 3 nodes, 2 edges\n"
        "edges: Age -> Smoke; Smoke -> Ill\n"
        "types: Age: continuous(0, 110); Smoke: categorical(never, now); Ill: binary"
    )
    assert repr(CausalGraph.from_text("Lonely")) == "CausalGraph: 1 node, 0 edges\nedges: none\ntypes: Lonely: binary"


def test_a_graph_of_many_nodes_is_told_in_a_few_lines():
    big = CausalGraph({f"node_{k}": [f"node_{k - 1}"] if k else [] for k in range(500)})
    assert len(repr(big)) < 1_000 and len(repr(big).splitlines()) == 3
    assert big._repr_svg_() is None


def test_a_notebook_draws_a_graph_with_escaped_names():
    svg = CausalGraph.from_text('"<script>" -> B')._repr_svg_()
    assert "<svg" in svg and "<script>" not in svg


def test_a_query_and_a_distribution_say_what_they_are_of():
    assert repr(samples().query) == "Query(do(Smoke=now), Ill=1)"
    assert repr(Query.create(GRAPH)) == "Query(no do, no given)"
    graph = CausalGraph.from_text("A -> B")
    law = LabelDistribution.fit(graph, np.array([[0, 0], [1, 1]] * 20))
    assert repr(law).splitlines()[:2] == [
        "LabelDistribution: 2 labels, 4 cells; 2 parent cells of fewer than 30 rows",
        "tables: P(A); P(B | A)",
    ]


def test_samples_say_rows_do_given_and_images():
    assert repr(samples()).splitlines() == [
        "Samples: 20 rows, do(Smoke=now), Ill=1",
        "labels: Age, Smoke, Ill",
        "images: none",
    ]
    assert "images: uint8 [20, 16, 16, 3]" in repr(samples(np.zeros(SHAPE, np.uint8)))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_notebook_shows_the_first_images_as_a_grid(channels):
    images = np.zeros((*SHAPE[:3], channels), np.uint8)
    images[9] = 200
    picture = np.asarray(Image.open(io.BytesIO(samples(images)._repr_png_())).convert("RGB"))
    assert picture.shape == (2 * 18, 8 * 18, 3)
    assert (picture[19:35, 19:35] == 200).all() and (picture[1:17, 1:17] == 0).all() and (picture[0] == 255).all()


def test_a_notebook_shows_labels_escaped():
    page = samples(np.zeros(SHAPE, np.uint8), "<script>")._repr_html_()
    assert "&lt;script&gt;" in page and "<script>" not in page and "data:image/png;base64" in page
    assert samples()._repr_png_() is None and "<img" not in samples()._repr_html_()


def test_a_model_and_a_run_say_labels_image_size_and_checkpoints(tmp_path):
    graph = CausalGraph.from_text("A -> B")
    config = RunConfig(DataConfig(image_size=16))
    model = CausalModel(graph, build_mechanisms(config, graph), build_image_generator(config, graph))
    assert repr(model).splitlines()[0] == "CausalModel: 2 labels, images of [16, 16, 3]"
    assert repr(CausalModel(graph, build_mechanisms(config, graph))).startswith("CausalModel: 2 labels, no images")
    run = Run(pathlib.Path(tmp_path), config, RunGraph(graph, graph))
    assert repr(run).splitlines()[:2] == [f"Run in {tmp_path}: causal_faces, images of 16 x 16", "checkpoints: none"]
