"""The notebooks of examples/, run from top to bottom; needs jupytext and nbclient (extra [examples])."""

import os
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "examples").glob("*.py"))


def test_there_are_notebooks_of_labels_of_the_built_in_faces_and_of_own_images():
    assert {path.stem for path in NOTEBOOKS} >= {"labels_from_a_data_frame", "builtin_faces", "own_images"}


@pytest.mark.extra("examples")
@pytest.mark.filterwarnings("ignore")  # of Jupyter's, not ours
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_pictures(path, monkeypatch):
    import jupytext
    import nbclient

    if path.stem == "builtin_faces" and not (ROOT / "causalgan_tf" / "builtin" / "faces").is_dir():
        pytest.skip("the built-in model is not in this checkout")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))))
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    notebook = jupytext.read(path)
    nbclient.NotebookClient(notebook, timeout=900, kernel_name="python3").execute(cwd=ROOT)
    shown = [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", [])]
    assert sum("image/png" in data for data in shown) >= 2
