"""What TensorBoard's hparams tab compares runs by: settings, and figures at the end of training and evaluation."""

import dataclasses
import pathlib
from collections.abc import Mapping

from causalgan_tf.config.run import PARTS, RunConfig
from causalgan_tf.runs.event_log import Log, Shown

FOLDER = "final"  # below logs/
# settings that are shown even where they have their defaults
ALWAYS = (
    *("data.dataset", "data.graph", "data.image_size", "seed"),
    *(f"controller.{name}" for name in ("mechanisms", "objective", "steps", "batch_size", "learning_rate")),
    *(f"image.{name}" for name in ("model", "steps", "batch_size", "learning_rate")),
)


def settings(config: RunConfig) -> dict[str, bool | int | float | str]:
    """The settings of a run that make it another than the default one, and those of ALWAYS, by PART.NAME.

    >>> found = settings(RunConfig(seed=3))
    >>> found["seed"], found["image.model"], "image.labeler_noise" in found
    (3, 'causal_gan', False)
    """
    values, plain = {"seed": config.seed}, RunConfig()
    for part in PARTS:
        for field in dataclasses.fields(getattr(config, part)):
            name, value = field.name, getattr(getattr(config, part), field.name)
            changed = value != getattr(getattr(plain, part), name) and field.metadata["compared"]
            if changed or f"{part}.{name}" in ALWAYS:
                values[f"{part}.{name}"] = value if isinstance(value, bool | int | float | str) else str(value)
    return values


def write_final(workdir: pathlib.Path, config: RunConfig, figures: Mapping[str, float], step: int) -> None:
    """Writes a run's settings and some figures below its logs; nothing if the folder has no logs.

    Args:
        workdir: the run folder.
        config: its configuration.
        figures: by tag, such as final/images_generator_loss.
        step: at which they were measured.
    """
    if not (workdir / "logs").is_dir():
        return
    from tensorboard.plugins.hparams import api

    log = Log(workdir / "logs" / FOLDER)
    if log.writer is not None:
        with log.unbroken(), log.writer.as_default(step):
            # the folder's name tells trials apart: two runs of the same settings are two
            api.hparams(settings(config), trial_id=str(workdir.absolute()))
    log.write(step, Shown(dict(figures)))
    log.close()
