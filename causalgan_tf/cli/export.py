"""Exports a trained run to TensorFlow Serving: causalgan-export --workdir=runs/faces --export_dir=served/faces.

Writes EXPORT_DIR/1/saved_model.pb, then EXPORT_DIR/2, and so on: a server takes the newest version. With --with=triton
also EXPORT_DIR/triton, a model repository, and with --with=kserve EXPORT_DIR/inference_service.yaml. With --format=onnx
it writes EXPORT_DIR/1/model.onnx, for ONNX Runtime and OpenVINO, with litert model.tflite, with keras model.keras.
"""

import pathlib
from typing import Any

from absl import flags

from causalgan_tf.cli import common
from causalgan_tf.errors import InputError
from causalgan_tf.inference import server_files
from causalgan_tf.inference.query_text import parse_names
from causalgan_tf.runs.run_folder import Run
from causalgan_tf.system.files import read_object
from causalgan_tf.system.outputs import check_folder, writing

FORMATS = ("saved_model", "onnx", "litert", "keras")
# of report.json, what the card repeats
FIGURES = {
    "labels": ("tvd_to_graph_law", "tvd"),
    "images": ("effectiveness", "cfid", "fid", "recall", "coverage"),
}


def declare(values: flags.FlagValues) -> None:
    """The program's flags."""
    common.define(values, "workdir", "", "folder of the trained run")
    common.define(values, "export_dir", "", "folder of the versions, one a call")
    common.define(values, "licence", "", "licence of the model for its card, such as mit; empty: not stated")
    common.define(values, "with", "", "also what these servers read, of triton and kserve, such as triton,kserve")
    common.define(values, "format", FORMATS[0], "what is written; onnx needs the extra [onnx]", choices=FORMATS)


def main(values: flags.FlagValues) -> None:
    """Exports."""
    workdir, export_dir = common.folder(values, "workdir"), common.folder(values, "export_dir")
    servers = parse_names(values["with"].value)
    if unknown := [name for name in servers if name not in server_files.SERVERS]:
        raise InputError(f"--with={unknown[0]}: expected some of {', '.join(server_files.SERVERS)}.")
    if servers and values.format != FORMATS[0]:
        raise InputError(f"--with={servers[0]} is about a SavedModel: it does not go with --format={values.format}.")
    run = Run.open(workdir)
    check_folder(export_dir)
    common.start_tensorflow()
    from causalgan_tf.inference import converted, export

    model, measured, licence = run.model(), figures(run.workdir), values.licence or None
    if values.format != FORMATS[0]:
        print(converted.export_converted(model, export_dir, values.format, measured, licence))
        return
    version = export.export_model(model, export_dir, measured, licence)
    print(version / "saved_model.pb")
    for server in servers:
        with writing(export_dir):
            print(server_files.write(version, read_object(version / "assets" / "card.json"), server))


def figures(workdir: pathlib.Path) -> dict[str, Any] | None:
    """What the report of a run, or beside a saved model, measured, for the card; None: there is no report."""
    paths = [path for path in (workdir / "report" / "report.json", workdir / "report.json") if path.is_file()]
    if not paths:
        return None
    report = read_object(paths[0])
    parts = {stage: report[stage] for stage in FIGURES if isinstance(report.get(stage), dict)}
    return {stage: {name: part[name] for name in FIGURES[stage] if name in part} for stage, part in parts.items()}


def program() -> None:
    """The command causalgan-export."""
    common.run(declare, main)


if __name__ == "__main__":
    program()
