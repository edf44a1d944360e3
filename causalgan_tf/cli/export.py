"""Exports a trained run to TensorFlow Serving: causalgan-export --workdir=runs/faces --export_dir=served/faces.

Writes EXPORT_DIR/1/saved_model.pb, then EXPORT_DIR/2, and so on: a server takes the newest version. With --with=triton
also EXPORT_DIR/triton, a model repository, and with --with=kserve EXPORT_DIR/inference_service.yaml.
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

# of report.json, what the card repeats
FIGURES = {
    "labels": ("tvd_to_graph_law", "tvd"),
    "images": ("effectiveness", "cfid", "fid", "recall", "coverage"),
}


def declare(values: flags.FlagValues) -> None:
    """The program's flags."""
    common.define(values, "workdir", "", "folder of the trained run")
    common.define(values, "export_dir", "", "folder of the versions, one a call")
    common.define(values, "with", "", "also what these servers read, of triton and kserve, such as triton,kserve")


def main(values: flags.FlagValues) -> None:
    """Exports."""
    workdir, export_dir = common.folder(values, "workdir"), common.folder(values, "export_dir")
    servers = parse_names(values["with"].value)
    if unknown := [name for name in servers if name not in server_files.SERVERS]:
        raise InputError(f"--with={unknown[0]}: expected some of {', '.join(server_files.SERVERS)}.")
    run = Run.open(workdir)
    check_folder(export_dir)
    common.start_tensorflow()
    from causalgan_tf.inference import export

    version = export.export_model(run.model(), export_dir, figures(workdir))
    print(version / "saved_model.pb")
    for server in servers:
        with writing(export_dir):
            print(server_files.write(version, read_object(version / "assets" / "card.json"), server))


def figures(workdir: pathlib.Path) -> dict[str, Any] | None:
    """What the report of a run measured, for the card of its model; None: there is no report."""
    path = workdir / "report" / "report.json"
    if not path.is_file():
        return None
    report = read_object(path)
    parts = {stage: report[stage] for stage in FIGURES if isinstance(report.get(stage), dict)}
    return {stage: {name: part[name] for name in FIGURES[stage] if name in part} for stage, part in parts.items()}


def program() -> None:
    """The command causalgan-export."""
    common.run(declare, main)


if __name__ == "__main__":
    program()
