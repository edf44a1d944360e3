"""What TensorBoard reads: numbers, pictures, histograms and texts of a run, each with a description."""

import contextlib
import dataclasses
import logging
import pathlib
from collections.abc import Iterator, Mapping

import numpy as np
import tensorflow as tf

from causalgan_tf.runs.tags import described


@dataclasses.dataclass(frozen=True)
class Shown:
    """What is written at a step, by tag.

    >>> Shown({"labels/tvd": 0.1}) | Shown({"labels/do_tvd_max": 0.2}, texts={"run/graph": "`A -> B`"})
    Shown(scalars={'labels/tvd': 0.1, 'labels/do_tvd_max': 0.2}, pictures={}, histograms={}, texts={'run/graph': ...})

    Attributes:
        scalars: numbers.
        pictures: uint8 [H, W, 3].
        histograms: numbers [n] and how many buckets they are counted in.
        texts: in Markdown.
        descriptions: of tags that runs.tags does not know.
    """

    scalars: Mapping[str, float] = dataclasses.field(default_factory=dict)
    pictures: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
    histograms: Mapping[str, tuple[np.ndarray, int]] = dataclasses.field(default_factory=dict)
    texts: Mapping[str, str] = dataclasses.field(default_factory=dict)
    descriptions: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)

    def __or__(self, other: "Shown") -> "Shown":
        names = [field.name for field in dataclasses.fields(self)]
        return Shown(**{name: {**getattr(self, name), **getattr(other, name)} for name in names})


class Log:
    """Summaries in a folder, which a full disk or a folder in the way does not stop.

    >>> log = Log(pathlib.Path("runs/logged/logs"))
    >>> log.write(10, Shown({"controller/critic_loss": 0.25}))
    >>> log.close()
    >>> len(list(log.folder.glob("events*")))
    1
    """

    def __init__(self, folder: pathlib.Path) -> None:
        """Writes files of events into `folder`, which is made."""
        self.folder, self.writer = folder, None
        with self.unbroken():
            self.writer = tf.summary.create_file_writer(str(folder))

    def write(self, step: int, shown: Shown) -> None:
        """Writes what is shown at a step."""
        if self.writer is None:
            return
        with self.unbroken(), self.writer.as_default(step):
            told = {tag: shown.descriptions.get(tag) or described(tag) for part in _parts(shown) for tag in part}
            for tag, value in shown.scalars.items():
                tf.summary.scalar(tag, value, description=told[tag])
            for tag, picture in shown.pictures.items():
                tf.summary.image(tag, picture[None], description=told[tag])
            for tag, (values, buckets) in shown.histograms.items():
                tf.summary.histogram(tag, values, buckets=buckets, description=told[tag])
            for tag, text in shown.texts.items():
                tf.summary.text(tag, text, description=told[tag])

    def close(self) -> None:
        """Writes what is left."""
        if self.writer is not None:
            with self.unbroken():
                self.writer.close()

    @contextlib.contextmanager
    def unbroken(self) -> Iterator[None]:
        """A block whose failure to write is a warning and ends the log, not the training."""
        try:
            yield
        except (tf.errors.OpError, OSError) as error:
            self.writer = None
            logging.getLogger(__name__).warning("No more summaries are written to %s: %s", self.folder, error)


def _parts(shown: Shown) -> tuple[Mapping, ...]:
    return shown.scalars, shown.pictures, shown.histograms, shown.texts
