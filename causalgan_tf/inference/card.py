"""A model's card: what a served model says of itself, as JSON and as a README.md with the model hub's header."""

import json
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

import causalgan_tf
from causalgan_tf.errors import InputError, shown
from causalgan_tf.graphs.variables import to_json
from causalgan_tf.inference.causal_model import CausalModel

HEADER = ("library_name: {library}", "tags:", "- causal-inference", "- image-generation", "- tensorflow", "---")
# what the inputs and outputs of signatures are, for who reads the card alone
MEANINGS = {
    "seed": "one a row; in `sample` the same seed under another do is the same unit",
    "do": "one number a label in graph order; NaN leaves a label alone",
    "given": "one number a label in graph order; NaN where there is no condition",
    "given_low": "the least value of a number; NaN: from the lowest",
    "given_high": "the largest value of a number; NaN: to the highest",
    "value": "one number a label in graph order, of which those count that are set",
    "set": "whether the label is set to its value",
    "event": "one number a label in graph order; NaN where the event says nothing",
    "observed": "one number a label in graph order, every label of the unit",
    "row_seed": "of the candidate that was accepted: `sample` draws it again",
    "row": "any number; the card comes once for each",
    "labels": "one number a label in graph order: 0 or 1, a category's place, or the value of a number",
    "image": "grey levels 0 to 255",
    "image_bytes": "a PNG file",
    "accepted": "whether a row met the condition; if not, its labels are NaN and its image is 0",
    "draws": "candidate rows that were looked at",
    "probability": "of the event; the condition must be possible",
    "card": "this card as JSON",
}


def card_of(
    model: CausalModel,
    signatures: Mapping[str, tuple[Mapping[str, tf.TensorSpec], Mapping[str, tf.TensorSpec]]],
    figures: Mapping[str, Any] | None = None,
    licence: str | None = None,
) -> dict[str, Any]:
    """The card, plain values for a JSON file; no path of the machine is in it.

    Args:
        model: a trained model.
        signatures: inputs and outputs by name.
        figures: what a report measured; None: nothing was.
        licence: of the model; None: whoever trained it has not said.

    Raises:
        InputError: `licence` is no line of text.

    >>> found = card_of(model, {})
    >>> found["labels"][1]["name"], found["labels"][1]["parents"], found["figures"]
    ('Smokes', ['Old'], None)
    """
    if licence is not None and not (isinstance(licence, str) and licence.strip() and licence.isprintable()):
        raise InputError(f"licence: expected one line of text such as apache-2.0, got {shown(licence)}.")
    graph, record = model.graph, model.record or {}
    kept = (record.get("graph") or {}).get("fingerprint") or {}
    types = to_json(graph.variables)
    return {
        "model": "causal implicit generative model (arXiv:1709.02023)",
        "graph": graph.to_text(),
        "labels": [{"name": node, "parents": list(graph.parents[node]), "type": types[node]} for node in graph.nodes],
        "images": list(model.images.shape) if model.images else None,
        "data": {
            "source": (record.get("config") or {}).get("data", {}).get("dataset"),
            "label_rows": kept.get("rows"),
            "label_cells_with_images": len(model.cells.codes) if model.cells else None,
        },
        "signatures": {
            name: {
                part: {key: _described(key, spec) for key, spec in specs.items()}
                for part, specs in zip(("inputs", "outputs"), both, strict=True)
            }
            for name, both in signatures.items()
        },
        "limits": list(model.warnings),
        "figures": figures,
        "versions": {
            "causalgan_tf": causalgan_tf.__version__,
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
        },
        "licence": licence,
    }


def readme(card: Mapping[str, Any], library: str = "tf-keras") -> str:
    """The card as Markdown, behind the header that the model hub reads; `library`: what opens the model, as it says.

    >>> print(readme(card_of(model, {})).split("---")[1].strip())
    library_name: tf-keras
    tags:
    - causal-inference
    - image-generation
    - tensorflow
    """
    kind = "labels and images" if card["images"] else "labels"
    licence = [] if card["licence"] is None else [f"license: {json.dumps(card['licence'], ensure_ascii=False)}"]
    lines = ["---", *licence, *(line.format(library=library) for line in HEADER)]
    lines += ["", f"# Causal model of {kind}", "", "````", card["graph"].replace("````", "` ` ` `"), "````", ""]
    lines += ["| label | parents | type |", "| --- | --- | --- |"]
    for label in card["labels"]:
        cells = (label["name"], ", ".join(label["parents"]), json.dumps(label["type"], ensure_ascii=False))
        lines.append(f"| {' | '.join(_cell(cell) for cell in cells)} |")
    for name, both in card["signatures"].items():
        lines += ["", f"## {name}", "", "| | name | type | shape | what |", "| --- | --- | --- | --- | --- |"]
        for part in ("inputs", "outputs"):
            for key, spec in both[part].items():
                lines.append(f"| {part[:-1]} | `{key}` | {spec['dtype']} | {spec['shape']} | {spec['what']} |")
    lines += ["", "## Limits", "", *(f"- {_cell(line)}" for line in card["limits"] or ["None was found."])]
    if card["figures"]:
        lines += ["", "## Measured", "", "```json", json.dumps(card["figures"], indent=2), "```"]
    lines += ["", "## Versions", "", *(f"- {name} {version}" for name, version in card["versions"].items()), ""]
    return "\n".join(lines)


def _described(key: str, spec: tf.TensorSpec) -> dict[str, Any]:
    return {"dtype": spec.dtype.name, "shape": list(spec.shape), "what": MEANINGS[key]}


def _cell(text: str) -> str:
    """A text in a table of Markdown, in which no label's name is taken for a mark or for HTML."""
    return "".join(f"&#{ord(mark)};" if mark in "&<>|`*[]\\" else " " if mark == "\n" else mark for mark in text)
