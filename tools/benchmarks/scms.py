"""Structural causal models of continuous variables with known truth under every do."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, ndtr
from scipy.stats import laplace

from causalgan_tf.errors import InputError, closest

_NOISES = {"normal": np.random.Generator.standard_normal, "uniform": np.random.Generator.random}
_GRID = 41  # points a side of the grid from which the ends of a cubic are sought


@dataclass(frozen=True)
class Scm:
    """Variables as functions of their parents and of independent noise.

    Attributes:
        name: as in the literature.
        parents: each node's parents; the nodes in ancestral order, that of the columns.
        equations: each node's equation, called with its parents' values [n], in that order, and its noise [n].
        intervened: the nodes that a benchmark sets.
        noise: "normal", N(0, 1), or "uniform", U(0, 1), for every node.
    """

    name: str
    parents: Mapping[str, tuple[str, ...]]
    equations: Mapping[str, Callable[..., np.ndarray]]
    intervened: tuple[str, ...]
    noise: str = "normal"

    @property
    def nodes(self) -> tuple[str, ...]:
        """Names in the order of the columns."""
        return tuple(self.parents)


def sample(scm: Scm, n: int, seed: int, do: Mapping[str, float] | None = None) -> np.ndarray:
    """Draws rows, under an intervention if one is given.

    The noise is a function of the seed, the node and the row's number: another do is another world of the same units,
    and more rows begin with the fewer.

    Args:
        scm: the model.
        n: rows.
        seed: seed of the noise.
        do: node to the value that it is set to.

    Returns:
        float64 [n, K], columns in the order of scm.nodes.

    Raises:
        InputError: do names no node.
    """
    do = dict(do or {})
    for node in do:
        if node not in scm.parents:
            raise InputError(f"do of {scm.name}: no node {node!r}.{closest(node, scm.nodes)}")
    values: dict[str, np.ndarray] = {}
    for index, (node, parents) in enumerate(scm.parents.items()):
        if node in do:
            values[node] = np.full(n, float(do[node]))
        else:
            noise = _NOISES[scm.noise](np.random.default_rng([seed, index]), n)
            values[node] = scm.equations[node](*(values[parent] for parent in parents), noise)
    return np.stack(list(values.values()), axis=1)


def do_values(scm: Scm, rows: np.ndarray) -> dict[str, tuple[float, ...]]:
    """The values that a benchmark sets: 25th, 50th and 75th percentile of each intervened node, to two decimals.

    So arXiv:2306.05415 does it, with the training rows [n, K].
    """
    columns = {node: rows[:, scm.nodes.index(node)] for node in scm.intervened}
    return {node: tuple(np.percentile(column, (25, 50, 75)).round(2).tolist()) for node, column in columns.items()}


def polynomial_scm(structure: str, seed: int) -> Scm:
    """Three variables in (0, 1) with random cubic mechanisms, the data of the structure experiment (arXiv:1709.02023).

    Each node is .05 + .9 p(parents, own noise), p a polynomial of degree 3 in all of them together, its coefficients
    from U(-1, 1), rescaled to the range [0, 1] over the support of its arguments: noise in [0, 1], parents in
    [.05, .95]. The range is that over the whole box, so a do inside the support keeps it.

    Args:
        structure: "line" X -> Y -> Z, "collider" X -> Y <- Z or "complete" X -> Y -> Z <- X.
        seed: seed of the coefficients.

    Raises:
        InputError: an unknown structure.
    """
    if structure not in _STRUCTURES:
        raise InputError(
            f"polynomial_scm: expected one of {', '.join(_STRUCTURES)}, got {structure!r}."
            f"{closest(structure, _STRUCTURES)}"
        )
    parents, rng = _STRUCTURES[structure], np.random.default_rng(seed)
    equations = {node: _random_cubic(len(causes) + 1, rng) for node, causes in parents.items()}
    return Scm(f"polynomial-{structure}-{seed}", parents, MappingProxyType(equations), tuple(parents), "uniform")


_STRUCTURES = {
    "line": MappingProxyType({"X": (), "Y": ("X",), "Z": ("Y",)}),
    "collider": MappingProxyType({"X": (), "Z": (), "Y": ("X", "Z")}),
    "complete": MappingProxyType({"X": (), "Y": ("X",), "Z": ("X", "Y")}),
}


def _random_cubic(inputs: int, rng: np.random.Generator) -> Callable[..., np.ndarray]:
    """The equation .05 + .9 p of the last argument, noise, and of those before it, values in [.05, .95]."""
    coefficients = rng.uniform(-1.0, 1.0, (inputs + 1,) * 3)
    low, high = _range_over_unit_box(coefficients)

    def equation(*arguments: np.ndarray) -> np.ndarray:
        unit = np.stack([*((np.asarray(value) - 0.05) / 0.9 for value in arguments[:-1]), arguments[-1]], axis=1)
        return 0.05 + 0.9 * (_cubic(coefficients, unit) - low) / (high - low)

    return equation


def _cubic(coefficients: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Sum over i, j, k of c_ijk v_i v_j v_k with v = (1, point), of points [n, inputs]."""
    v = np.concatenate([np.ones((len(points), 1)), points], axis=1)
    pairs = (v[:, :, None] * v[:, None, :]).reshape(len(v), -1)
    return (pairs @ coefficients.reshape(-1, v.shape[1]) * v).sum(1)


def _range_over_unit_box(coefficients: np.ndarray) -> tuple[float, float]:
    """Least and greatest value over [0, 1]^inputs: the best points of a grid, then polished."""
    inputs = len(coefficients) - 1
    grid = np.stack(np.meshgrid(*[np.linspace(0.0, 1.0, _GRID)] * inputs, indexing="ij"), axis=-1).reshape(-1, inputs)
    values, ends = _cubic(coefficients, grid), []
    for sign in (1.0, -1.0):
        start = grid[np.argmin(sign * values)]
        found = minimize(
            lambda point, sign=sign: float(sign * _cubic(coefficients, point[None])[0]),
            start,
            bounds=[(0.0, 1.0)] * inputs,
            options={"ftol": 1e-15, "gtol": 1e-10},
        )
        ends.append(sign * found.fun)
    return ends[0], ends[1]


def _scm(name: str, intervened: str, **equations: Callable[..., np.ndarray]) -> Scm:
    """An SCM whose graph is read off its equations: their arguments are the parents' names, then u."""
    parents = {node: tuple(inspect.signature(equation).parameters)[:-1] for node, equation in equations.items()}
    return Scm(name, MappingProxyType(parents), MappingProxyType(equations), tuple(intervened.split()))


def _softplus(x: np.ndarray) -> np.ndarray:
    return np.logaddexp(0.0, x)


def _layer(x: np.ndarray, y: np.ndarray | float) -> np.ndarray:
    return _softplus(x + 1) + _softplus(0.5 + y) - 3


# The equations of arXiv:2306.05415 and its program; those of Simpson are from arXiv:2202.02195.
CONTINUOUS: Mapping[str, Scm] = MappingProxyType(
    {
        scm.name: scm
        for scm in (
            _scm(
                "Chain-LIN",
                "x1 x2",
                x1=lambda u: u,
                x2=lambda x1, u: 10 * x1 - u,
                x3=lambda x2, u: 0.25 * x2 + 2 * u,
            ),
            _scm(
                "Chain-NLIN",
                "x1 x2",
                x1=lambda u: u,
                x2=lambda x1, u: np.exp(x1 / 2) + u / 4,
                x3=lambda x2, u: (x2 - 5) ** 3 / 15 + u,
            ),
            _scm(
                "Chain4-LIN",
                "x1 x2 x3",
                x1=lambda u: u,
                x2=lambda x1, u: 5 * x1 - u,
                x3=lambda x2, u: -0.5 * x2 - 1.5 * u,
                x4=lambda x3, u: x3 + u,
            ),
            _scm(
                "Chain5-LIN",
                "x1 x2 x3",
                x1=lambda u: u,
                x2=lambda x1, u: 10 * x1 - u,
                x3=lambda x2, u: 0.25 * x2 + 2 * u,
                x4=lambda x3, u: x3 + u,
                x5=lambda x4, u: -x4 + u,
            ),
            _scm(
                "Triangle-LIN",
                "x1 x2",
                x1=lambda u: u + 1,
                x2=lambda x1, u: 10 * x1 - u,
                x3=lambda x1, x2, u: 0.5 * x2 + x1 + u,
            ),
            _scm(
                "Triangle-NLIN",
                "x1 x2",
                x1=lambda u: u,
                x2=lambda x1, u: 2 * x1**2 + u,
                x3=lambda x1, x2, u: 20 * expit(x2**2 - x1) + u,
            ),
            _scm(
                "Collider-LIN",
                "x2",
                x1=lambda u: u,
                x2=lambda u: 2 - u,
                x3=lambda x1, x2, u: 0.25 * x2 - 0.5 * x1 + 0.5 * u,
            ),
            _scm(
                "Fork-LIN",
                "x2 x3",
                x1=lambda u: u,
                x2=lambda u: 2 - u,
                x3=lambda x1, x2, u: 0.25 * x2 - 1.5 * x1 + 0.5 * u,
                x4=lambda x3, u: x3 + 0.25 * u,
            ),
            _scm(
                "Fork-NLIN",
                "x2 x3",
                x1=lambda u: u,
                x2=lambda u: u,
                x3=lambda x1, x2, u: 4 * expit(x1 + x2) - x2**2 + u / 2,
                x4=lambda x3, u: 20 * expit(x3 - x3**2 / 2) + u,
            ),
            _scm(
                "Simpson-NLIN",
                "x1 x2 x3",
                x1=lambda u: u,
                x2=lambda x1, u: _softplus(1 - x1) + np.sqrt(3 / 20) * u,
                x3=lambda x1, x2, u: np.tanh(2 * x2) + 1.5 * x1 - 1 + np.tanh(u),
                x4=lambda x3, u: (x3 - 4) / 5 + 3 + u / np.sqrt(10),
            ),
            _scm(
                "Simpson-SymProd",
                "x1 x2 x3",
                x1=lambda u: u,
                x2=lambda x1, u: 2 * np.tanh(2 * x1) + u / np.sqrt(10),
                x3=lambda x1, x2, u: x1 * x2 / 2 + u / np.sqrt(2),
                x4=lambda x1, u: np.tanh(1.5 * x1) + np.sqrt(0.3) * u,
            ),
            _scm(
                "LargeBackdoor-NLIN",
                "x1 x2 x3 x5",
                x1=lambda u: _softplus(1.8 * u) - 1,
                x2=lambda x1, u: 0.25 * u + 1.5 * _layer(x1, 0.0),
                x3=lambda x1, u: _layer(x1, u),
                x4=lambda x2, u: _layer(x2, u),
                x5=lambda x3, u: _layer(x3, u),
                x6=lambda x4, u: _layer(x4, u),
                x7=lambda x5, u: _layer(x5, u),
                x8=lambda x6, u: 0.3 * u + _softplus(x6 + 1) - 1,
                # a Laplace quantile of a uniform number, which a normal one gives
                x9=lambda x7, x8, u: 2 - _softplus((1.3 * x7 + x8) / 3 + 1) + 0.6 * laplace.ppf(ndtr(u)),
            ),
            # x4's denominator comes near 0: its tails are heavy and its mean does not settle
            _scm(
                "Diamond-NLIN",
                "x1 x2 x3",
                x1=lambda u: u,
                x2=lambda x1, u: x1**2 + u / 2,
                x3=lambda x1, x2, u: x2**2 - 2 * expit(x1) + u / 2,
                x4=lambda x2, x3, u: x3 / (np.abs(x2 + 2) + x3 + 0.5) + u / 10,
            ),
        )
    }
)
