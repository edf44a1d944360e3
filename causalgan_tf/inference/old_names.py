"""Names that methods of CausalModel had before; they warn and do what they did."""

import warnings
from collections.abc import Mapping
from typing import Any

import pandas as pd

from causalgan_tf.inference.distribution import LabelDistribution


class OldNames:
    """Methods of CausalModel under the names of version 0.3.0."""

    def law(self, draws: int = 100_000, seed: int = 0) -> LabelDistribution:
        """Deprecated name of `label_distribution`.

        Examples:
            >>> with warnings.catch_warnings():
            ...     warnings.simplefilter("ignore")
            ...     model.law(draws=1_000).graph == model.graph
            True
        """
        warnings.warn("CausalModel.law is now CausalModel.label_distribution.", DeprecationWarning, stacklevel=2)
        return self.label_distribution(draws, seed)

    def enumerate(self, do: Mapping[str, Any] | None = None, draws: int = 100_000, seed: int = 0) -> pd.Series:
        """Deprecated name of `joint_distribution`.

        Examples:
            >>> with warnings.catch_warnings():
            ...     warnings.simplefilter("ignore")
            ...     round(float(model.enumerate(draws=1_000).sum()), 3)
            1.0
        """
        warnings.warn("CausalModel.enumerate is now CausalModel.joint_distribution.", DeprecationWarning, stacklevel=2)
        return self.joint_distribution(do, draws, seed)
