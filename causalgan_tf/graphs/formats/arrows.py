"""The arrows that a drawing program has put at the two ends of an edge: they tell which end is the cause."""

import re
from collections.abc import Iterator, Mapping

_WORDS = {  # what each program writes of an edge from A to B
    "dir": {"forward": "->", "back": "<-", "both": "<->", "none": "--"},  # Graphviz
    "arrow": {"last": "->", "first": "<-", "both": "<->", "none": "--"},  # GML
    "arrowmode": dict(zip("0123", ("--", "<-", "->", "<->"), strict=True))  # igraph
    | {"-": "--", "--": "--", "<": "<-", "<-": "<-", ">": "->", "->": "->", "<>": "<->", "<->": "<->"},
}
_ENDS = ("sourcearrow", "targetarrow")  # yEd, Cytoscape
_NOTHING = ("", "none", "0", "false")


def mark(usual: str, attributes: Mapping[str, object]) -> str:
    """The mark of an edge after its arrows, which can turn it round, take its direction or leave it open (o->).

    Args:
        usual: what is written between the nodes; only "->" has arrows of its own.
        attributes: what the file says of the edge.

    Returns:
        "->", "<-", "<->", "--", or one with an "o" at an end.

    Examples:
        >>> mark("->", {"dir": "back"}), mark("->", {"graphics": {"targetArrow": "delta"}}), mark("->", {})
        ('<-', '->', '->')
    """
    if usual != "->":
        return usual
    said = dict(_said(attributes))
    if any(end in said for end in _ENDS):
        tail, head = (said.get(end, "") not in _NOTHING for end in _ENDS)
        return f"{'<' * tail}-{'>' * head}" if tail or head else "--"
    for name in ("arrow", "arrowmode"):
        if said.get(name) in _WORDS[name]:
            return _WORDS[name][said[name]]
    # Graphviz: dir says which ends have arrows, arrowhead and arrowtail what those look like
    usual = _WORDS["dir"].get(said.get("dir", ""), usual)
    head = _end(said.get("arrowhead", ""), ">") if ">" in usual else ""
    tail = _end(said.get("arrowtail", ""), "<") if "<" in usual else ""
    return f"{tail}-{head}" if head or tail else "--"


def drawn(attributes: Mapping[str, object]) -> bool:
    """Whether a program that draws no arrow unasked has put one at this edge, as GML and yEd do."""
    said = dict(_said(attributes))
    return any(end in said for end in _ENDS) or said.get("arrow") in _WORDS["arrow"]


def _said(attributes: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """The attributes in small letters, those under "graphics" among them."""
    for name, value in attributes.items():
        if name == "graphics":
            for part in value if isinstance(value, list) else [value]:
                yield from _said(part) if isinstance(part, Mapping) else ()
        elif isinstance(value, str | int):
            yield re.sub(r"[-_. ]|shape$", "", str(name).lower()), str(value).strip().lower()


def _end(arrow: str, usual: str) -> str:
    return {"none": "", "odot": "o"}.get(arrow, usual)
