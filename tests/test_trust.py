"""What a report says of a model in words: each finding in its place, from the numbers alone."""

import re

import pytest

from causalgan_tf.reporting import trust


def found(**labels):
    """The statements about labels, by what they are about."""
    return {one.about: one for one in trust.statements({"labels": labels, "law": "exact"})}


def test_a_graph_that_the_data_contradict_is_doubted_with_the_worst_independences():
    worst = [{"x": x, "y": "D", "given": given, "nats_per_row": 0.1} for x, given in (("A", []), ("B", ["A", "C"]))]
    told = found(independences={"implied": 5, "violated": 2, "rows": 100, "worst": worst})["The graph"]
    assert told.level == trust.DOUBTED
    assert "violate 2 of the 5 independences" in told.text and "A and D; B and D given A, C." in told.text


@pytest.mark.parametrize(
    ("independences", "level"),
    [
        ({"implied": 5, "violated": 0, "rows": 100, "worst": []}, trust.TRUSTED),
        ({"implied": 0, "violated": 0, "rows": 100, "worst": []}, trust.UNTOLD),
        (None, trust.UNTOLD),
    ],
)
def test_a_graph_without_violations_is_trusted_only_where_it_could_have_been_contradicted(independences, level):
    assert found(independences=independences)["The graph"].level == level


def test_labels_near_the_data_are_trusted_and_far_ones_doubted():
    assert found(tvd=0.006, tvd_floor=0.005, n=1_000)["Labels as in the data"].level == trust.TRUSTED
    far = found(tvd=0.2, tvd_floor=0.005, n=1_000)["Labels as in the data"]
    assert far.level == trust.DOUBTED and "by up to 0.200; sampling alone gives 0.005" in far.text
    under = {"max_tvd": 0.3, "worst": "do(A=1)"}
    assert found(do=under)["Labels under interventions"].level == trust.DOUBTED


UNDER_DO = {
    "do(A=0)": {"max_error": 0.004, "max_wasserstein_sd": 0.03},
    "do(A=1)": {"max_error": 0.012, "max_wasserstein_sd": 0.02},
}


@pytest.mark.parametrize(
    ("error", "number", "level", "words"),
    [
        (0.012, 0.03, trust.TRUSTED, "0.012 and .* 0.03 standard deviations from the truth, at do.A=1. and do.A=0."),
        (0.3, 0.03, trust.DOUBTED, "off by at most 0.300"),
        (0.012, 0.8, trust.DOUBTED, "0.80 standard deviations"),
        (None, 0.8, trust.DOUBTED, "under one do.. the distribution of a number is off .* at do.A=0.\\."),
        (0.012, None, trust.TRUSTED, "off by at most 0.012 from the truth, at do.A=1.\\."),
    ],
)
def test_single_labels_under_do_are_judged_where_joint_ones_cannot_be_counted(error, number, level, words):
    under = {"each": UNDER_DO, "n": 1_000, "max_error": error, "max_wasserstein_sd": number}
    told = found(do=None, do_marginals=under)["Labels under interventions"]
    assert told.level == level and re.search(words, told.text)


@pytest.mark.parametrize("labels", [{}, {"do": None, "do_marginals": None}])
def test_interventions_that_were_not_measured_are_said_to_be_so(labels):
    told = found(**labels)["Labels under interventions"]
    assert told.level == trust.UNTOLD and told.text.startswith("Not measured")


@pytest.mark.parametrize(("number", "level"), [(0.02, trust.TRUSTED), (0.7, trust.DOUBTED)])
@pytest.mark.parametrize(("error", "worst"), [(0.01, "A"), (None, None)])
def test_numbers_count_in_labels_as_in_the_data(number, level, error, worst):
    alone = {"max_error": error, "worst": worst, "max_wasserstein_sd": number, "worst_continuous": "Age"}
    told = found(marginals=alone)["Labels as in the data"]
    assert told.level == level and f"{number:.2f} standard deviations" in told.text and "Age" in told.text


def test_lost_values_thin_cells_and_unsupported_interventions_are_doubted_where_there_are_any():
    some = found(
        lost_values={"count": 2, "looked_at": 9},
        thin_cells={"count": 3, "of": 8, "below": 30},
        do_support={"count": 4, "below": 1, "lowest": [{"do": "do(A=1)"}]},
    )
    none = found(
        lost_values={"count": 0, "looked_at": 9},
        thin_cells={"count": 0, "of": 8, "below": 30},
        do_support={"count": 4, "below": 0, "lowest": []},
    )
    for about, words in (
        ("Lost values", "2 of 9 values"),
        ("Thin parent cells", "3 of 8 settings of a label's parents have fewer than 30 rows"),
        ("Supported interventions", "Under 1 of 4 interventions"),
    ):
        assert some[about].level == trust.DOUBTED and words in some[about].text
        assert none[about].level == trust.TRUSTED
    assert "most of all do(A=1)" in some["Supported interventions"].text


def image_numbers(**changed):
    """The numbers of good images of a label A and a number B."""
    own = {"sd": 10.0, "measured": None, "judge": {"do": 1.0, "real": 0.8}}
    return {
        "support": {"do(A=0)": 1.0, "do(A=1)": 0.99},
        "supported_from": 0.95,
        "judge": {"A": 1.0},
        "effectiveness": {"do": {"mean": 0.99, "labels": {"A": 0.99}}},
        "continuous": {"B": own},
        "judge_recall": {"A": {"0": {"real": 1.0}, "1": {"real": 1.0}}},
        "coverage": {"model": 0.8, "control": 0.95},
        "recall": {"model": 0.8, "control": 0.95},
        "diversity": {"model": 9.0, "real": 10.0},
        "features": {"distance": "cFID"},
        "cfid": {"observational": 4.0, "control": 3.0},
    } | changed


def of_images(**changed):
    told = trust.statements({"labels": {}, "images": image_numbers(**changed)})
    return {one.about: one for one in told}


def test_good_images_are_trusted_in_all_respects():
    told = of_images()
    for about in (
        "Label cells with images",
        "Images show what is set",
        "Images show B",
        "Images vary",
        "Images look like real ones",
    ):
        assert told[about].level == trust.TRUSTED, about


@pytest.mark.parametrize(
    ("about", "changed", "words"),
    [
        ("Label cells with images", {"support": {"do(A=0)": 1.0, "do(A=1)": 0.4}}, "Under 1 of 2 .*do.A=1. 40.0 %"),
        (
            "Images show what is set",
            {"effectiveness": {"do": {"mean": 0.5, "labels": {"A": 0.5}}}},
            "the least for A, 50.0 %",
        ),
        (
            "Images show B",
            {"continuous": {"B": {"sd": 10.0, "measured": {"do": 9.0, "real": 0.1}, "judge": {}}}},
            "off by 0.90 standard deviations, measured",
        ),
        (
            "Images look like real ones",
            {"cfid": {"observational": 46.0, "control": 3.7}},
            "cFID of generated images to real ones is 46.00; two sets of real ones are 3.70",
        ),
        (
            "Images vary",
            {"coverage": {"model": 0.1, "control": 0.95}},
            "10.0 % of the real images.*have: coverage 10.5 %",
        ),
        ("Images vary", {"recall": {"model": 0.3, "control": 0.99}}, "80.0 % of the real images.*have: recall 30.3 %"),
        ("Images vary", {"diversity": {"model": 5.0, "real": 10.0}}, "have: diversity within label cells 50.0 %"),
    ],
)
def test_each_failure_of_the_images_is_doubted_in_words(about, changed, words):
    told = of_images(**changed)[about]
    assert told.level == trust.DOUBTED
    assert re.search(words, told.text)


def test_one_label_that_the_images_do_not_show_is_not_hidden_by_the_others():
    good = {f"L{i}": 1.0 for i in range(8)}
    judge = dict.fromkeys([*good, "Mustache"], 0.97)
    effect = {**good, "Mustache": 0.5}
    mean = sum(effect.values()) / len(effect)
    assert mean > trust.SHOWS * 0.97 - 0.001  # as good as the judge, by the mean
    recalls = {label: {"1": {"real": right}} for label, right in judge.items()}
    told = of_images(judge=judge, judge_recall=recalls, effectiveness={"do": {"mean": mean, "labels": effect}})[
        "Images show what is set"
    ]
    assert told.level == trust.DOUBTED
    assert told.text.endswith("Too few show: Mustache 50.0 %, real 97.0 %.") and "L0" not in told.text


def test_a_label_that_the_judge_reads_badly_is_measured_by_what_he_reads_off_real_images():
    effect = {"mean": 0.795, "labels": {"A": 0.6, "B": 0.99}}
    read = {"A": {"0": {"real": 0.62}, "1": {"real": 0.6}}, "B": {"0": {"real": 1.0}, "1": {"real": None}}}
    told = of_images(judge={"A": 0.61, "B": 1.0}, judge_recall=read, effectiveness={"do": effect})[
        "Images show what is set"
    ]
    assert told.level == trust.TRUSTED and "Too few" not in told.text


def test_a_rare_label_under_do_is_held_against_the_judge_on_both_of_its_values():
    # of real images the judge is right in .803, for hardly one has the label; of both values alike in .885
    read = {"A": {"0": {"real": 0.80}, "1": {"real": 0.97}}}
    told = of_images(judge={"A": 0.803}, judge_recall=read, effectiveness={"do": {"mean": 0.77, "labels": {"A": 0.77}}})
    assert told["Images show what is set"].level == trust.DOUBTED
    assert "A 77.0 %, real 88.5 %" in told["Images show what is set"].text


def test_what_no_data_can_tell_is_always_said():
    untold = [one.about for one in trust.statements({"labels": {}}) if one.level == trust.UNTOLD]
    assert {"Hidden causes", "Single units"} <= set(untold)
