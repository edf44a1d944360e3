"""What the report says of the labels: headline figures, the four statements, and the numbers in full."""

from collections.abc import Iterator, Mapping
from typing import Any

from causalgan_tf import page, pictures
from causalgan_tf.page import NOTHING, Card, decimal

CHART_WIDTH = 720  # pixels of the page
BARS = 60  # bars of a chart at most, the largest
NO_INTERVENTIONS = (
    "Interventions are not measured here: the model's law under do(X=x) is computed cell by cell, and there are no "
    "cells, or too many."
)


def cards(labels: Mapping[str, Any]) -> Iterator[Card]:
    """The headline figures of the labels' numbers, see evaluation.labels.label_numbers."""
    yield from _joint_cards(labels)
    yield from _part_cards(labels)


def statements(labels: Mapping[str, Any]) -> list[str]:
    """The statements on which doing and conditioning differ; nothing where the graph has not their labels."""
    if not labels["queries"]:
        return []
    rows = [
        (
            query["query"],
            decimal(query["model"], 4),
            decimal(query["truth"], 4),
            NOTHING if None in (query["model"], query["truth"]) else f"{query['model'] - query['truth']:+.4f}",
        )
        for query in labels["queries"]
    ]
    return [
        page.heading("To do is not to condition"),
        page.paragraph(
            "Giving everybody a mustache changes nobody's sex; meeting somebody with a mustache tells it. A causal "
            "model must answer both questions, and answer them differently."
        ),
        page.table(("Probability", "Model", "Truth", "Difference"), rows),
    ]


def sections(labels: Mapping[str, Any], law: str | None) -> list[str]:
    """The numbers in full; `law` is "exact" or "fitted", the truth under interventions."""
    return [
        page.heading("Labels"),
        *(_joint(labels) if labels["tvd"] is not None else _parts(labels)),
        *_under_do(labels, law),
        *(_thin_cells(labels["thin_cells"]) if labels["thin_cells"] else []),
    ]


def _under_do(labels: Mapping[str, Any], law: str | None) -> list[str]:
    if labels["do"]:
        return _interventions(labels["do"], law)
    found = labels["do_marginals"]
    if not found:
        return [page.paragraph(NO_INTERVENTIONS)]
    rows = [(text, *(decimal(value, 4) for value in errors.values())) for text, errors in found["each"].items()]
    return [
        page.heading("Labels under intervention", 3),
        page.paragraph(
            f"Each label's own law under do(X=x), {found['n']:,} rows of the model beside as many of the truth: the "
            "largest error of a probability and the largest Wasserstein-1 distance, in standard deviations. Numbers "
            "are set to their quartiles.",
            note=True,
        ),
        page.table(("Intervention", "probability", "Wasserstein-1, sd"), rows),
    ]


def _joint(labels: Mapping[str, Any]) -> list[str]:
    rows = [
        ("TVD to the data", decimal(labels["tvd"], 4)),
        ("its sampling floor", decimal(labels["tvd_floor"], 4)),
        ("TVD to the graph's law", decimal(labels["tvd_to_graph_law"], 4)),
        ("TVD of the data to the graph's law", decimal(labels["tvd_data_to_graph_law"], 4)),
        ("mass on combinations that the data lacks", decimal(labels["off_support_mass"], 4)),
    ]
    return [page.table(("Joint law of all labels", f"n = {labels['n']:,}"), rows)]


def _parts(labels: Mapping[str, Any]) -> list[str]:
    """What is measured where the cells of all labels cannot be counted."""
    alone, pairs, mmd = labels["marginals"], labels["pairs"], labels["mmd"]
    errors, distances = (
        {node: figures[name] for node, figures in alone["each"].items() if name in figures}
        for name in ("error", "wasserstein_sd")
    )
    rows = [("largest of a probability", decimal(alone["max_error"], 4))]
    rows.append(("largest Wasserstein-1 distance, sd", decimal(alone["max_wasserstein_sd"], 4)))
    if pairs:
        rows.append((f"largest of two values together (pairs: {pairs['count']:,})", decimal(pairs["max_error"], 4)))
        rows.append(("mean of two values together", decimal(pairs["mean_error"], 5)))
    if mmd:
        rows.append((f"MMD² of {mmd['n']:,} to {mmd['n']:,} rows", decimal(mmd["mmd2"], 5)))
        rows.append(("95 % of two sets of real rows are below", decimal(mmd["band"], 5)))
    return [
        page.paragraph(
            "The cells of all labels are too many to be counted, or continuous labels have none. So "
            f"{labels['n']:,} rows of the model are compared with {labels['n_data']:,} of the data: each label alone, "
            "discrete labels two by two, and, where a label is continuous, all of them as points. Sampling alone gives "
            f"a probability a standard error of up to {decimal(alone['sampling_error'], 4)}, and a mean one of twice "
            "as many standard deviations (sd)."
        ),
        page.table(("Model against data", "error"), rows),
        *_chart("Each discrete label alone", errors, "largest error of a probability"),
        *_chart("Each continuous label alone", distances, "Wasserstein-1 distance, standard deviations of the data"),
        page.folded("Each label as a table", _marginal_table(alone["each"])),
    ]


def _marginal_table(each: Mapping[str, Mapping[str, float]]) -> str:
    names = ("error", "mean_error_sd", "wasserstein_sd")
    rows = [(node, *(decimal(figures.get(name), 4) for name in names)) for node, figures in each.items()]
    return page.table(("Label", "error of a probability", "error of the mean, sd", "Wasserstein-1, sd"), rows)


def _chart(title: str, values: Mapping[str, float], axis: str) -> list[str]:
    """A heading and a chart of the largest values, in their order; nothing without values."""
    if not values:
        return []
    shown = sorted(values, key=values.get, reverse=True)[:BARS]
    bars = pictures.bars({name: value for name, value in values.items() if name in set(shown)}, {}, axis)
    more = f", the {BARS} largest of {len(values)}" if len(values) > BARS else ""
    return [page.heading(title + more, 3), page.picture(bars, axis, CHART_WIDTH)]


def _interventions(do: Mapping[str, Any], law: str) -> list[str]:
    truth = "the exact law of the data" if law == "exact" else "the law that the graph implies for the data"
    each = [(name, decimal(value, 4)) for name, value in do["each"].items()]
    heading, chart = _chart("Every single intervention", do["each"], "total variation distance")
    return [
        heading,
        page.paragraph(
            f"Distance of the model's labels under do(X=x) to {truth}, mechanisms of X removed. The model's law is "
            f"computed from its mechanisms, each drawn {do['draws']:,} times in every cell of its parents: there is no "
            "sampling floor."
        ),
        chart,
        page.folded("The same as a table", page.table(("Intervention", "TVD"), each)),
    ]


def _thin_cells(thin: Mapping[str, Any]) -> list[str]:
    heading = page.heading("Where the data tell little", 3)
    if not thin["count"]:
        nowhere = f"Nowhere: every setting of a label's parents has {thin['below']} rows or more."
        return [heading, page.paragraph(nowhere)]
    rows = []
    for cell in thin["fewest"]:
        parents = ", ".join(f"{parent}={value}" for parent, value in cell["parents"].items())
        rows.append((cell["node"], parents or "no parents", f"{cell['rows']:,}"))
    listed = f"The {len(rows)} with the fewest" if len(rows) < thin["count"] else "These are"
    return [
        heading,
        page.paragraph(
            f"{thin['count']:,} of {thin['of']:,} settings of a label's parents have fewer than {thin['below']} rows: "
            "what the label does there is little more than a guess."
        ),
        page.folded(listed, page.table(("Label", "its parents", "rows"), rows)),
    ]


def _joint_cards(labels: Mapping[str, Any]) -> Iterator[Card]:
    if labels["tvd"] is not None:
        yield (
            "Labels as in the data",
            decimal(labels["tvd"]),
            f"total variation distance: 0 is the same law, 1 disjoint. Sampling alone gives "
            f"{decimal(labels['tvd_floor'])}.",
        )
    if labels["do"]:
        do = labels["do"]
        yield (
            "Labels under interventions",
            decimal(do["max_tvd"]),
            f"largest distance over the {len(do['each'])} single interventions, at {do['worst']}; "
            f"their mean is {decimal(do['mean_tvd'])}.",
        )


def _part_cards(labels: Mapping[str, Any]) -> Iterator[Card]:
    alone, pairs, mmd = labels["marginals"], labels["pairs"], labels["mmd"]
    if alone and alone["worst"]:
        yield (
            "Each label alone",
            decimal(alone["max_error"]),
            f"largest error of a probability, at {alone['worst']}. Sampling alone gives a standard error of up to "
            f"{decimal(alone['sampling_error'])}.",
        )
    if alone and alone["worst_continuous"]:
        yield (
            "Each continuous label alone",
            f"{decimal(alone['max_wasserstein_sd'])} sd",
            f"largest Wasserstein-1 distance to the data, at {alone['worst_continuous']}, in standard deviations.",
        )
    if pairs:
        yield (
            "Labels two by two",
            decimal(pairs["max_error"]),
            f"largest error of the probability of two values together, at {pairs['worst']}; the mean is "
            f"{decimal(pairs['mean_error'], 4)}.",
        )
    if mmd:
        yield (
            "All labels together",
            decimal(mmd["mmd2"], 5),
            f"squared maximum mean discrepancy; of two sets of {mmd['n']:,} real rows 95 % are below "
            f"{decimal(mmd['band'], 5)}.",
        )
