"""What happens beside the training: progress, summaries, checkpoints, the stops at a TVD and at faults.

A batch, to Keras, is one compiled call; these callbacks count training steps. A loss that is not
finite and collapsed images are faults.
"""

import contextlib
import logging
import math
import pathlib
from collections.abc import Callable, Iterator, Mapping

import keras
import numpy as np
import tensorflow as tf
import tqdm

from causalgan_tf.errors import InputError
from causalgan_tf.runs.checkpoints import Saver
from causalgan_tf.system.interrupts import Request

# what TensorBoard says of a scalar, by its name behind the stage's; learning rates are told by their own name
DESCRIPTIONS = {
    "negative_log_likelihood": "mean of -log P(labels) of the training rows, nats; at least their entropy",
    "critic_loss": "Wasserstein distance as the critic sees it, less the gradient penalty, negative",
    "generator_loss": "what the generator minimises: GAN term, labelers, additivity",
    "discriminator_loss": "what the discriminator minimises; 2 ln 2 where it can tell nothing apart",
    "labeler_loss": "what the labeler minimises: that its answers are the labels of real images",
    "anti_labeler_loss": "what the anti-labeler minimises: that its answers are the labels of generated images",
    "rebuilder_loss": "squared error of the noise that is reconstructed from generated images",
    "label_agreement": "share of labels that the labeler reads off generated images as they were asked for",
    "c": "weight of the anti-labeler in the generator's loss; falls exponentially",
    "b1": "first margin: how well real images are rebuilt beside generated ones",
    "b2": "second margin: how well labels of real images are read beside those of generated ones",
    "b3": "third margin: whether labels are ahead of images",
    "c1": "weight of generated images in the discriminator's loss",
    "c2": "weight of generated labels in the labeler's loss",
    "c3": "weight of labels in the generator's loss",
    "convergence": "BEGAN's measure of convergence: falls as images improve",
    "tvd": "total variation distance of the labels to the training rows, exact up to its draws",
    "diversity": "mean distance of generated images within a label cell, as a share of the real ones'",
}


class _EveryCall(keras.callbacks.Callback):
    """Calls `at(step, logs)` after each compiled call, with the number of training steps done so far."""

    def __init__(self, steps_done: Callable[[], int]) -> None:
        super().__init__()
        self.steps_done = steps_done

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Keras' hook."""
        self.at(self.steps_done(), {name: float(value) for name, value in (logs or {}).items()})

    def at(self, step: int, logs: dict[str, float]) -> None:
        """What to do; `logs` are the call's."""
        raise NotImplementedError(f"{type(self).__name__} must say what it does.")


class _Log:
    """TensorBoard's summaries of a training, which a full disk or a folder in the way does not stop."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder, self.writer = folder, None
        with self._unbroken():
            self.writer = tf.summary.create_file_writer(str(folder))

    def write(
        self,
        step: int,
        scalars: Mapping[str, float],
        pictures: Mapping[str, np.ndarray] | None = None,
        texts: Mapping[str, str] | None = None,
    ) -> None:
        """Writes numbers, pictures, uint8 [H, W, 3], and texts in Markdown, by name.

        Numbers stand under the name of the folder, which is the stage's: the stages' losses have charts of their own.
        """
        if self.writer is None:
            return
        with self._unbroken(), self.writer.as_default(step):
            for name, value in scalars.items():
                tf.summary.scalar(f"{self.folder.name}/{name}", value, description=DESCRIPTIONS.get(name))
            for name, picture in (pictures or {}).items():
                tf.summary.image(f"pictures/{name}", picture[None])
            for name, text in (texts or {}).items():
                tf.summary.text(f"run/{name}", text)

    def close(self) -> None:
        """Writes what is left."""
        if self.writer is not None:
            with self._unbroken():
                self.writer.close()

    @contextlib.contextmanager
    def _unbroken(self) -> Iterator[None]:
        try:
            yield
        except (tf.errors.OpError, OSError) as error:
            self.writer = None
            logging.getLogger(__name__).warning("No more summaries are written to %s: %s", self.folder, error)


class Progress(_EveryCall):
    """A bar with steps, speed, time left and losses.

    >>> progress = Progress(lambda: 30, steps=100, title="controller")
    >>> progress.on_train_begin()
    >>> progress.at(40, {"critic_loss": 0.25})
    >>> print(progress.bar)
    controller:  40%|...| 40/100 [...critic=0.25]
    >>> progress.close()
    """

    def __init__(self, steps_done: Callable[[], int], steps: int, title: str, shown: bool = True) -> None:
        """Shows progress towards `steps`."""
        super().__init__(steps_done)
        self.steps, self.title, self.shown = steps, title, shown
        self.bar: tqdm.tqdm | None = None

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Keras' hook."""
        self.bar = tqdm.tqdm(
            total=self.steps,
            initial=self.steps_done(),
            desc=self.title,
            unit="step",
            mininterval=1.0,
            disable=not self.shown,
        )

    def at(self, step: int, logs: dict[str, float]) -> None:
        """Moves the bar."""
        self.bar.set_postfix(
            {name.removesuffix("_loss"): f"{value:.3g}" for name, value in logs.items()}, refresh=False
        )
        self.bar.update(step - self.bar.n)

    def close(self) -> None:
        """Leaves the line, also after an interruption."""
        if self.bar:
            self.bar.close()


class Summaries(_EveryCall):
    """TensorBoard scalars after each call and, now and then, pictures.

    >>> from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    >>> folder = pathlib.Path("runs/watched/logs")
    >>> summaries = Summaries(lambda: 0, folder, lambda: {"faces": np.zeros([4, 4, 3], np.uint8)}, every_steps=100)
    >>> for step in (10, 50, 110):
    ...     summaries.at(step, {"loss": 0.25})
    >>> summaries.on_train_end()
    >>> log = EventAccumulator(str(folder)).Reload()
    >>> {name: [event.step for event in log.Tensors(name)] for name in ("logs/loss", "pictures/faces")}
    {'logs/loss': [10, 50, 110], 'pictures/faces': [10, 110]}
    """

    def __init__(
        self,
        steps_done: Callable[[], int],
        folder: pathlib.Path,
        pictures: Callable[[], dict[str, np.ndarray]] | None = None,
        every_steps: int = 0,
        texts: Mapping[str, str] | None = None,
    ) -> None:
        """Writes into `folder`.

        Args:
            steps_done: tells the number of training steps.
            folder: the stage's folder of logs.
            pictures: gives uint8 [H, W, 3] by name.
            every_steps: steps between pictures.
            texts: Markdown by name, written once.
        """
        super().__init__(steps_done)
        self.log, self.texts = _Log(folder), texts or {}
        self.pictures, self.every_steps, self.next_picture = pictures, every_steps, 0

    def at(self, step: int, logs: dict[str, float]) -> None:
        """Writes the call's logs."""
        drawn = None
        if self.pictures and step >= self.next_picture:
            self.next_picture = step + self.every_steps
            drawn = self.pictures()
        self.log.write(step, logs | self._rates(), drawn, self.texts)
        self.texts = {}

    def _rates(self) -> dict[str, float]:
        """The learning rate of each of the learner's optimizers."""
        optimizers = getattr(self.model, "optimizers", None) or {}
        return {f"learning_rate_{name}": float(optimizer.learning_rate) for name, optimizer in optimizers.items()}

    def on_train_end(self, logs: dict | None = None) -> None:
        """Keras' hook."""
        self.log.close()


class Finite(_EveryCall):
    """Stops a training whose loss is no longer finite.

    >>> Finite(lambda: 0).at(7, {"critic_loss": 0.25, "generator_loss": math.nan})
    Traceback (most recent call last):
    causalgan_tf.errors.InputError: generator_loss is nan after step 7: the training has diverged. ...
    """

    last_good = "Nothing is kept of it."

    def at(self, step: int, logs: dict[str, float]) -> None:
        """Raises InputError for a loss that is not finite."""
        wrong = [name for name, value in logs.items() if not math.isfinite(value)]
        if wrong:
            raise InputError(
                f"{wrong[0]} is {logs[wrong[0]]} after step {step}: the training has diverged. {self.last_good} "
                "Lower the learning rate."
            )


class Checkpoints(Finite):
    """Saves every `every_steps` steps and at the end; stops before a loss that is not finite is saved.

    >>> saver = Saver(pathlib.Path("runs/watched/controller"), {"weight": tf.Variable(3.0)})
    >>> saves = Checkpoints(lambda: 0, saver, every_steps=100)
    >>> for step in (60, 120, 180):
    ...     saves.at(step, {"critic_loss": 0.25})
    >>> saver.latest_checkpoint
    'runs/watched/controller/ckpt-120'
    """

    def __init__(self, steps_done: Callable[[], int], manager: Saver, every_steps: int) -> None:
        """Saves through `manager`, whose checkpoint numbers are training steps."""
        super().__init__(steps_done)
        self.manager, self.every_steps = manager, every_steps
        self.saved = steps_done()

    def at(self, step: int, logs: dict[str, float]) -> None:
        """Saves if it is time to."""
        latest = self.manager.latest_checkpoint
        self.last_good = f"The last good checkpoint is {latest}; go on in another folder." if latest else self.last_good
        super().at(step, logs)
        if step - self.saved >= self.every_steps:
            self.save(step)

    def on_train_end(self, logs: dict | None = None) -> None:
        """Keras' hook."""
        if self.steps_done() > self.saved:
            self.save(self.steps_done())

    def save(self, step: int) -> None:
        """Writes a checkpoint now."""
        self.manager.save(step)
        self.saved = step


class StopOnSignal(keras.callbacks.Callback):
    """Ends the training, and lets the others save, at the end of the call in which a signal has come.

    >>> request, model = Request(), keras.Model()
    >>> stops = StopOnSignal(request)
    >>> stops.set_model(model)
    >>> model.stop_training = False  # what `fit` begins with
    >>> for number in (0, 15):  # no signal, then SIGTERM
    ...     request.number = number
    ...     stops.on_train_batch_end(0)
    ...     print(model.stop_training)
    False
    True
    """

    def __init__(self, request: Request) -> None:
        """Asks `request` after each call."""
        super().__init__()
        self.request = request

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Keras' hook."""
        self.model.stop_training = self.model.stop_training or bool(self.request.number)


class Collapse(_EveryCall):
    """Stops a training whose generated images have all become one, before such a generator is saved.

    An untrained generator draws near to one image too, so the watch begins at twice the share. What was saved by a
    training that it watched has not collapsed, so when one is resumed it goes on where the share is reached.

    >>> diversity, saver = iter([0.9, 0.3, 0.05]), Saver(pathlib.Path("runs/watched/images"), {})
    >>> watch = Collapse(lambda: 0, lambda: next(diversity), saver, pathlib.Path("logs"), every_steps=10, share=0.1)
    >>> for step in (10, 20, 30):
    ...     watch.at(step, {})
    Traceback (most recent call last):
    causalgan_tf.errors.InputError: After step 30 two generated images differ by 0.050 of what real ones do: ...
    """

    def __init__(
        self,
        steps_done: Callable[[], int],
        diversity: Callable[[], float],
        manager: Saver,
        folder: pathlib.Path,
        every_steps: int,
        share: float,
        advice: str = "",
    ) -> None:
        """Looks at `diversity`, generated images' by real ones', every `every_steps` steps: as often as is saved.

        `advice` is what else to change when the images collapse.
        """
        super().__init__(steps_done)
        self.diversity, self.manager, self.every_steps, self.share = diversity, manager, every_steps, share
        self.log = _Log(folder)
        self.looked, self.begun = steps_done(), False
        self.advice = f", or {advice}" if advice else ""

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Keras' hook."""
        self.begun = bool(self.manager.latest_checkpoint) and self.diversity() >= self.share

    def at(self, step: int, logs: dict[str, float]) -> None:
        """Looks if it is time to; InputError if the images have collapsed."""
        # images of a diverged training are all one as well: the check of the losses says what has happened
        if step - self.looked >= self.every_steps and all(math.isfinite(value) for value in logs.values()):
            self.look(step)

    def look(self, step: int) -> None:
        """Looks now."""
        self.looked = step
        diversity = self.diversity()
        self.log.write(step, {"diversity": diversity})
        self.begun = self.begun or diversity >= 2.0 * self.share
        if self.begun and diversity < self.share:
            latest = self.manager.latest_checkpoint
            kept = f"The last good checkpoint is {latest}; go on in another folder." if latest else Finite.last_good
            raise InputError(
                f"After step {step} two generated images differ by {diversity:.3f} of what real ones do: the generator "
                f"draws one image. {kept} Lower the learning rates{self.advice}; --image_collapse_share=0 stops no "
                "more."
            )

    def on_train_end(self, logs: dict | None = None) -> None:
        """Keras' hook: what is trained after the last look is saved as well."""
        if self.steps_done() > self.looked:
            self.look(self.steps_done())
        self.log.close()


class TotalVariation(_EveryCall):
    """Measures the true TVD to the training rows now and then, and stops the training below a target.

    >>> tvd, model = iter([0.3, 0.08, 0.04]), keras.Model()
    >>> stops = TotalVariation(lambda: 0, lambda: next(tvd), pathlib.Path("logs"), every_steps=100, target=0.05)
    >>> stops.set_model(model)
    >>> model.stop_training = False  # what `fit` begins with
    >>> for step in (0, 50, 100, 200):  # nothing is measured at step 50
    ...     stops.at(step, {})
    ...     print(step, model.stop_training)
    0 False
    50 False
    100 False
    200 True
    """

    def __init__(
        self,
        steps_done: Callable[[], int],
        measure: Callable[[], float],
        folder: pathlib.Path,
        every_steps: int,
        target: float = 0.0,
        after: int = 0,
    ) -> None:
        """Measures every `every_steps` steps; stops below `target`, not before step `after` (target 0: never)."""
        super().__init__(steps_done)
        self.measure, self.every_steps, self.target, self.after = measure, every_steps, target, after
        self.log = _Log(folder)
        self.next = 0

    def at(self, step: int, logs: dict[str, float]) -> None:
        """Measures if it is time to."""
        if step < self.next:
            return
        self.next = step + self.every_steps
        tvd = self.measure()
        self.log.write(step, {"tvd": tvd})
        if self.target and step >= self.after and tvd < self.target:
            self.model.stop_training = True

    def on_train_end(self, logs: dict | None = None) -> None:
        """Keras' hook."""
        self.log.close()
