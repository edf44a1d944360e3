"""Pictures of answers: what stands in each row is what its caption says, and noise that should be the same is."""

import numpy as np
import pytest
import squares
from PIL import Image

from causalgan_tf.errors import InputError
from causalgan_tf.reporting import gallery
from causalgan_tf.reporting.gallery import Gallery

NODES = squares.GRAPH.nodes
MALE, YOUNG, MUSTACHE, LIPSTICK = range(4)


def shown(images):
    """The labels bool [n, 4] that images show: the middle of quadrant k is bright where label k is 1."""
    return np.stack([images[:, 8 * (k // 2) + 4, 8 * (k % 2) + 4].max(axis=-1) > 145 for k in range(4)], axis=1)


def quadrant(images, k):
    """The pixels of a label's quadrant."""
    top, left = 8 * (k // 2), 8 * (k % 2)
    return images[:, top : top + 8, left : left + 8]


@pytest.fixture
def arrays(monkeypatch):
    """Pictures as what they are made of: caption to images, or (images, heads, caption)."""
    monkeypatch.setattr(gallery, "strips", lambda rows, columns, scale: rows)
    monkeypatch.setattr(gallery, "headed", lambda images, heads, caption, scale: (images, heads, caption))


def drawn(kind, label=None, model=None, **arguments):
    """The one picture of a kind, of a label."""
    found = Gallery(model or squares.PerfectModel(), seed=3, **arguments).draw([kind], [label] if label else [])
    assert list(found) == [f"{kind}_{label}" if label else kind]
    return next(iter(found.values()))


def test_a_mustache_set_is_on_men_and_women_and_one_seen_is_on_men(arrays):
    rows = drawn("do_given", "Mustache", n=24)
    assert list(rows) == ["do(Mustache=1)", "given Mustache=1"]
    done, given = (shown(row) for row in rows.values())
    assert len(done) == len(given) == 24
    assert done[:, MUSTACHE].all() and given[:, MUSTACHE].all()
    # P(Male=1) = .4 under do; only men grow one
    assert 3 <= done[:, MALE].sum() <= 17 and given[:, MALE].all()


def test_switching_changes_what_the_label_causes_and_not_a_pixel_more(arrays):
    above, below = drawn("switched", "Mustache").values()
    assert shown(above)[:, MUSTACHE].all() and not shown(below)[:, MUSTACHE].any()
    for other in (MALE, YOUNG, LIPSTICK):
        np.testing.assert_array_equal(quadrant(above, other), quadrant(below, other))
    above, below = drawn("switched", "Male", n=24).values()
    np.testing.assert_array_equal(quadrant(above, YOUNG), quadrant(below, YOUNG))
    # without men no mustache; lipstick on .8 of women and .05 of men
    assert shown(above)[:, MUSTACHE].any() and not shown(below)[:, MUSTACHE].any()
    assert shown(above)[:, LIPSTICK].sum() < shown(below)[:, LIPSTICK].sum()


def test_units_that_met_a_condition_are_switched_all_the_same(arrays):
    rows = drawn("switched", "Mustache", given={"Mustache": 1})
    assert list(rows) == [
        "of those with Mustache=1, do(Mustache=1)",
        "of those with Mustache=1, do(Mustache=0); the same noise",
    ]
    above, below = (shown(row) for row in rows.values())
    assert above[:, MALE].all() and below[:, MALE].all() and not below[:, MUSTACHE].any()


def test_conditioning_on_one_and_on_zero(arrays):
    rows = drawn("given", "Mustache", do={"Young": 0})
    assert list(rows) == ["do(Young=0), given Mustache=1", "do(Young=0), given Mustache=0"]
    one, zero = (shown(row) for row in rows.values())
    assert one[:, MUSTACHE].all() and one[:, MALE].all() and not zero[:, MUSTACHE].any() and not zero[:, MALE].all()
    assert not one[:, YOUNG].any() and not zero[:, YOUNG].any()


@pytest.mark.parametrize("label", NODES)
def test_an_interpolation_sweeps_one_label_and_keeps_the_noise_of_its_row(arrays, label):
    images, heads, caption = drawn("interpolation", label, units=3)
    assert heads == ["0", "0.14", "0.29", "0.43", "0.57", "0.71", "0.86", "1"]
    assert caption == f"{label} from 0 to 1" and len(images) == 3 * 8
    swept = NODES.index(label)
    for row in images.reshape(3, 8, *images.shape[1:]):
        brightness = quadrant(row, swept).astype(int).mean(axis=(1, 2, 3))
        # 150 grey levels on 6 x 6 of 8 x 8 pixels, in seven equal steps
        np.testing.assert_allclose(np.diff(brightness), 150 / 7 * 36 / 64, atol=0.6)
        for other in set(range(4)) - {swept}:
            assert (quadrant(row, other) == quadrant(row, other)[:1]).all()


def test_a_counterfactual_switches_each_label_of_the_same_unit_and_what_it_causes_follows(arrays):
    images, heads, caption = drawn("counterfactual", units=6)
    assert (heads, caption) == (["as drawn", *NODES], "each label switched")
    labels = shown(images).reshape(6, 5, 4)
    factual = squares.units(3_000_000 + np.arange(6))
    np.testing.assert_array_equal(labels[:, 0], factual)
    for column, node in enumerate(NODES, start=1):
        kept = [k for k, other in enumerate(NODES) if other not in {node, *squares.GRAPH.descendants(node)}]
        np.testing.assert_array_equal(labels[:, column, column - 1], 1 - factual[:, column - 1])
        np.testing.assert_array_equal(labels[:, column][:, kept], factual[:, kept])
        for unit in range(6):
            do = {node: 1 - factual[unit, column - 1]}
            np.testing.assert_array_equal(labels[unit, column], squares.units([3_000_000 + unit], do)[0])


def test_a_diversity_grid_holds_the_commonest_labels_each_with_the_same_noise(arrays):
    rows = drawn("diversity", n=5)
    # cells by probability: women .6 * .8 * .75 = .36, then .4 * .6 * .95 * .75 = .171 and .6 * .8 * .25 = .12
    expected = ["Young, Wearing_Lipstick = 1, all else 0", "Male, Young = 1, all else 0"]
    assert list(rows)[:2] == expected and len(rows) == 3
    for caption, images in rows.items():
        present = [node in caption for node in NODES]
        assert len(images) == 10 and (shown(images) == present).all()
        assert len(np.unique(images[:, 0, 0], axis=0)) > 5


class Shaven(squares.PerfectModel):
    """Never meets Mustache=1, and counts how often it was looked for."""

    searches = 0

    def sample(self, n, do=None, given=None, seed=0, images=None, max_draws=None):
        if (given or {}).get("Mustache"):
            Shaven.searches += 1
            raise InputError(f"Found 0 of {n} rows with Mustache=1.")
        return super().sample(n, do, given, seed, images)


def test_a_condition_that_is_never_met_leaves_its_row_out_and_says_so(arrays):
    Shaven.searches = 0
    rows = Gallery(Shaven(), seed=3).draw(["do_given", "given"], ["Mustache"])
    sentence = "Left out. Found 0 of 8 rows with Mustache=1."
    assert rows["do_given_Mustache"]["given Mustache=1"] == rows["given_Mustache"]["given Mustache=1"] == sentence
    assert shown(rows["do_given_Mustache"]["do(Mustache=1)"])[:, MUSTACHE].all()
    assert len(rows["given_Mustache"]["given Mustache=0"]) == 8
    assert Shaven.searches == 1  # twenty million draws are not made twice
    for kind in ("switched", "interpolation"):
        picture = drawn(kind, "Male", Shaven(), given={"Mustache": 1})
        assert set(picture.values()) == {
            "Left out. " + f"Found 0 of {8 if kind == 'switched' else 4} rows with Mustache=1."
        }
    for kind in ("counterfactual", "diversity"):
        assert "Left out." in next(iter(drawn(kind, None, Shaven(), given={"Mustache": 1}).values()))


def test_a_row_that_is_left_out_makes_the_picture_lower_and_keeps_the_other_row():
    with_words, whole = (drawn("do_given", "Mustache", model, scale=4) for model in (Shaven(), squares.PerfectModel()))
    assert with_words.height < whole.height
    rows = 64 + 20
    np.testing.assert_array_equal(np.asarray(with_words)[:rows], np.asarray(whole)[:rows])


@pytest.mark.parametrize(
    ("kind", "label", "words"),
    [
        ("switched", "Moustache", "no node 'Moustache'. Did you mean 'Mustache'"),
        ("switched", "Male", "'Male' is in do, so a switched picture cannot change it"),
        ("given", "Young", "'Young' is in given, so a given picture cannot change it"),
        ("do_given", "Young", "'Young' is in given, so a do_given picture"),
        ("diversity", "Mustache", "about no label, got 'Mustache'"),
    ],
)
def test_labels_that_a_picture_cannot_be_about_are_refused(kind, label, words):
    with pytest.raises(InputError, match=words):
        gallery.subjects(squares.GRAPH, kind, [label], {"Male": 1}, {"Young": 1})


def test_without_labels_a_picture_is_about_all_that_are_free():
    context = squares.GRAPH, (), {"Male": 1}, {"Young": 1}
    found = {kind: gallery.subjects(context[0], kind, *context[1:]) for kind in gallery.KINDS}
    assert found["given"] == found["do_given"] == ("Mustache", "Wearing_Lipstick")
    assert found["switched"] == found["counterfactual"] == ("Young", "Mustache", "Wearing_Lipstick")
    assert found["diversity"] == ()


def test_the_report_gets_samples_and_every_kind_of_every_label():
    found = gallery.report_pictures(squares.PerfectModel(), squares.dataset(n=100), seed=3)
    expected = {"samples", "real", "unsupported", "counterfactual", "diversity"}
    expected |= {f"{k}_{node}" for k in ("do_given", "switched", "given", "interpolation") for node in NODES}
    assert set(found) == expected
    assert all(isinstance(picture, Image.Image) for picture in found.values())
    assert gallery.report_pictures(squares.LabelsOnlyModel(), squares.dataset(n=100), seed=3) == {}


def test_tensorboard_gets_every_kind_and_a_message_for_what_is_never_met():
    found = gallery.summary_pictures(Shaven())
    expected = {"samples", "counterfactual", "diversity"}
    expected |= {f"{k}/{node}" for k in ("do_given", "switched", "given", "interpolation") for node in NODES}
    assert set(found) == expected
    assert all(picture.dtype == np.uint8 and picture.shape[2] == 3 for picture in found.values())
    assert found["do_given/Mustache"].shape[0] < found["do_given/Male"].shape[0]
    few = gallery.summary_pictures(squares.PerfectModel(), ("do_given",))
    assert set(few) == {"samples", *(f"do_given/{node}" for node in NODES)}
