"""When TensorBoard is told of a training: scalars after each call, and looks, which take longer, now and then."""

import dataclasses
from collections.abc import Callable, Sequence

import keras

from causalgan_tf.runs.event_log import Log, Shown
from causalgan_tf.runs.tags import RATE


class EveryCall(keras.callbacks.Callback):
    """Calls `at(step, logs)` after each compiled call, with the number of training steps done so far.

    >>> class Printed(EveryCall):
    ...     def at(self, step, logs):
    ...         print(step, logs)
    >>> Printed(lambda: 20).on_train_batch_end(0, {"loss": 0.5})
    20 {'loss': 0.5}
    """

    def __init__(self, steps_done: Callable[[], int]) -> None:
        super().__init__()
        self.steps_done = steps_done

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Keras' hook."""
        self.at(self.steps_done(), {name: float(value) for name, value in (logs or {}).items()})

    def at(self, step: int, logs: dict[str, float]) -> None:
        """What to do; `logs` are the call's."""
        raise NotImplementedError(f"{type(self).__name__} must say what it does.")


@dataclasses.dataclass
class Look:
    """Something that is shown every so many steps, and at the end.

    >>> Look(lambda: Shown({"labels/tvd": 0.1}), every_steps=100).next
    0

    Attributes:
        show: gives it.
        every_steps: steps from one look to the next.
        next: the step from which it is due.
        last: the step at which it was shown; -1: never.
    """

    show: Callable[[], Shown]
    every_steps: int
    next: int = 0
    last: int = -1

    def at(self, step: int) -> Shown:
        """What is shown at a step, if anything."""
        if step < self.next or step == self.last:
            return Shown()
        self.last, self.next = step, step + self.every_steps
        return self.show()


class Summaries(EveryCall):
    """TensorBoard's scalars after each call, and looks.

    >>> from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    >>> written = Log(pathlib.Path("runs/watched/logs"))
    >>> look = Look(lambda: Shown({"labels/tvd": 0.1}), every_steps=100)
    >>> summaries = Summaries(lambda: 130, written, [look], Shown(texts={"run/graph": "`A -> B`"}))
    >>> for step in (10, 50, 110, 130):
    ...     summaries.at(step, {"loss": 0.25})
    >>> summaries.on_train_end()
    >>> written.close()
    >>> log = EventAccumulator(str(written.folder)).Reload()
    >>> {tag: [event.step for event in log.Tensors(tag)] for tag in ("logs/loss", "labels/tvd", "run/graph")}
    {'logs/loss': [10, 50, 110, 130], 'labels/tvd': [10, 110, 130], 'run/graph': [10]}
    """

    def __init__(
        self,
        steps_done: Callable[[], int],
        log: Log,
        looks: Sequence[Look] = (),
        first: Shown | None = None,
    ) -> None:
        """Writes into the stage's log; the name of its folder, the stage's, is the group of the scalars.

        Args:
            steps_done: tells the number of training steps.
            log: the stage's; whoever made it closes it.
            looks: what is shown now and then.
            first: what is shown once.
        """
        super().__init__(steps_done)
        self.log, self.looks, self.first = log, looks, first or Shown()
        self.latest: dict[str, float] = {}  # each scalar's last value

    def at(self, step: int, logs: dict[str, float]) -> None:
        """Writes the call's logs, and what is due."""
        own = {f"{self.log.folder.name}/{name}": value for name, value in (logs | self._rates()).items()}
        self._write(step, Shown(own) | self.first)
        self.first = Shown()

    def on_train_end(self, logs: dict | None = None) -> None:
        """Keras' hook: a last look."""
        for look in self.looks:
            look.next = self.steps_done()
        self._write(self.steps_done(), Shown())

    def _write(self, step: int, shown: Shown) -> None:
        for look in self.looks:
            shown |= look.at(step)
        self.latest |= shown.scalars
        self.log.write(step, shown)

    def _rates(self) -> dict[str, float]:
        """The learning rate of each of the learner's optimizers."""
        optimizers = getattr(self.model, "optimizers", None) or {}
        return {f"{RATE}{name}": float(optimizer.learning_rate) for name, optimizer in optimizers.items()}
