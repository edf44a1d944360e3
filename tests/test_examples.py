"""The notebooks of examples/, run from top to bottom; needs jupytext and nbclient (extra [examples])."""

import os
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parents[1]


@pytest.mark.extra("examples")
@pytest.mark.filterwarnings("ignore")  # of Jupyter's, not ours
@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.py")), ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_pictures(path, monkeypatch):
    import jupytext
    import nbclient

    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))))
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    notebook = jupytext.read(path)
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute(cwd=ROOT)
    shown = [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", [])]
    assert sum("image/png" in data for data in shown) >= 2
