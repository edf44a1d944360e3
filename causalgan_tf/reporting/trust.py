"""What can be trusted of a model and what cannot, in words, from the numbers of report.json."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

TRUSTED, DOUBTED, UNTOLD = "trusted", "doubted", "untold"
SMALL = 0.02  # error of a probability up to which an answer counts as right
ABOVE = 1.5  # times what sampling alone gives, up to which a distance counts as none
SHOWS = 0.95  # share of what the judge sees on real images from which on images show their labels
VARIED = 0.75  # share of real images' coverage, recall and diversity from which on images vary as they do
FAR = 5.0  # times the distance of two sets of real images, from which on generated ones look otherwise
CLOSE = 0.1  # standard deviations up to which the distribution of a number counts as right
NEAR = 0.25  # standard deviations that a number may be off in an image
LISTED = 3  # of many findings
LAW = "are-they-images-of-the-right-distribution"  # a section of the report
TESTS = "independences-that-the-graph-implies"  # another


@dataclasses.dataclass(frozen=True)
class Statement:
    """What holds of a model, or does not.

    >>> numbers = {"labels": {"lost_values": {"count": 0, "looked_at": 64}}}
    >>> [statement.about for statement in statements(numbers) if statement.level == TRUSTED]
    ['Lost values']

    Attributes:
        level: TRUSTED, DOUBTED or UNTOLD: neither this report nor the data can tell.
        about: what it is about, a few words.
        text: the sentence.
        section: the report's section with the numbers; empty: none.
    """

    level: str
    about: str
    text: str
    section: str = ""


def statements(numbers: Mapping[str, Any]) -> tuple[Statement, ...]:
    """What the numbers of report.json say of the model, the graph first."""
    labels, images = numbers["labels"], numbers.get("images")
    found = [
        *_graph(labels.get("independences")),
        *_labels(labels),
        _interventions(labels, numbers.get("law")),
        *_limits(labels),
        *(_images(images) if images else ()),
        Statement(UNTOLD, "Hidden causes", "That no hidden cause acts on two labels is assumed. No table can show it."),
        Statement(
            UNTOLD,
            "Single units",
            "What one unit would have been under another intervention is what the fitted mechanisms make of it. The "
            "data do not determine it.",
        ),
    ]
    return tuple(found)


def _graph(found: Mapping[str, Any] | None) -> Iterator[Statement]:
    about = "The graph"
    if not found:
        text = "Whether the data contradict the graph was not tested here. causalgan-graph --labels_file tests it."
        yield Statement(UNTOLD, about, text)
    elif not found["implied"]:
        yield Statement(UNTOLD, about, "The graph joins every two labels, so no table can contradict it.")
    elif not found["violated"]:
        text = f"The data violate none of the {found['implied']:,} independences that the graph implies"
        yield Statement(TRUSTED, about, f"{text}. Its arrows may still point the wrong way.", TESTS)
    else:
        worst = "; ".join(_independence(one) for one in found["worst"][:LISTED])
        count = f"{found['violated']:,} of the {found['implied']:,}"
        text = f"The data violate {count} independences that the graph implies"
        yield Statement(DOUBTED, about, f"{text}, most of all: {worst}. Answers under do() rest on it.", TESTS)


def _independence(one: Mapping[str, Any]) -> str:
    given = f" given {', '.join(one['given'])}" if one["given"] else ""
    return f"{one['x']} and {one['y']}{given}"


def _labels(labels: Mapping[str, Any]) -> Iterator[Statement]:
    about, section = "Labels as in the data", "labels"
    tvd, alone = labels.get("tvd"), labels.get("marginals")
    if tvd is not None:
        floor = labels["tvd_floor"]
        if tvd <= ABOVE * floor:
            text = f"The labels are as near to the data as {labels['n']:,} draws can tell (TVD {tvd:.4f})."
            yield Statement(TRUSTED, about, text, section)
        else:
            text = f"Probabilities of labels may be off by up to {tvd:.3f}; sampling alone gives {floor:.3f}."
            yield Statement(TRUSTED if tvd <= SMALL else DOUBTED, about, text, section)
    elif alone and (errors := _errors(alone["max_error"], alone["max_wasserstein_sd"])):
        named = {"max_error": alone["worst"], "max_wasserstein_sd": alone["worst_continuous"]}
        worst = _either(node for figure, node in named.items() if alone[figure] is not None)
        yield Statement(_level(alone), about, f"Of each label alone {errors}, at {worst}.", section)


def _interventions(labels: Mapping[str, Any], law: str | None) -> Statement:
    about, do, alone = "Labels under interventions", labels.get("do"), labels.get("do_marginals")
    if do:
        side = "exact one" if law == "exact" else "one that the graph implies for the data"
        text = f"Under one do() a probability is off by at most {do['max_tvd']:.3f} from the {side}, at {do['worst']}."
        level = TRUSTED if do["max_tvd"] <= SMALL else DOUBTED
        return Statement(level, about, text, "every-single-intervention")
    if alone and (errors := _errors(alone["max_error"], alone["max_wasserstein_sd"])):
        figures = [figure for figure in ("max_error", "max_wasserstein_sd") if alone[figure] is not None]
        worst = _either(_largest(alone["each"], figure) for figure in figures)
        text = f"Of each label alone under one do() {errors} from the truth, at {worst}."
        return Statement(_level(alone), about, text, "labels-under-intervention")
    text = "Not measured: the labels have too many joint values, or a number is one of them, and no truth can be drawn."
    return Statement(UNTOLD, about, text, "labels")


def _errors(probability: float | None, number: float | None) -> str:
    """The largest errors of single labels in words; empty if neither is known."""
    found = []
    if probability is not None:
        found.append(f"a probability is off by at most {probability:.3f}")
    if number is not None:
        found.append(f"the distribution of a number is off by at most {number:.2f} standard deviations")
    return " and ".join(found)


def _level(alone: Mapping[str, Any]) -> str:
    """Whether single labels are right, numbers as well as probabilities."""
    near = (alone["max_error"] or 0.0) <= SMALL and (alone["max_wasserstein_sd"] or 0.0) <= CLOSE
    return TRUSTED if near else DOUBTED


def _largest(each: Mapping[str, Mapping[str, float | None]], figure: str) -> str:
    return max((text for text in each if each[text][figure] is not None), key=lambda text: each[text][figure])


def _either(names: Iterable[str]) -> str:
    """Names in their order, each once."""
    return " and ".join(dict.fromkeys(names))


def _limits(labels: Mapping[str, Any]) -> Iterator[Statement]:
    lost, thin, support = (labels.get(part) for part in ("lost_values", "thin_cells", "do_support"))
    if lost:
        text = f"The model hardly draws {lost['count']:,} of {lost['looked_at']:,} values that the data have."
        good = f"Every one of {lost['looked_at']:,} values that the data show often enough is drawn."
        yield _counted(lost["count"], "Lost values", text, good, "lost-values")
    if thin:
        text = (
            f"{thin['count']:,} of {thin['of']:,} settings of a label's parents have fewer than {thin['below']} rows: "
            "what the label does there is a guess."
        )
        good = f"Every setting of a label's parents has {thin['below']} rows or more."
        yield _counted(thin["count"], "Thin parent cells", text, good, "where-the-data-tell-little")
    if support and support["count"]:
        lowest = ", ".join(one["do"] for one in support["lowest"][:LISTED])
        text = (
            f"Under {support['below']:,} of {support['count']:,} interventions labels have parents that the data "
            f"hardly show, most of all {lowest}: answers there are extrapolated."
        )
        good = f"Training rows show what follows from each of the {support['count']:,} interventions."
        section = "which-interventions-the-data-support"
        yield _counted(support["below"], "Supported interventions", text, good, section)


def _counted(count: int, about: str, text: str, good: str, section: str) -> Statement:
    return Statement(DOUBTED if count else TRUSTED, about, text if count else good, section)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _images(images: Mapping[str, Any]) -> Iterator[Statement]:
    yield from _unsupported(images["support"], images["supported_from"])
    effect, judge = images["effectiveness"]["do"]["labels"], _balanced(images)
    shown = {label: effect[label] for label in judge if effect.get(label) is not None}
    if shown:
        yield _shown(shown, judge)
    for node, own in images["continuous"].items():
        by, errors = ("measured", own["measured"]) if own["measured"] else ("by the judge", own["judge"])
        text = f"Images under do({node}=x) are off by {errors['do'] / own['sd']:.2f} standard deviations, {by}."
        near = errors["do"] <= max(NEAR * own["sd"], ABOVE * errors["real"])
        yield Statement(TRUSTED if near else DOUBTED, f"Images show {node}", text, "do-the-images-show-their-numbers")
    yield _varied(images)
    name = images["features"]["distance"]
    distance, real = (images[name.lower()][side] for side in ("observational", "control"))
    if distance is None or real is None:
        return
    text = f"The {name} of generated images to real ones is {distance:.2f}; two sets of real ones are {real:.2f} apart."
    yield Statement(TRUSTED if distance < FAR * real else DOUBTED, "Images look like real ones", text, LAW)


def _balanced(images: Mapping[str, Any]) -> dict[str, float]:
    """How often the judge is right on real images, a mean over each label's values as effectiveness under do is."""
    found = dict(images["judge"])
    for label, values in images["judge_recall"].items():
        shares = {value: own["real"] for value, own in values.items() if own["real"] is not None}
        found |= {label: _mean(shares)} if shares else {}
    return found


def _varied(images: Mapping[str, Any]) -> Statement:
    """Whether images are as various as real ones. Coverage alone is high for few images in the right places."""
    sides = {name: (images[name]["model"], images[name]["control"]) for name in ("coverage", "recall")}
    if images["diversity"]["model"] is not None:
        sides["diversity within label cells"] = (images["diversity"]["model"], images["diversity"]["real"])
    ours, control = map(_percent, sides["coverage"])
    text = f"{ours} of the real images have a generated one nearby; other real ones cover {control}."
    few = [f"{name} {_percent(own / real)}" for name, (own, real) in sides.items() if own < VARIED * real]
    if few:
        text += f" Of what real images have: {'; '.join(few)}."
    return Statement(DOUBTED if few else TRUSTED, "Images vary", text, LAW)


def _shown(shown: Mapping[str, float], judge: Mapping[str, float]) -> Statement:
    """Whether the images show each label that is set nearly as often as the judge reads it off real ones."""
    mean, real, worst = _mean(shown), _mean(judge), min(shown, key=shown.get)
    text = (
        f"{_percent(mean)} of the images under do(X=x) show X=x, by a judge who is right on {_percent(real)} of real "
        f"ones; the least for {worst}, {_percent(shown[worst])}."
    )
    few = sorted((label for label in shown if shown[label] < SHOWS * judge[label]), key=shown.get)
    if few:
        listed = "; ".join(f"{label} {_percent(shown[label])}, real {_percent(judge[label])}" for label in few)
        text = f"{text} Too few show: {listed}."
    section = "do-the-images-show-their-labels"
    return Statement(DOUBTED if few else TRUSTED, "Images show what is set", text, section)


def _mean(shares: Mapping[str, float]) -> float:
    return sum(shares.values()) / len(shares)


def _unsupported(support: Mapping[str, float], enough: float) -> Iterator[Statement]:
    """Which interventions ask for labels that no training image has together."""
    if not support:
        return
    low = sorted((name for name in support if support[name] < enough), key=lambda name: support[name])
    if low:
        listed = ", ".join(f"{name} {_percent(support[name])}" for name in low[:LISTED])
        text = (
            f"Under {len(low):,} of {len(support):,} interventions some images have labels that no training image has "
            f"together. Least supported: {listed} of the images. The others are extrapolated."
        )
    else:
        text = (
            f"Under each intervention {_percent(enough)} of the images or more have labels that a training image has."
        )
    section = "where-there-is-no-training-image" if low else ""
    yield Statement(DOUBTED if low else TRUSTED, "Label cells with images", text, section)
