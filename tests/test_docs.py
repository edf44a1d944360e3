"""README and the pages of docs/: short, with links that lead somewhere, flags that exist and tables that are true."""

import os
import pathlib
import re
import shlex
import subprocess
import sys

import pytest
from absl import flags

from causalgan_tf.cli import common, evaluate, explore, export, graph, query, sample, train
from tools import docs_tables

ROOT = pathlib.Path(__file__).parents[1]
PAGES = docs_tables.pages()
LINK = re.compile(r"\]\(([^()\s]+)\)")
FLAG = re.compile(r"(?<![\w-])--(?:no)?([a-z][a-z0-9_]*[a-z0-9])\b(?!_)")
CODE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
PROGRAMS = {
    "train": train,
    "sample": sample,
    "query": query,
    "evaluate": evaluate,
    "export": export,
    "graph": graph,
    "explore": explore,
}
OTHERS = {"all", "help", "helpfull", "flagfile", "logdir", "to"}  # of tools/test, absl, TensorBoard and jupytext
OTHERS |= {"runner", "direct_num_workers", "direct_running_mode", "project", "region", "temp_location"}  # of Beam
OTHERS |= {"sdk_container_image", "flink_master", "environment_type", "environment_config"}


def anchors(page: pathlib.Path) -> set[str]:
    """The anchors of a page's headings."""
    heads = re.findall(r"^#+ (.+)$", CODE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", head).strip().lower()) for head in heads}


def known_flags() -> set[str]:
    """All flags of the programs and of what lies in tools/."""
    known = set(OTHERS)
    for program in PROGRAMS.values():
        values = flags.FlagValues()
        program.declare(values)
        known |= set(values)
    for tool in (ROOT / "tools").rglob("*.py"):
        known |= set(re.findall(r'"--([a-z_]+)"', tool.read_text(encoding="utf-8")))
    return known


def test_readme_has_at_most_130_lines_of_at_most_120_characters():
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 130
    assert not [line for line in lines if len(line) > 120 and not line.startswith("|")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_to_a_file_and_a_heading(page):
    for link in LINK.findall(CODE.sub("", page.read_text(encoding="utf-8"))):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_flag_that_a_page_names_exists(page):
    named = set(FLAG.findall(page.read_text(encoding="utf-8")))
    known = known_flags()
    assert not {name for name in named if name not in known}


def commands() -> list[str]:
    """The command lines of the programs in all pages and presets."""
    found = set()
    for page in [*PAGES, *(ROOT / "flags").glob("*.flags")]:
        text = page.read_text(encoding="utf-8").replace(r"\|", "|")
        found |= {match.strip() for match in re.findall(r"causalgan-[a-z]+ --[^`\n]*", text)}
    return sorted(found)


@pytest.mark.parametrize("line", commands())
def test_every_command_line_of_the_pages_is_accepted(line, monkeypatch):
    monkeypatch.chdir(ROOT)
    name, *arguments = shlex.split(line, comments=True)
    program = PROGRAMS[name.removeprefix("causalgan-")]
    values = flags.FlagValues()
    program.declare(values)
    common.parse([name, *query.flagged(arguments)], values)
    if program is train:
        train.run_config(values, pathlib.Path("/no/such/folder"))


def test_every_preset_and_tool_that_a_page_names_exists():
    for page in PAGES:
        for name in re.findall(r"\b((?:flags|tools)/[\w./]+\w)", page.read_text(encoding="utf-8")):
            assert (ROOT / name).exists(), f"{page}: {name}"


def test_every_page_is_in_the_navigation():
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:")[2]
    pages = {str(page.relative_to(ROOT / "docs")) for page in PAGES if page != ROOT / "README.md"}
    assert set(re.findall(r"[\w/]+\.md", navigation)) == pages


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_result_tables_are_those_of_the_csv_files(page):
    text = page.read_text(encoding="utf-8")
    assert docs_tables.filled(text) == text


def test_every_csv_of_results_is_shown_and_says_its_command():
    shown = {match[2] for page in PAGES for match in docs_tables.BLOCK.finditer(page.read_text(encoding="utf-8"))}
    assert shown == {path.stem for path in docs_tables.RESULTS.glob("*.csv")}
    for name in shown - docs_tables.ABLATIONS.keys():
        assert "\n```bash\n" in docs_tables.table(name)


def test_a_row_of_results_that_is_wider_than_its_header_is_refused(tmp_path):
    path = tmp_path / "figures.csv"
    path.write_text("quantity,command\none,run --seeds=0\nother,run --seeds=0,1\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"figures\.csv: row 3 has other than 2 cells"):
        docs_tables.figures(path)


def test_readmes_quickstart_runs_as_it_stands_and_tells_doing_from_seeing(capsys):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    snippet = re.search(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)[1]
    exec(compile(snippet, "README.md", "exec"), {})
    seen, done = map(float, re.findall(r"= (0\.\d+)", capsys.readouterr().out))
    # P(Ill | Smokes=1) and P(Ill | do(Smokes=1)) of the snippet's own numbers
    old = 0.4 * 0.2 / (0.4 * 0.2 + 0.6 * 0.5)
    assert seen == pytest.approx(0.05 + 0.3 * old + 0.2, abs=0.025)
    assert done == pytest.approx(0.05 + 0.3 * 0.4 + 0.2, abs=0.025)


@pytest.mark.extra("docs")
def test_the_pages_build_without_warnings(tmp_path):
    line = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(line, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "--controller_steps" in (tmp_path / "site" / "guide" / "flags.html").read_text(encoding="utf-8")
    assert "fit_labels" in (tmp_path / "site" / "api.html").read_text(encoding="utf-8")
