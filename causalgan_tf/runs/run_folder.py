"""A run folder: what lies where in it, its networks, its data and the trained model.

config.json     the configuration, with absolute paths
graph.json      the graph, the types of its labels and a fingerprint of the rows, see run_graph
limits.json     where the labels rest on few training rows, see limits_file
timing.json     seconds of each phase
lock            which process trains in it
controller/     checkpoints of the causal controller
images/         checkpoints of the image model
logs/           TensorBoard summaries
report/         what causalgan-evaluate writes

TensorFlow is imported with the first network.
"""

import contextlib
import dataclasses
import json
import logging
import pathlib
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from causalgan_tf import data
from causalgan_tf.config import budget
from causalgan_tf.config.controller import MECHANISMS
from causalgan_tf.config.data import FILES, SOURCES, without_images
from causalgan_tf.config.run import RunConfig
from causalgan_tf.data.dataset import Dataset, training_cells
from causalgan_tf.errors import InputError, brief
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.loading import load_graph
from causalgan_tf.inference import saved_model
from causalgan_tf.inference.limits import LabelLimits
from causalgan_tf.runs.limits_file import read_limits
from causalgan_tf.runs.paths import absolute, is_gone
from causalgan_tf.runs.run_graph import BEFORE, FILE, Fingerprint, RunGraph, agreed, graph_of, settled, stored
from causalgan_tf.runs.timing import read_timing
from causalgan_tf.system.files import RESTORE, write_text, written
from causalgan_tf.system.locks import locked

if TYPE_CHECKING:
    import keras

    from causalgan_tf.inference.causal_model import CausalModel
    from causalgan_tf.networks.stacked import StackedMechanisms

STAGES = saved_model.STAGES
# what the fingerprint tells better than a path does
TOLD = ("data.graph:", *(f"data.{name}:" for name in FILES))

__all__ = ["STAGES", "Run", "build_image_generator", "build_mechanisms", "graph_of", "load", "read_timing"]


@dataclasses.dataclass(frozen=True, repr=False)
class Run:
    """A run folder.

    Attributes:
        workdir: the folder.
        config: the configuration, its paths absolute.
        kept: graph and fingerprint, as graph.json holds them.

    Examples:
        >>> run = Run.create("runs/first", RunConfig())
        >>> len(run.graph), run.has("controller")
        (9, False)
    """

    workdir: pathlib.Path
    config: RunConfig
    kept: RunGraph

    @classmethod
    def open(cls, workdir: str | pathlib.Path) -> "Run":
        """The run in a folder.

        Raises:
            InputError: there is none, or its files are damaged.

        Examples:
            >>> Run.open("runs/people").graph.nodes  # trained before
            ('Old', 'Smokes')
        """
        workdir = saved_model.folder_of(workdir)
        if saved_model.is_saved(workdir):
            return cls(workdir, *_saved(workdir))
        config = RunConfig.load(workdir)
        return cls(workdir, config, stored(workdir, config))

    @classmethod
    def create(cls, workdir: str | pathlib.Path, config: RunConfig) -> "Run":
        """The run of a configuration: the one in the folder, if `config` continues it, else a new one.

        Nothing is written before `save`.

        Raises:
            InputError: the folder holds another run, by its configuration or its graph; the message says what differs.

        Examples:
            >>> Run.create("runs/new", RunConfig(seed=3)).config.seed
            3
        """
        workdir, config = saved_model.place(workdir), absolute(config)
        if saved_model.is_saved(workdir):
            raise InputError(f"{brief(workdir)} holds a saved model, no run to go on with. Choose another --workdir.")
        before = cls.open(workdir) if (workdir / "config.json").exists() else None
        if before is None:
            _check_is_free(workdir)
        else:
            _check_continues(before, config)
            # the user's file may be gone: the run has its own copy, and the rows are compared by their fingerprint
            if before.kept.fingerprint and is_gone(config.data.graph, before.config.data.graph):
                return cls(workdir, config, before.kept)
        return cls(workdir, config, agreed(workdir, before and before.kept, load_graph(config.data.graph)))

    @property
    def graph(self) -> CausalGraph:
        """The causal graph, with the types of its labels as in the training rows."""
        return self.kept.graph

    def dataset(self, labels_only: bool = False) -> Dataset:
        """The data of the run, over its graph.

        Raises:
            InputError: the source is missing, or its rows are not those of the run.

        Examples:
            >>> Run.open("runs/people").dataset(labels_only=True).label_rows.shape
            (2000, 2)
        """
        return self.with_data(labels_only)[1]

    def with_data(self, labels_only: bool = False, write: bool = True) -> tuple["Run", Dataset]:
        """The data of the run, and the run with what is known of them; for `write` see data.load.

        Examples:
            >>> run, dataset = Run.open("runs/people").with_data(labels_only=True)
            >>> run.graph == dataset.graph
            True
        """
        if saved_model.is_saved(self.workdir) and self.kept.fingerprint is None:
            raise InputError(
                f"{brief(self.workdir)} holds a model of a data frame, which was saved without its data. Compare "
                "`model.sample` with your frame."
            )
        dataset = data.load(self.config.data, self.config.seed, labels_only, self.kept.declared, write)
        fingerprint = Fingerprint.of(dataset.graph, dataset.all_rows, dataset.image_files)
        cells = training_cells(dataset)
        new = self.kept.fingerprint is None and not (self.workdir / "config.json").exists()
        if new:
            kept = dataclasses.replace(self.kept, graph=dataset.graph, fingerprint=fingerprint, cells=cells)
        else:
            kept = settled(self.workdir, self.kept, dataset.graph, fingerprint, cells)
        return dataclasses.replace(self, kept=kept), dataclasses.replace(dataset, graph=kept.graph)

    def save(self) -> None:
        """Writes config.json and graph.json; the folder is made if there is none.

        Raises:
            InputError: the folder cannot be written.

        Examples:
            >>> Run.create("runs/saved", RunConfig()).save()
            >>> len(Run.open("runs/saved").graph)
            9
        """
        with written(self.workdir):
            self.workdir.mkdir(parents=True, exist_ok=True)
            # the configuration first: a kill between the two leaves a run that goes on
            self.config.save(self.workdir)
            self.kept.save(self.workdir)

    def checkpoints(self, stage: str) -> str | None:
        """The path of the stage's latest whole checkpoint; None if it has none.

        Examples:
            >>> pathlib.Path(Run.open("runs/people").checkpoints("controller")).parent.name
            'controller'
        """
        from causalgan_tf.runs import checkpoints

        if saved_model.is_saved(self.workdir):
            return saved_model.weights(self.workdir, stage)
        return checkpoints.latest(self.workdir / stage, self.kept.identity(self.config.seed))

    def has(self, stage: str) -> bool:
        """Whether a stage has been trained, at least in part.

        Examples:
            >>> Run.open("runs/people").has("images")
            False
        """
        return self.checkpoints(stage) is not None

    def require(self, stage: str) -> str:
        """The stage's latest checkpoint; InputError if it has none.

        Examples:
            >>> Run.open("runs/people").require("controller") == Run.open("runs/people").checkpoints("controller")
            True
        """
        path = self.checkpoints(stage)
        if path is None:
            if stage == "images" and SOURCES[self.config.data.dataset].labels_only:
                raise InputError(f"{self.workdir} has no images. {without_images(self.config.data.dataset)}")
            raise InputError(
                f"{self.workdir} has no trained {stage}: expected a checkpoint in {self.workdir / stage}. "
                f"Train it with: causalgan-train --workdir={self.workdir} --stages={stage}"
            )
        return path

    def mechanisms(self) -> "StackedMechanisms":
        """The trained causal controller, its weights averaged; InputError if there is none.

        Examples:
            >>> Run.open("runs/people").mechanisms().graph.nodes
            ('Old', 'Smokes')
        """
        from causalgan_tf.runs import checkpoints

        return checkpoints.restore_averaged(self.require("controller"), build_mechanisms(self.config, self.graph))

    def model(self) -> "CausalModel":
        """The trained model; of labels only, if its images are not trained yet.

        Raises:
            InputError: the controller has no checkpoint yet, or a checkpoint is damaged.

        Examples:
            >>> len(Run.open("runs/people").model().sample(10).labels)
            10
        """
        from causalgan_tf.inference.causal_model import CausalModel
        from causalgan_tf.runs import checkpoints, encoder_file

        path = self.checkpoints("images")
        budget.check_loaded(self.config, self.graph, path is not None)
        labels, limits = self.mechanisms(), self.limits
        record = self.record | ({"limits": limits.to_json()} if limits else {})
        if path is None:
            return CausalModel(self.graph, labels, record=record)
        images = checkpoints.restore_averaged(path, build_image_generator(self.config, self.graph))
        encoding = self.config.image.label_encoding
        model = CausalModel(self.graph, labels, images, encoding, record, self.kept.cells)
        model.encoder = encoder_file.load(self.workdir, model.images)
        return model

    @property
    def limits(self) -> LabelLimits | None:
        """Where the labels of the trained controller rest on few training rows; None: it was not measured."""
        return read_limits(self.workdir, self.checkpoints("controller"))

    @property
    def record(self) -> dict[str, Any]:
        """Configuration and graph, as a saved model holds them."""
        return {"config": dataclasses.asdict(self.config), "graph": self.kept.to_json()}

    def __repr__(self) -> str:
        done = [stage for stage in STAGES if any((self.workdir / stage).glob("ckpt-*.index"))]
        if saved_model.is_saved(self.workdir):
            done = [stage for stage in STAGES if any(self.workdir.glob(f"{stage}-*.npz"))]
        rows = f", {self.kept.fingerprint.rows:,} rows" if self.kept.fingerprint else ""
        d = self.config.data
        size = "" if d.dataset == "table" else f", images of {d.image_size} x {d.image_size}"
        return (
            f"Run in {self.workdir}: {d.dataset}{rows}{size}\ncheckpoints: {', '.join(done) or 'none'}\n{self.graph!r}"
        )

    @property
    def timing(self) -> dict[str, float]:
        """Seconds of each phase so far; empty if none was timed."""
        return read_timing(self.workdir)

    def begin(self, stack: contextlib.ExitStack, seconds: float) -> None:
        """Makes the folder of a new run, locked in `stack`, and writes what the run keeps.

        Args:
            stack: holds the lock of a folder that is made here.
            seconds: that reading the data has taken.

        Raises:
            InputError: the folder cannot be written, or another training has it.

        Examples:
            >>> with contextlib.ExitStack() as stack:
            ...     Run.create("runs/begun", RunConfig()).begin(stack, seconds=1.5)
            >>> Run.open("runs/begun").timing
            {'data_s': 1.5}
        """
        if not self.workdir.is_dir():
            with written(self.workdir):
                self.workdir.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(self.workdir))
        self.save()
        self.add_timing("data_s", seconds)

    def add_timing(self, phase: str, seconds: float) -> None:
        """Adds seconds to a phase in timing.json; a failure is logged, for times stop no training.

        Examples:
            >>> run = Run.open("runs/people")
            >>> run.add_timing("lunch_s", 1.5)
            >>> run.timing["lunch_s"]
            1.5
        """
        timing = self.timing
        # added up: a training that was interrupted has several parts
        timing[phase] = round(timing.get(phase, 0.0) + seconds, 1)
        try:
            write_text(self.workdir / "timing.json", json.dumps(timing, indent=2) + "\n")
        except OSError as error:
            logging.getLogger(__name__).warning("timing.json of %s is not written: %s", self.workdir, error.strerror)

    @contextlib.contextmanager
    def timed(self, phase: str) -> Iterator[None]:
        """Adds the seconds of a block to a phase, also those of a block that is interrupted.

        Examples:
            >>> run = Run.open("runs/people")
            >>> with run.timed("pause_s"):
            ...     pass
            >>> run.timing["pause_s"]
            0.0
        """
        start = time.perf_counter()
        try:
            yield
        finally:
            self.add_timing(phase, time.perf_counter() - start)


def build_mechanisms(config: RunConfig, graph: CausalGraph) -> "StackedMechanisms":
    """Untrained mechanisms of the configured family and shape."""
    return MECHANISMS[config.controller.mechanisms](graph, config.controller, config.seed)


def build_image_generator(config: RunConfig, graph: CausalGraph) -> "keras.Model":
    """An untrained image generator of the configured shape."""
    return config.image_model.build_generator(config, graph)


def load(workdir: str | pathlib.Path) -> "CausalModel":
    """The trained model in a folder; of labels only, if its images are not trained.

    >>> load("builtin:faces").sample(64, do={"Mustache": 1}, seed=7)  # doctest: +SKIP

    Args:
        workdir: the folder of a run of `causalgan-train` or of a model that `CausalModel.save` wrote; or
            "builtin:faces", a model of the built-in faces that lies in the package.

    Raises:
        InputError: the folder holds no run, its files are damaged, or its controller has no checkpoint yet.

    Examples:
        >>> load("runs/people").sample(2, do={"Smokes": 1}).labels["Smokes"].tolist()
        [1, 1]
    """
    return Run.open(workdir).model()


def _saved(folder: pathlib.Path) -> tuple[RunConfig, RunGraph]:
    """Configuration and graph of a saved model; InputError if they are damaged."""
    values, path = saved_model.read(folder), folder / saved_model.FILE
    try:
        return RunConfig.from_json(json.dumps(values["config"])), RunGraph.from_json(values["graph"])
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise InputError(f"{path} is damaged: {brief(error, 100)} {RESTORE}") from error


def _check_is_free(workdir: pathlib.Path) -> None:
    """InputError if a folder without a run or a controller has a graph.json or variables.json: they are the user's."""
    for name in (FILE, BEFORE):
        if (workdir / name).exists() and not (workdir / "controller").exists():
            raise InputError(
                f"{brief(workdir)} holds {name} and no config.json: no run, or a part of one. Remove {name} if it is "
                "not needed, or choose another --workdir."
            )


def _check_continues(before: Run, config: RunConfig) -> None:
    """InputError if `config` does not continue a run; the message lists what differs."""
    lines = absolute(before.config).differences(config)
    if before.kept.fingerprint is not None:
        lines = [line for line in lines if not line.startswith(TOLD)]
    if lines:
        raise InputError(
            f"{before.workdir} holds a run of another configuration (there -> here):\n  "
            + "\n  ".join(lines)
            + "\nChoose another --workdir, or repeat the flags of that run to continue it."
        )
