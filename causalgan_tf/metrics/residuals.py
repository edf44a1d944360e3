"""Is x independent of y given a condition, with numbers among them: the generalised covariance measure.

Both are regressed on the condition. Under independence the products of their residuals have mean 0 (Shah and Peters
2020, arXiv:1804.07203).
"""

import numpy as np
from scipy import stats

from causalgan_tf.metrics.dependence import NONE, Dependence, quadratic

TOLD = 1e-4  # share of its variance that is left of a label which the condition determines
RIDGES = tuple(10.0**power for power in range(-4, 4))
FEATURES = 100  # kernel features of a condition
KNOTS = 6  # of the splines of each number in a condition
JOINED = 12  # columns of a condition up to which their products are features


def residuals(targets: np.ndarray, numbers: np.ndarray, indicators: np.ndarray, seed: int = 0) -> np.ndarray:
    """What a kernel ridge regression on a condition leaves of each target, 0 where that is next to nothing: [n, D].

    The features are splines of each number, products of two columns, and kernel features of all; the strength of the
    ridge is chosen for each target by generalised cross-validation.

    >>> x = np.linspace(-2, 2, 400)[:, None]
    >>> noise = np.random.default_rng(0).normal(size=[400, 1])
    >>> float(np.corrcoef(residuals(x**2 + noise, x, np.zeros([400, 0])).T, noise.T)[0, 1].round(1))
    1.0

    Args:
        targets: [n, D].
        numbers: those columns of the condition that are numbers, [n, C].
        indicators: those that are 0 or 1, [n, B].
        seed: of the rows at which kernel features are centred.
    """
    # scikit-learn takes half a second, and tables of discrete labels do without
    from sklearn.kernel_approximation import Nystroem
    from sklearn.linear_model import RidgeCV
    from sklearn.preprocessing import PolynomialFeatures, SplineTransformer
    from threadpoolctl import threadpool_limits

    targets = targets - targets.mean(0)
    condition = np.hstack([numbers, indicators])
    condition = condition[:, np.ptp(condition, axis=0) > 0]
    if not condition.shape[1]:
        return targets
    condition = (condition - condition.mean(0)) / condition.std(0)
    count, wide = min(FEATURES, len(condition)), condition.shape[1]
    kernel = Nystroem(gamma=0.5 / wide, n_components=count, random_state=seed)
    makers = [(1, PolynomialFeatures(2 if wide <= JOINED else 1, include_bias=False), condition)]
    makers.append((10, kernel, condition))
    varied = numbers[:, np.ptp(numbers, axis=0) > 0]
    if varied.shape[1]:
        makers.append((3, SplineTransformer(KNOTS, knots="quantile"), varied))
    ridge = RidgeCV(RIDGES, alpha_per_target=True)
    # matrices this small are slower on several threads, by far where other programs run
    with threadpool_limits(1):
        design = np.hstack([scale * maker.fit_transform(columns) for scale, maker, columns in makers])
        left = targets - ridge.fit(design, targets).predict(design).reshape(targets.shape)
    return np.where(left.var(0) > TOLD * targets.var(0), left, 0.0)


def residual_dependence(x: np.ndarray, y: np.ndarray) -> Dependence:
    """The generalised covariance measure of residuals x [n, D] and y [n, E].

    The gain is that of two normal variables, -n/2 ln(1 - r2) of the largest canonical correlation r.

    >>> rng = np.random.default_rng(0)
    >>> x, noise = rng.normal(size=[2, 1_000, 1])
    >>> residual_dependence(x, x + noise).p_value < 1e-6, residual_dependence(x, noise).p_value > 0.01
    (True, True)
    """
    n, x, y = len(x), np.asarray(x, np.float64), np.asarray(y, np.float64)
    products = (x[:, :, None] * y[:, None]).reshape(n, -1)
    centred = products - products.mean(0)
    statistic, freedom = quadratic(products.sum(0), centred.T @ centred)
    p_value = 1.0
    if 0 < freedom < n:  # Hotelling's T2: the covariance is estimated
        p_value = float(stats.f.sf(statistic * (n - freedom) / (n * freedom), freedom, n - freedom))
    shared = _whitened(x).T @ _whitened(y)
    correlation = min(np.linalg.svd(shared, compute_uv=False).max(initial=0.0), 1 - NONE)
    return Dependence(p_value, -n / 2 * float(np.log1p(-(correlation**2))), shared.size / 2, "covariance")


def _whitened(columns: np.ndarray) -> np.ndarray:
    """Orthonormal columns that span those of an array [n, D]."""
    vectors, sizes, _ = np.linalg.svd(columns, full_matrices=False)
    return vectors[:, sizes > NONE * max(sizes[0], NONE)]
