"""Structural causal models: means under do known without the code, polynomials that use all they are given."""

import numpy as np
import pytest

from causalgan_tf.errors import InputError
from causalgan_tf.graphs.graph import CausalGraph
from tools.benchmarks import scms
from tools.benchmarks.scms import CONTINUOUS, polynomial_scm, sample

ROWS = 100_000
POLYNOMIALS = [polynomial_scm(structure, seed) for structure in ("line", "collider", "complete") for seed in range(3)]
EVERY = [*CONTINUOUS.values(), *POLYNOMIALS]


def descendants(scm, node):
    found = {node}
    for child, parents in scm.parents.items():
        if found & set(parents):
            found.add(child)
    return found


@pytest.mark.parametrize(
    ("name", "node", "do", "expected"),
    [
        # by 4 million draws of the equations
        ("Triangle-NLIN", "x3", {}, 15.906),
        ("Triangle-NLIN", "x3", {"x1": -1}, 19.073),
        ("Triangle-NLIN", "x3", {"x1": 1}, 16.379),
        ("Triangle-NLIN", "x3", {"x2": 0}, 9.999),
        ("Triangle-NLIN", "x3", {"x2": 2}, 19.438),
        ("Simpson-NLIN", "x4", {}, 2.179),
        ("Simpson-NLIN", "x4", {"x1": -1}, 1.900),
        ("Simpson-NLIN", "x4", {"x1": 1}, 2.453),
        ("Simpson-NLIN", "x4", {"x2": 0}, 2.000),
        ("Simpson-NLIN", "x4", {"x2": 2}, 2.200),
        ("Simpson-NLIN", "x4", {"x3": 0}, 2.200),
        ("Fork-NLIN", "x4", {}, 8.179),
        ("Fork-NLIN", "x4", {"x2": -1}, 9.26),
        ("Fork-NLIN", "x4", {"x2": 1}, 9.26),
        ("Fork-NLIN", "x4", {"x3": 0}, 10.000),
        ("Fork-NLIN", "x4", {"x3": 1}, 12.45),
        # by hand
        ("Chain-LIN", "x3", {"x1": 2}, 5.0),
        ("Chain-LIN", "x3", {"x2": 2}, 0.5),
        ("Chain-NLIN", "x2", {"x1": 2}, np.e),
        ("Chain-NLIN", "x3", {"x2": 2}, -27 / 15),
        ("Chain4-LIN", "x4", {"x1": 2}, -5.0),
        ("Chain4-LIN", "x4", {"x2": 4}, -2.0),
        ("Chain5-LIN", "x5", {"x1": 2}, -5.0),
        ("Chain5-LIN", "x5", {"x3": 7}, -7.0),
        ("Triangle-LIN", "x3", {}, 6.0),
        ("Triangle-LIN", "x3", {"x1": 2}, 12.0),
        ("Triangle-LIN", "x3", {"x2": 2}, 2.0),
        ("Collider-LIN", "x3", {"x2": 4}, 1.0),
        ("Fork-LIN", "x4", {"x2": 4}, 1.0),
        ("Fork-LIN", "x4", {"x3": 7}, 7.0),
        ("Simpson-SymProd", "x3", {"x1": 0.5}, 0.5 * np.tanh(1)),
        ("Simpson-SymProd", "x3", {"x2": 3}, 0.0),
        ("Simpson-SymProd", "x4", {"x1": 2}, np.tanh(3)),
        # softplus(1) = 1.31326, softplus(.5) = .97408; a Laplace variable has its location as mean
        ("LargeBackdoor-NLIN", "x2", {"x1": 0}, 1.5 * (1.31326 + 0.97408 - 3)),
        ("LargeBackdoor-NLIN", "x8", {"x6": 0}, 1.31326 - 1),
        ("LargeBackdoor-NLIN", "x9", {"x7": 0, "x8": 0}, 2 - 1.31326),
        ("Diamond-NLIN", "x3", {"x2": 2}, 3.0),
        ("Diamond-NLIN", "x4", {"x2": 0.5, "x3": 1}, 1 / 4),
    ],
)
def test_means_under_do_are_the_known_ones(name, node, do, expected):
    draws = sample(CONTINUOUS[name], ROWS, 1, do)[:, CONTINUOUS[name].nodes.index(node)]
    assert draws.mean() == pytest.approx(expected, abs=4 * draws.std() / np.sqrt(ROWS) + 0.005)


def test_deviations_of_the_linear_ones_are_the_known_ones():
    # x2 = 10 u1 - u2 has variance 101; Fork's x3 has 1/16 + 9/4 + 1/4
    assert sample(CONTINUOUS["Chain-LIN"], ROWS, 1).var(0) == pytest.approx([1, 101, 101 / 16 + 4], rel=0.02)
    assert sample(CONTINUOUS["Collider-LIN"], ROWS, 1).var(0) == pytest.approx([1, 1, 9 / 16], rel=0.02)
    assert sample(CONTINUOUS["Fork-LIN"], ROWS, 1).var(0) == pytest.approx([1, 1, 41 / 16, 42 / 16], rel=0.02)


@pytest.mark.parametrize("scm", EVERY, ids=lambda scm: scm.name)
def test_do_moves_descendants_alone_and_keeps_the_units(scm):
    before = sample(scm, 200, seed=3)
    for k, node in enumerate(scm.nodes):
        after = sample(scm, 200, seed=3, do={node: 0.3})
        assert (after[:, k] == 0.3).all()
        moved = {name for name, equal in zip(scm.nodes, (before == after).all(0), strict=True) if not equal}
        assert moved == descendants(scm, node)


@pytest.mark.parametrize("scm", EVERY, ids=lambda scm: scm.name)
def test_columns_are_in_graph_order_and_rows_depend_on_seed_and_number_alone(scm):
    assert CausalGraph(scm.parents).nodes == scm.nodes
    rows = sample(scm, 50, seed=5)
    assert rows.dtype == np.float64 and rows.shape == (50, len(scm.nodes)) and np.isfinite(rows).all()
    assert (rows[:20] == sample(scm, 20, seed=5)).all()
    assert (rows != sample(scm, 50, seed=6)).all()
    assert set(scm.intervened) <= set(scm.nodes)


def test_no_equation_overflows_far_out():
    for scm in CONTINUOUS.values():
        for node in scm.intervened:
            assert np.isfinite(sample(scm, 50, 0, {node: 50.0})).all()
            assert np.isfinite(sample(scm, 50, 0, {node: -50.0})).all()


@pytest.mark.parametrize("scm", POLYNOMIALS, ids=lambda scm: scm.name)
def test_polynomials_stay_in_their_range_and_reach_its_ends(scm):
    rows = np.concatenate(
        [sample(scm, 20_000, 0), *(sample(scm, 5_000, 1, {n: v}) for n in "XY" for v in (0.05, 0.95))]
    )
    assert rows.min() >= 0.05 - 1e-9 and rows.max() <= 0.95 + 1e-9
    for node, parents in scm.parents.items():
        # every argument over its support: the noise, and each parent apart
        sides = [np.linspace(0.05, 0.95, 31)] * len(parents) + [np.linspace(0.0, 1.0, 31)]
        values = scm.equations[node](*(side.ravel() for side in np.meshgrid(*sides, indexing="ij")))
        assert values.min() == pytest.approx(0.05, abs=2e-3) and values.min() >= 0.05 - 1e-9
        assert values.max() == pytest.approx(0.95, abs=2e-3) and values.max() <= 0.95 + 1e-9


@pytest.mark.parametrize("scm", POLYNOMIALS, ids=lambda scm: scm.name)
def test_each_parent_and_the_noise_matter(scm):
    rng = np.random.default_rng(0)
    for node, parents in scm.parents.items():
        arguments = [*rng.uniform(0.05, 0.95, (len(parents), 100)), rng.random(100)]
        value = scm.equations[node](*arguments)
        for k, argument in enumerate(arguments):
            turned = arguments[:k] + [argument[::-1]] + arguments[k + 1 :]
            assert np.abs(scm.equations[node](*turned) - value).max() > 0.02, (node, k)


@pytest.mark.parametrize("inputs", [1, 2, 3])
def test_a_random_mechanism_is_a_cubic(inputs):
    equation = scms._random_cubic(inputs, np.random.default_rng(inputs))
    along = np.linspace(0.0, 1.0, 9)
    values = equation(*[0.05 + 0.9 * along] * (inputs - 1), along)
    assert np.abs(np.diff(values, 4)).max() < 1e-12 < np.abs(np.diff(values, 3)).max()


def test_a_cubic_by_hand():
    # (1 + x + y)^3 with every coefficient 1, from 1 at 0 to 27 at (1, 1)
    coefficients = np.ones((3, 3, 3))
    assert scms._cubic(coefficients, np.array([[0.0, 0.0], [1.0, 1.0], [0.5, 0.0]])) == pytest.approx([1, 27, 27 / 8])
    assert scms._range_over_unit_box(coefficients) == pytest.approx((1, 27))
    # x - x^3 peaks inside, at 1 / sqrt(3), off the grid
    inside = np.zeros((2, 2, 2))
    inside[0, 0, 1], inside[1, 1, 1] = 1, -1
    assert scms._range_over_unit_box(inside) == pytest.approx((0, 2 / 27**0.5))


def test_polynomials_are_those_of_their_seed():
    rows = [sample(polynomial_scm("complete", seed), 100, 0) for seed in (1, 1, 2)]
    assert (rows[0] == rows[1]).all() and (rows[0] != rows[2]).all()


def test_values_to_set_are_the_percentiles_of_the_training_rows():
    rows = np.stack([np.arange(101.0), np.arange(101.0) / 100 + 0.001, np.zeros(101)], axis=1)
    assert scms.do_values(CONTINUOUS["Chain-LIN"], rows) == {"x1": (25.0, 50.0, 75.0), "x2": (0.25, 0.5, 0.75)}


def test_an_unknown_structure_or_node_is_refused():
    with pytest.raises(InputError, match="expected one of line, collider, complete, got 'colider'. Did you mean"):
        polynomial_scm("colider", 0)
    with pytest.raises(InputError, match="do of Chain-LIN: no node 'x4'"):
        sample(CONTINUOUS["Chain-LIN"], 5, 0, {"x4": 1.0})
