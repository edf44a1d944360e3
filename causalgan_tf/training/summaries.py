"""What TensorBoard shows of a training: scalars after each call, pictures, texts."""

import contextlib
import logging
import pathlib
from collections.abc import Callable, Iterator, Mapping

import keras
import numpy as np
import tensorflow as tf

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


class EveryCall(keras.callbacks.Callback):
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


class Log:
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


class Summaries(EveryCall):
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
        self.log, self.texts = Log(folder), texts or {}
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
