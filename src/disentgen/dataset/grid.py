"""The factor grid: which images exist, and in what order."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from disentgen.errors import UsageError
from disentgen.registry import unknown


@dataclass(frozen=True)
class FactorGrid:
    """All combinations of the values of some factors, in row-major order (last factor fastest).

    An image's *index* is its place in that order, a *class* is the index of a factor's value.
    The two are converted by mixed radix, so nothing as long as the grid is stored.

    Args:
        factor_values: the values of each factor, by name, in the order of the original files.
        value_names: what the values of a factor are called, for factors that are no quantities; a
            name for each value.
    """

    factor_values: Mapping[str, tuple[float, ...]]
    value_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __repr__(self) -> str:
        counts = ", ".join(f"{name}: {len(of)}" for name, of in self.factor_values.items())
        return f"FactorGrid({counts}; {self.size:,} combinations)"

    @property
    def names(self) -> tuple[str, ...]:
        """The factors' names, in order."""
        return tuple(self.factor_values)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The number of values of each factor."""
        return tuple(len(values) for values in self.factor_values.values())

    @property
    def size(self) -> int:
        """The number of combinations."""
        return int(np.prod(self.sizes))

    def axis(self, name: str) -> int:
        """The position of a factor.

        Raises:
            UsageError: no factor of that name.
        """
        if name not in self.factor_values:
            raise unknown("factor", name, self.names)
        return self.names.index(name)

    def classes(self, indices: NDArray[np.integer]) -> NDArray[np.int64]:
        """Classes of images: (n,) indices to (n, factors)."""
        return np.stack(np.unravel_index(indices, self.sizes), axis=-1).astype(np.int64)

    def indices(self, classes: NDArray[np.integer]) -> NDArray[np.int64]:
        """Indices of images: (n, factors) classes to (n,).

        Raises:
            ValueError: a class outside its factor's range.
        """
        axes = tuple(np.asarray(classes).T)
        indices: NDArray[np.int64] = np.ravel_multi_index(axes, self.sizes)
        return indices

    def values(self, indices: NDArray[np.integer]) -> NDArray[np.float64]:
        """Factor values of images: (n,) indices to (n, factors)."""
        classes = self.classes(indices)
        columns = [np.asarray(values)[classes[:, i]] for i, values in enumerate(self._tables())]
        return np.stack(columns, axis=-1)

    def standardise(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """(n, factors) values as standard deviations from the factors' means over the grid."""
        mean = np.array([np.mean(table) for table in self._tables()])
        # A factor of one value stays 0.
        spread = np.array([np.std(table) or 1.0 for table in self._tables()])
        standardised: NDArray[np.float64] = (values - mean) / spread
        return standardised

    def list_values(self, standardise: bool = False) -> dict[str, tuple[float, ...]]:
        """By factor, the values of its classes, as they are or in standard deviations."""
        named = {}
        for name, table in zip(self.names, self._tables(), strict=True):
            values = np.asarray(table, dtype=np.float64)
            if standardise:
                values = (values - values.mean()) / (values.std() or 1.0)
            named[name] = tuple(values.tolist())
        return named

    def broadcast_values(self, name: str) -> NDArray[np.float64]:
        """A factor's values along its own axis of the grid: (1, …, values, …, 1)."""
        return self._broadcast(name, np.asarray(self.factor_values[name], dtype=np.float64))

    def broadcast_classes(self, name: str) -> NDArray[np.float64]:
        """A factor's classes along its own axis of the grid: (1, …, values, …, 1)."""
        return self._broadcast(name, np.arange(len(self.factor_values[name]), dtype=np.float64))

    def _broadcast(self, name: str, along: NDArray[np.float64]) -> NDArray[np.float64]:
        shape = [1] * len(self.sizes)
        shape[self.axis(name)] = -1
        return along.reshape(shape)

    def name_value(self, factor: str, number: int) -> str:
        """What a class of a factor is called: its name, or else its value."""
        if factor in self.value_names:
            return self.value_names[factor][number]
        return f"{self.factor_values[factor][number]:.4g}"

    def find_value(self, factor: str, name: str) -> float:
        """The value of a factor that has a name.

        Raises:
            UsageError: no value of the factor is called that.
        """
        values, names = self.factor_values[factor], self.value_names.get(factor)
        if names is None:
            raise UsageError(
                f"values of {factor} have no names such as '{name}'; it takes {len(values)} values "
                f"from {values[0]:g} to {values[-1]:g}."
            )
        if name not in names:
            raise unknown(f"value of {factor}", name, names)
        return values[names.index(name)]

    def _tables(self) -> tuple[tuple[float, ...], ...]:
        return tuple(self.factor_values.values())
