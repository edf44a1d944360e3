"""What happens beside the training: progress, checkpoints, the stops at a signal, at a TVD and at faults.

A batch, to Keras, is one compiled call; these callbacks count training steps. A loss that is not
finite and collapsed images are faults.
"""

import math
import time
from collections.abc import Callable, Mapping

import keras
import tqdm

from causalgan_tf.errors import InputError
from causalgan_tf.runs.checkpoints import Saver
from causalgan_tf.runs.event_log import Log, Shown
from causalgan_tf.system.interrupts import Request
from causalgan_tf.training.summaries import EveryCall

BAR = "{desc}: {percentage:3.0f}%|{bar:10}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_fmt}{postfix}]"
LONG_LINE = 1_000  # letters of a line in a file
FIRST = ("negative_log_likelihood", "generator_loss", "discriminator_loss")  # losses in their order
SHORT = {"negative_log_likelihood": "-log P"}  # what a bar calls them


class Progress(EveryCall):
    """A bar with steps, speed, time left and as many losses as a line of the terminal has room for.

    The clock starts behind the first call, which compiles for up to minutes: no time left is guessed from it.

    >>> progress = Progress(lambda: 30, steps=100, title="controller")
    >>> progress.on_train_begin()
    >>> print(progress.bar)
    controller:  30%|...| 30/100 [00:00<?, ?/s, compiling]
    >>> progress.at(40, {"critic_loss": 0.25})
    >>> progress.at(50, {"critic_loss": 0.125})
    >>> print(progress.bar)
    controller:  50%|...| 50/100 [...critic=0.125]
    >>> progress.close()
    """

    def __init__(self, steps_done: Callable[[], int], steps: int, title: str, shown: bool = True) -> None:
        """Shows progress towards `steps`."""
        super().__init__(steps_done)
        self.steps, self.title, self.shown = steps, title, shown
        self.bar: tqdm.tqdm | None = None
        self.compiled = False

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Keras' hook."""
        self.compiled = False
        self.bar = tqdm.tqdm(
            total=self.steps,
            initial=self.steps_done(),
            desc=self.title,
            unit="",
            mininterval=1.0,
            disable=not self.shown,
            dynamic_ncols=True,
            bar_format=BAR,
            postfix="compiling",
        )

    def at(self, step: int, logs: dict[str, float]) -> None:
        """Moves the bar."""
        if not self.shown:
            return
        self.bar.set_postfix_str(self._fitting(step, logs), refresh=False)
        if self.compiled:
            self.bar.update(step - self.bar.n)
        else:
            self.compiled = True
            self.bar.start_t = self.bar.last_print_t = time.time()
            self.bar.initial = self.bar.n = self.bar.last_print_n = step
            self.bar.refresh()

    def _fitting(self, step: int, logs: Mapping[str, float]) -> str:
        """The losses, those of FIRST first, cut to the terminal's width; all of them where there is none."""
        names = sorted(logs, key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))
        bare = self.bar.format_meter(**self.bar.format_dict | {"n": step, "postfix": None, "ncols": None})
        room = (self.bar.ncols or LONG_LINE) - len(bare)
        text = ""
        for name in names:
            text, before = f"{text}, {SHORT.get(name, name.removesuffix('_loss'))}={logs[name]:.3g}", text
            if len(text) > room:
                return before[2:]
        return text[2:]

    def close(self) -> None:
        """Leaves the line, also after an interruption."""
        if self.bar:
            self.bar.close()


class Finite(EveryCall):
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

    >>> saver = Saver(pathlib.Path("runs/watched/controller"), {"weight": keras.Variable(3.0)})
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

    Several workers end behind the same call: where one of them was signalled, or stops for another reason, all do.

    >>> request, model = Request(), keras.Model()
    >>> stops = StopOnSignal(request)
    >>> stops.set_model(model)
    >>> model.stop_training = False  # what `advance` begins with
    >>> for number in (0, 15):  # no signal, then SIGTERM
    ...     request.number = number
    ...     stops.on_train_batch_end(0)
    ...     print(model.stop_training)
    False
    True
    """

    def __init__(self, request: Request, largest: Callable[[int], int] = int) -> None:
        """Asks `request` after each call; `largest` gives the largest of the workers' numbers."""
        super().__init__()
        self.request, self.largest = request, largest

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Keras' hook."""
        agreed = self.largest(2 * self.request.number + bool(self.model.stop_training))
        # a signal may have come while the others were waited for: they hear of it behind the next call
        self.request.number = max(self.request.number, agreed // 2)
        self.model.stop_training = agreed > 0


class Collapse(EveryCall):
    """Stops a training whose generated images have all become one, before such a generator is saved.

    An untrained generator draws near to one image too, so the watch begins at twice the share. What was saved by a
    training that it watched has not collapsed, so when one is resumed it goes on where the share is reached.

    >>> diversity, saver = iter([0.9, 0.3, 0.05]), Saver(pathlib.Path("runs/watched/images"), {})
    >>> log = Log(pathlib.Path("runs/watched/logs/images"))
    >>> watch = Collapse(lambda: 0, lambda: next(diversity), saver, log, every_steps=10, share=0.1)
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
        log: Log,
        every_steps: int,
        share: float,
        advice: str = "",
    ) -> None:
        """Looks at `diversity`, generated images' by real ones', every `every_steps` steps: as often as is saved.

        `advice` is what else to change when the images collapse.
        """
        super().__init__(steps_done)
        self.diversity, self.manager, self.every_steps, self.share = diversity, manager, every_steps, share
        self.log = log
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
        self.log.write(step, Shown({f"{self.log.folder.name}/diversity": diversity}))
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


class TotalVariation(EveryCall):
    """Measures the true TVD to the training rows now and then, and stops the training below a target.

    >>> tvd, model = iter([0.3, 0.08, 0.04]), keras.Model()
    >>> log = Log(pathlib.Path("runs/watched/logs/controller"))
    >>> stops = TotalVariation(lambda: 0, lambda: next(tvd), log, every_steps=100, target=0.05)
    >>> stops.set_model(model)
    >>> model.stop_training = False  # what `advance` begins with
    >>> for step in (50, 90, 140, 210):  # nothing is measured at step 90, which passes no multiple of 100
    ...     stops.at(step, {})
    ...     print(step, model.stop_training)
    50 False
    90 False
    140 False
    210 True
    """

    def __init__(
        self,
        steps_done: Callable[[], int],
        measure: Callable[[], float],
        log: Log,
        every_steps: int,
        target: float = 0.0,
        after: int = 0,
    ) -> None:
        """Measures in the first call and every `every_steps` steps; stops below `target` from step `after` on.

        A target of 0 stops nothing.
        """
        super().__init__(steps_done)
        self.measure, self.every_steps, self.target, self.after = measure, every_steps, target, after
        self.log = log
        self.seen, self.latest = steps_done(), {}

    def at(self, step: int, logs: dict[str, float]) -> None:
        """Measures if it is time to."""
        made, self.seen = step - self.seen, step
        if not is_measured(step, made, self.every_steps):
            return
        tvd = self.measure()
        self.latest = {"labels/tvd": tvd}
        self.log.write(step, Shown(self.latest))
        if self.target and step >= self.after and tvd < self.target:
            self.model.stop_training = True


def is_measured(step: int, made: int, every_steps: int) -> bool:
    """Whether a call of `made` steps that ended at `step` is the first, or has passed a multiple of `every_steps`.

    By the steps alone, so that a training measures, and stops, where it would have if it had not been interrupted.

    >>> [step for step in range(300, 1800, 300) if is_measured(step, 300, 500)]
    [300, 600, 1200, 1500]
    """
    return step <= made or step // every_steps > (step - made) // every_steps
