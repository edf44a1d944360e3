"""Causal graphs by name: Causal Graph 1 (arXiv:1709.02023), its completions, the 2017 program's, the digits'."""

from collections.abc import Sequence

from causalgan_tf.graphs.graph import CausalGraph

_ORDER = (
    "Young",
    "Male",
    "Eyeglasses",
    "Bald",
    "Mustache",
    "Smiling",
    "Wearing_Lipstick",
    "Mouth_Slightly_Open",
    "Narrow_Eyes",
)


def completed(order: Sequence[str]) -> CausalGraph:
    """The complete graph in which every node has all earlier ones as parents: it excludes no joint distribution."""
    return CausalGraph({node: order[:k] for k, node in enumerate(order)})


_ROOTS = "Young; Male; "
_BOTH = "Male, Young -> "

NAMED: dict[str, CausalGraph] = {
    "causal_graph_1": CausalGraph.from_text(
        f"{_ROOTS} Young -> Eyeglasses; {_BOTH} Bald; {_BOTH} Mustache; {_BOTH} Smiling; {_BOTH} Wearing_Lipstick; "
        "Young, Smiling -> Mouth_Slightly_Open; Male, Young, Smiling -> Narrow_Eyes"
    ),
    "causal_graph_1_complete": completed(_ORDER),
    "causal_graph_1_reversed": completed(_ORDER[::-1]),
    "old_big_causal_graph": CausalGraph.from_text(
        f"{_ROOTS} Young -> Eyeglasses; {_BOTH} Bald; {_BOTH} Mustache; {_BOTH} Smiling; {_BOTH} Wearing_Lipstick; "
        "Smiling -> Mouth_Slightly_Open; Smiling -> Narrow_Eyes"
    ),
    "small_causal_graph": CausalGraph.from_text(
        f"{_ROOTS} {_BOTH} Mustache; {_BOTH} Smiling; {_BOTH} Wearing_Lipstick; "
        "Male, Young, Smiling -> Mouth_Slightly_Open; Male, Young, Smiling -> Narrow_Eyes"
    ),
    "standard_graph": CausalGraph.from_text("Male, Young -> Smiling"),
    "complete_minimal_graph": completed(("Young", "Male", "Mustache", "Wearing_Lipstick", "Smiling")),
    "male_causes_beard": CausalGraph.from_text("Male -> No_Beard"),
    "male_causes_mustache": CausalGraph.from_text("Male -> Mustache"),
    "mustache_causes_male": CausalGraph.from_text("Mustache -> Male"),
    "male_ind_mustache": CausalGraph.from_text("Male; Mustache"),
    "young_causes_gray": CausalGraph.from_text("Young -> Gray_Hair"),
    "gray_causes_young": CausalGraph.from_text("Gray_Hair -> Young"),
    "young_ind_gray": CausalGraph.from_text("Young; Gray_Hair"),
    "smiling_mso": CausalGraph.from_text("Smiling -> Mouth_Slightly_Open"),
    "mso_smiling": CausalGraph.from_text("Mouth_Slightly_Open -> Smiling"),
    "male_young_eyeglasses": CausalGraph.from_text("Male, Young -> Eyeglasses"),
    "male_young_eyeglasses_complete": completed(("Male", "Young", "Eyeglasses")),
    "male_smiling_lipstick": CausalGraph.from_text("Male -> Wearing_Lipstick, Smiling"),
    "male_mustache_lipstick": completed(("Male", "Mustache", "Wearing_Lipstick")),
    "myeso": completed(("Male", "Young", "Eyeglasses", "Smiling", "Mouth_Slightly_Open")),
    "slm": completed(("Smiling", "Wearing_Lipstick", "Male")),
    "mls": completed(("Male", "Wearing_Lipstick", "Smiling")),
    "morpho_digits": CausalGraph.from_text(
        "digit; thickness -> slant; thickness -> intensity; digit: categorical(0, 1, 2, 3, 4, 5, 6, 7, 8, 9); "
        "thickness: continuous; slant: continuous; intensity: continuous(64, 255)"
    ),
    "colored_digits": CausalGraph.from_text(
        "digit -> colour; digit: categorical(0, 1, 2, 3, 4, 5, 6, 7, 8, 9); "
        "colour: categorical(red, cyan, orange, blue, yellow, purple, green, pink, white, brown)"
    ),
}

# the 2017 program's spelling, where it differs
ALIASES: dict[str, str] = {
    "big_causal_graph": "causal_graph_1",
    "complete_big_causal_graph": "causal_graph_1_complete",
    "reverse_big_causal_graph": "causal_graph_1_reversed",
    "Smiling_MSO": "smiling_mso",
    "MSO_smiling": "mso_smiling",
    "Male_Young_Eyeglasses": "male_young_eyeglasses",
    "Male_Young_Eyeglasses_complete": "male_young_eyeglasses_complete",
    "MYESO": "myeso",
    "SLM": "slm",
    "MLS": "mls",
}
