"""What TensorBoard reads in a folder of events."""

import pathlib

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2


def read(folder: pathlib.Path) -> EventAccumulator:
    """All events of a folder."""
    return EventAccumulator(str(folder), size_guidance={"tensors": 0}).Reload()


def tags(folder: pathlib.Path) -> dict[str, str]:
    """Each tag of numbers, pictures, histograms and texts, with its description."""
    log = read(folder)
    return {
        tag: log.SummaryMetadata(tag).summary_description
        for tag in log.Tags()["tensors"]
        if not tag.startswith("_hparams_")
    }


def hparams(log: EventAccumulator) -> dict[str, bool | float | str]:
    """The settings that the hparams tab shows of a run."""
    content = log.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    values = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info.hparams
    return {name: getattr(value, value.WhichOneof("kind")) for name, value in values.items()}
