"""What TensorBoard shows of a run at its start and its end, and of images while they are trained."""

import itertools
from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from causalgan_tf import noise
from causalgan_tf.data import Dataset
from causalgan_tf.evaluation.interventions import single_interventions
from causalgan_tf.graphs import drawing
from causalgan_tf.graphs.names import safe
from causalgan_tf.inference.causal_model import CausalModel
from causalgan_tf.inference.query import Query
from causalgan_tf.learners.image_learner import ImageLearner
from causalgan_tf.networks.codecs import codec_of
from causalgan_tf.reporting import gallery
from causalgan_tf.runs.event_log import Shown
from causalgan_tf.runs.run_folder import Run
from causalgan_tf.runs.tags import MEAN

IMAGES = 1_024  # images of all interventions together
READ = 256  # images that a labeler reads at once
DRAWN = 60  # nodes; a drawing of more cannot be read
ALL_PICTURES = 5  # every fifth time all kinds of pictures are drawn for TensorBoard: they take seconds
# figures at the end of a training that TensorBoard compares runs by
COMPARED = (
    *("controller/negative_log_likelihood", "controller/critic_loss", "controller/generator_loss"),
    *("images/generator_loss", "images/label_agreement", "images/convergence"),
    *("labels/tvd", "labels/do_tvd_mean", "labels/do_tvd_max", "labels/error", f"effectiveness/{MEAN}"),
)


def first_summaries(run: Run, picture: bool = False) -> Shown:
    """What TensorBoard says of a run: its graph and its configuration in Markdown, and the graph's picture."""
    texts = {"run/graph": f"`{run.graph.to_text()}`", "run/configuration": f"```json\n{run.config.to_json()}```"}
    drawn = {}
    if picture and len(run.graph) <= DRAWN:
        drawn["pictures/graph"] = np.asarray(drawing.graph_picture(run.graph))
    return Shown(pictures=drawn, texts=texts)


def final_figures(after: Sequence[keras.callbacks.Callback]) -> dict[str, float]:
    """The last of the figures that TensorBoard compares runs by, as final/GROUP_NAME."""
    latest: dict[str, float] = {}
    for shown in after:
        latest |= getattr(shown, "latest", {})
    return {f"final/{tag.replace('/', '_').replace('*', '')}": latest[tag] for tag in COMPARED if tag in latest}


def image_look(model: CausalModel, learner: ImageLearner, dataset: Dataset) -> Callable[[], Shown]:
    """A function that shows pictures, and how often the labeler of the training reads off images what do() has set.

    Of a learner without labeler it shows pictures alone.
    """
    graph, labeler, looks = model.graph, learner.players.get("labeler"), itertools.count()
    vectors = [Query.create(graph, do).do_vector(graph) for _, do in single_interventions(graph, dataset.label_rows)]
    n = max(1, min(32, IMAGES // len(vectors)))
    do, seeds = np.repeat(vectors, n, axis=0), np.tile(noise.row_seeds(3, 0, n).numpy(), len(vectors))
    tolerances = np.array([codec_of(variable).tolerance() for variable in graph.variables.values()])

    @tf.function(autograph=False)
    def read(images: tf.Tensor) -> tf.Tensor:
        return learner.codec.read(labeler(tf.cast(images, tf.float32) / 127.5 - 1.0, training=False))

    def effectiveness() -> dict[str, float]:
        images = model.images.draw(model.labels.under(seeds, do), seeds)
        said = np.concatenate([read(images[first : first + READ]).numpy() for first in range(0, len(images), READ)])
        right = np.abs(said - do) < tolerances
        each = {node: float(right[~np.isnan(do[:, k]), k].mean()) for k, node in enumerate(graph.nodes)}
        shares = {f"effectiveness/{safe(node)}": share for node, share in each.items()}
        return shares | {f"effectiveness/{MEAN}": float(np.mean(list(each.values())))}

    def look() -> Shown:
        kinds = ("do_given",) if next(looks) % ALL_PICTURES else tuple(gallery.KINDS)
        pictures = {f"pictures/{name}": picture for name, picture in gallery.summary_pictures(model, kinds).items()}
        captions = {
            tag: gallery.KINDS[kind].caption for tag in pictures if (kind := tag.split("/")[1]) in gallery.KINDS
        }
        return Shown(effectiveness() if labeler else {}, pictures, descriptions=captions)

    return look
