"""Makes causalgan_tf/builtin/faces, the model that `causalgan_tf.load("builtin:faces")` reads.

    python -m tools.make_builtin --workdir=RUN

RUN is trained by flags/faces.flags, whose seed is fixed, unless it is trained already, and measured. Weights are
written as float16, with the report beside them; a folder of more than 2 MB is refused.
"""

import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

from causalgan_tf.inference import saved_model
from causalgan_tf.runs.run_folder import Run
from causalgan_tf.system.outputs import LIST

ROOT = pathlib.Path(__file__).parents[1]
OUT = ROOT / "causalgan_tf" / "builtin" / "faces"
LARGEST = 2_000_000  # bytes of the folder


def program(name: str, *arguments: str) -> None:
    """Runs one of the package's programs."""
    subprocess.run([sys.executable, "-m", f"causalgan_tf.cli.{name}", *arguments], cwd=ROOT, check=True)


def make(workdir: pathlib.Path, out: pathlib.Path) -> int:
    """Writes the trained and measured run in `workdir` to `out`, which is replaced; returns the bytes of the folder."""
    model, report = Run.open(workdir).model(), workdir / "report" / "report.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as scratch:
        made = pathlib.Path(scratch) / out.name
        # where the data lay on this machine is nobody's business
        config = model.record["config"]
        record = {**model.record, "config": {**config, "data": {**config["data"], "data_dir": ""}}}
        saved_model.write(made, record, model.networks, dtype="float16")
        (made / LIST).unlink()  # it is of folders that are written again
        measured = json.loads(report.read_text(encoding="utf-8"))
        measured.get("config", {}).get("data", {}).pop("data_dir", None)
        (made / report.name).write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")
        size = sum(path.stat().st_size for path in made.iterdir())
        if size > LARGEST:
            sys.exit(f"The model takes {size:,} bytes: expected at most {LARGEST:,}. Train with a lower --image_width.")
        if out.exists():
            shutil.rmtree(out)
        made.rename(out)
    return size


def main() -> None:
    """Trains, measures, writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workdir", type=lambda path: pathlib.Path(path).absolute(), required=True)
    workdir = parser.parse_args().workdir
    program("train", "--flagfile=flags/faces.flags", f"--workdir={workdir}")
    if not (workdir / "report" / "report.json").exists():
        program("evaluate", "--images=1000", f"--workdir={workdir}")
    print(f"{OUT}: {make(workdir, OUT):,} bytes")


if __name__ == "__main__":
    main()
