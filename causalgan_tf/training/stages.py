"""Training of a run, stage after stage: data + strategy + learner + callbacks."""

import contextlib
import dataclasses
import functools
import math
import os
import pathlib
import shlex
import time
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from causalgan_tf.config import budget
from causalgan_tf.config.controller import OBJECTIVES, ControllerConfig
from causalgan_tf.config.image import ImageConfig
from causalgan_tf.config.run import RunConfig
from causalgan_tf.data import Dataset, pipeline
from causalgan_tf.data.dataset import label_cells, label_ranges, mixed_weights, training_cells
from causalgan_tf.evaluation.label_limits import label_limits
from causalgan_tf.graphs.cells import enumerable, histogram
from causalgan_tf.inference.causal_model import CausalModel
from causalgan_tf.inference.label_sampler import LabelSampler
from causalgan_tf.inference.limits import LabelLimits
from causalgan_tf.inference.query import Query
from causalgan_tf.learners.learner import Learner, Rows
from causalgan_tf.metrics.images import mean_pairwise_distance_within_cells
from causalgan_tf.metrics.tvd import total_variation
from causalgan_tf.networks.label_codec import LabelCodec
from causalgan_tf.runs import replicas, run_folder
from causalgan_tf.runs.checkpoints import Saver
from causalgan_tf.runs.event_log import Log
from causalgan_tf.runs.hparams import write_final
from causalgan_tf.runs.limits_file import save_limits
from causalgan_tf.runs.run_folder import Run, build_mechanisms
from causalgan_tf.system import interrupts
from causalgan_tf.system.clusters import Cluster
from causalgan_tf.system.locks import locked
from causalgan_tf.training import callbacks, devices, summaries
from causalgan_tf.training.builders import build_controller, build_images
from causalgan_tf.training.label_looks import label_bars, label_look
from causalgan_tf.training.looks import final_figures, first_summaries, image_look
from causalgan_tf.training.requirements import check_dataset, check_shares, check_stages, description
from causalgan_tf.training.workers import Workers

LABEL_LOOKS = 4  # looks at the labels, which take about as long as a hundred steps each


def train(
    config: RunConfig,
    workdir: str | pathlib.Path,
    stages: tuple[str, ...] = run_folder.STAGES,
    strategy: str = "default",
    logical_devices: int = 0,
    num_devices: int = 0,
    say: Callable[[str], None] = lambda line: None,
) -> None:
    """Trains the stages of a run that are not trained yet; an interrupted run goes on where its last checkpoint is.

    Of several workers all call it, and the chief alone uses the run folder; see training.workers.

    Args:
        config: what to learn.
        workdir: the run folder; made if it does not exist.
        stages: some of run_folder.STAGES, in any order; `images` needs a trained controller.
        strategy: see devices.make_strategy.
        logical_devices: see devices.make_strategy.
        num_devices: see devices.make_strategy.
        say: takes a line of news.

    Raises:
        InputError: input that cannot be trained on; raised before any training starts. Or another worker has ended.

    Examples:
        >>> frame = pd.DataFrame({"Old": [0, 0, 0, 1] * 500, "Smokes": [0, 1, 1, 0] * 500})
        >>> frame.to_csv("mine.csv", index=False)
        >>> data = DataConfig(dataset="table", labels_file="mine.csv", graph="Old -> Smokes")
        >>> train(RunConfig(data, ControllerConfig(steps=100)), "runs/mine", stages=("controller",))
        >>> sorted(path.name for path in pathlib.Path("runs/mine").glob("*.json"))
        ['config.json', 'devices.json', 'graph.json', 'limits.json', 'timing.json']
    """
    workdir, stages = pathlib.Path(workdir), check_stages(stages, config)
    if strategy == "multi_worker":
        say(Cluster.of(os.environ).told)
    workers = Workers(devices.make_strategy(strategy, logical_devices, num_devices))
    say(devices.described(workers.strategy))
    check_shares(config, stages, workers.strategy.num_replicas_in_sync)
    with workers.watched(), contextlib.ExitStack() as stack:
        if not workers.is_chief:
            workers.largest(0)  # the chief prepares the data, which others find then if they share its disks
            return _train(*Run.create(workdir, config).with_data(stages == ("controller",)), stages, workers, say)
        if workdir.is_dir():
            stack.enter_context(locked(workdir))
        run, dataset = _begun(Run.create(workdir, config), stages, workers, say, stack)
        workers.largest(0)
        return _train(run, dataset, stages, workers, say)


def _begun(
    run: Run, stages: tuple[str, ...], workers: Workers, say: Callable[[str], None], stack: contextlib.ExitStack
) -> tuple[Run, Dataset]:
    """The run with its data, both checked and the folder written; one that is made here is locked in `stack`."""
    if "controller" not in stages:
        run.require("controller")
    start = time.perf_counter()
    run, dataset = run.with_data(labels_only=stages == ("controller",))
    budget.check_training(run.config, dataset.graph, stages)
    check_dataset(dataset, run.config, stages)
    for line in description(dataset, run):
        say(line)
    run.begin(stack, time.perf_counter() - start)
    now = workers.strategy.num_replicas_in_sync
    before = replicas.exchange(run.workdir, now)
    if before not in (0, now):
        say(f"replicas: {before} before, {now} now: the global batches stay, and what is learnt, up to rounding")
    say(f"TensorBoard: tensorboard --logdir={shlex.quote(str(run.workdir / 'logs'))}")
    return run, dataset


def _train(run: Run, dataset: Dataset, stages: tuple[str, ...], workers: Workers, say: Callable[[str], None]) -> None:
    """Trains stages in their order."""
    workers.agree(replicas.identity(run, dataset), "the configuration, the graph and the rows")
    for stage in stages:
        steps = train_stage(run, stage, dataset, workers)
        say(f"{stage}: {steps:,} steps trained")
        if stage == "controller" and workers.is_chief and run.has(stage):
            for line in measured_limits(run, dataset).brief():
                say(f"  {line}")


Watchers = tuple[list[keras.callbacks.Callback], list[keras.callbacks.Callback]]


@dataclasses.dataclass(frozen=True)
class Stage:
    """A stage of a training, ready to go on.

    Attributes:
        name: one of run_folder.STAGES, the folder of its checkpoints.
        title: what the progress bar says.
        learner: what is trained.
        settings: its part of the configuration, which says for how many steps and how often it is saved.
        watch: (steps done, saver, log) to callbacks that look on before a checkpoint is saved, and to
            those that do so after it.
        rows: the real rows, see learners.learner.Rows; None where the learner holds its rows.
        reached: whether the aim is reached before the last step.

    >>> run, dataset = Run.open("runs/people").with_data(labels_only=True)
    >>> stage = controller_stage(run, dataset, Workers(tf.distribute.get_strategy()))  # untrained
    >>> stage.name, stage.steps, stage.learner.steps_done(), stage.reached(0)
    ('controller', 400, 0, False)
    """

    name: str
    title: str
    learner: Learner
    settings: ControllerConfig | ImageConfig
    watch: Callable[[Callable[[], int], Saver, Log], Watchers]
    rows: Rows | None = None
    reached: Callable[[int], bool] = lambda step: False

    @property
    def steps(self) -> int:
        """Steps that it is trained in all."""
        return self.settings.steps

    @property
    def save_after(self) -> int:
        """Steps behind a checkpoint from which on the next is saved."""
        return save_after(self.settings)


def train_stage(run: Run, name: str, dataset: Dataset, workers: Workers) -> int:
    """Trains a stage up to its configured steps; returns the steps done in all.

    Raises:
        Interrupted: a signal has come, here or at another worker; what was trained until then is saved.
    """
    with run.timed(f"{name.removesuffix('s')}_train_s") if workers.is_chief else contextlib.nullcontext():
        stage = BUILDERS[name](run, dataset, workers)
        # restored from its latest checkpoint, if it has one
        mark = run.kept.identity(run.config.seed)
        saver = Saver(run.workdir / name, stage.learner.saved, mark) if workers.is_chief else None
        workers.share(stage.learner.saved.values())
        done = stage.learner.steps_done
        if workers.largest(done() >= stage.steps or (workers.is_chief and stage.reached(done()))):
            return done()
        return _advance(run, stage, workers, saver)


def _advance(run: Run, stage: Stage, workers: Workers, saver: Saver | None) -> int:
    """Trains a stage from where it is; the chief, who has a saver, saves and shows it."""
    learner, done, after = stage.learner, stage.learner.steps_done, []
    with interrupts.deferred() as request, contextlib.ExitStack() as stack:
        watchers = [callbacks.Finite(done)]
        if saver:
            # one for all that look on: TensorBoard reads no file of a folder on where there is a later one
            log = stack.enter_context(contextlib.closing(Log(run.workdir / "logs" / stage.name)))
            before, after = stage.watch(done, saver, log)
            saves = callbacks.Checkpoints(done, saver, stage.save_after)
            progress = stack.enter_context(contextlib.closing(callbacks.Progress(done, stage.steps, stage.title)))
            watchers = [*before, saves, *after, progress]
        learner.advance(stage.steps, stage.rows, [*watchers, callbacks.StopOnSignal(request, workers.largest)])
        number = workers.largest(request.number)
    if saver:
        write_final(run.workdir, run.config, final_figures(after), done())
    if number:
        saved = f"saved in {saver.latest_checkpoint}" if saver else "saved by the chief"
        raise interrupts.Interrupted(number, f"step {done():,} is {saved}")
    return done()


def measured_limits(run: Run, dataset: Dataset) -> LabelLimits:
    """Where the trained labels rest on few training rows; measured and written unless the run folder has it."""
    limits = run.limits
    if limits is None:
        with run.timed("controller_train_s"):
            limits = label_limits(LabelSampler(run.mechanisms()), dataset.label_rows, run.config.seed)
        save_limits(run.workdir, limits, run.require("controller"))
    return limits


def controller_stage(run: Run, dataset: Dataset, workers: Workers) -> Stage:
    """The causal controller's stage."""
    c, graph = run.config.controller, dataset.graph
    with workers.strategy.scope():
        learner = build_controller(run.config, graph, dataset.label_rows, dataset.do_rows)
    sampler = LabelSampler(learner.averaged)
    measure = label_tvd(sampler, dataset) if enumerable(graph) else None
    every = max(c.steps_per_call, c.checkpoint_every // 5)

    def reached(step: int) -> bool:
        # at other steps a signal has ended it, where it would not have looked
        looks = c.tvd_target and step >= c.tvd_after and callbacks.is_measured(step, learner.steps_per_call, every)
        return bool(measure and looks and measure() < c.tvd_target)

    def watch(steps_done: Callable[[], int], saver: Saver, log: Log) -> Watchers:
        # the picture at the end alone: it takes as long as a hundred steps
        looks = [
            summaries.Look(label_look(sampler, dataset), math.ceil(c.steps / LABEL_LOOKS)),
            summaries.Look(label_bars(sampler, dataset), c.steps, next=c.steps),
        ]
        shown = summaries.Summaries(steps_done, log, looks, first_summaries(run, picture=True))
        after: list[keras.callbacks.Callback] = [shown]
        if measure:
            after.append(callbacks.TotalVariation(steps_done, measure, log, every, c.tvd_target, c.tvd_after))
        return [], after

    title = OBJECTIVES[c.objective].title
    return Stage("controller", title, learner, c, watch, reached=reached)


def save_after(c: ControllerConfig | ImageConfig) -> int:
    """Steps behind a checkpoint from which on a further call could make them more than `checkpoint_every`.

    >>> save_after(ControllerConfig(steps_per_call=60, checkpoint_every=100))  # at steps 60, 120, ...
    41
    """
    return c.checkpoint_every - min(c.steps_per_call, c.checkpoint_every) + 1


def label_tvd(sampler: LabelSampler, dataset: Dataset, draws: int = 500_000) -> Callable[[], float]:
    """A function that measures the true TVD of the sampler's distribution to the training rows."""
    sizes, query = dataset.graph.sizes, Query.create(dataset.graph)
    real = histogram(dataset.label_rows, sizes)
    return lambda: total_variation(histogram(sampler.draw(draws, query, seed=0)[0], sizes), real)


def image_stage(run: Run, dataset: Dataset, workers: Workers) -> Stage:
    """The image model's stage; InputError without a trained controller."""
    config, graph = run.config, dataset.graph
    c, controller = config.image, run.mechanisms() if workers.is_chief else build_mechanisms(config, graph)
    workers.share([controller])
    with workers.strategy.scope():
        learner = build_images(config, graph, LabelSampler(controller), label_codec(config, dataset))
    model = CausalModel(graph, controller, learner.averaged, c.label_encoding)
    look = image_look(model, learner, dataset)

    def watch(steps_done: Callable[[], int], saver: Saver, log: Log) -> Watchers:
        spread, advice = relative_diversity(model, dataset.train.images), config.image_model.against_collapse
        collapse = callbacks.Collapse(steps_done, spread, saver, log, save_after(c), c.collapse_share, advice)
        shown = summaries.Summaries(steps_done, log, [summaries.Look(look, c.pictures_every)], first_summaries(run))
        return [collapse], [shown]

    rows = functools.partial(real_rows, dataset, config)
    return Stage("images", config.image_model.title, learner, c, watch, rows)


BUILDERS = {"controller": controller_stage, "images": image_stage}


def label_codec(config: RunConfig, dataset: Dataset) -> LabelCodec:
    """The codec of a data set's labels, with what its images show of them."""
    graph, rows = dataset.graph, dataset.train.labels
    cells = training_cells(dataset) if config.image.leaves_out_unseen else None
    return LabelCodec(graph.variables.values(), label_ranges(graph, rows), cells, config.image.label_deviation)


def relative_diversity(model: CausalModel, images: np.ndarray, rows: int = 32) -> Callable[[], float]:
    """A function that measures the mean distance between two generated images by that between two real ones."""

    def spread(some: np.ndarray) -> float:
        return mean_pairwise_distance_within_cells(some.astype(np.float32), np.zeros(len(some)))

    real = spread(np.asarray(images[:: max(1, len(images) // rows)][:rows]))
    return lambda: spread(model.sample(rows, seed=0).images) / max(real, 1e-6)


def real_rows(
    dataset: Dataset, config: RunConfig, first_step: int, context: tf.distribute.InputContext | None = None
) -> tf.data.Dataset:
    """The real batches of an image learner from a step on, those of discriminator and labeler drawn as configured.

    `context`: see pipeline.batches.

    A batch holds `image` [B, S, S, C] for the discriminator and their `labels` [B, K], and `labeler_image` and
    `labeler_labels` of the same shapes for the labeler.
    """
    c, train, graph = config.image, dataset.train, dataset.graph
    mixed = balanced = None
    if c.discriminator_rows == "mixed" and c.mix_single + c.mix_uniform:
        mixed = mixed_weights(graph, train.labels, c.mix_single, c.mix_uniform, config.seed)
    real = pipeline.batches(train, c.batch_size, config.seed, first_step, mixed, context)
    if c.labeler_balance:
        _, cell, count = np.unique(label_cells(graph, train.labels), return_inverse=True, return_counts=True)
        balanced = count[cell] ** -c.labeler_balance
    if mixed is None and balanced is None:
        return real.map(lambda image, labels: _rows((image, labels), (image, labels)))
    labelled = pipeline.batches(train, c.batch_size, config.seed + 1, first_step, balanced, context)
    return tf.data.Dataset.zip(real, labelled).map(_rows)


def _rows(real: tuple[tf.Tensor, tf.Tensor], labelled: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
    """What image learners call the rows, images and labels, of discriminator and labeler."""
    return {"image": real[0], "labels": real[1], "labeler_image": labelled[0], "labeler_labels": labelled[1]}
