"""Importances by boosted trees: ours against scikit-learn's, in time and in what they say.

On made codes of five factors like those of dSprites, or on the held-in codes of a run; one thread
each. The fits are on all codes; D is disentanglement.

    python benchmarks/dci.py [--codes 4000] [--run sims/EXPERIMENT/ID]
"""

import argparse
import json
import time
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from disentgen.analysis.measurements.codes import collect_codes
from disentgen.analysis.metrics.dci import BoostedTrees, summarise_importances
from disentgen.runs import open_run

FACTORS = {"shape": 3, "scale": 6, "orientation": 40, "posX": 32, "posY": 32}
LATENTS = 10
Importances = NDArray[np.float64]


def main() -> None:
    """Measure and print a line for each factor, then one for all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--codes", type=int, default=4_000, help="how many")
    parser.add_argument("--run", help="a run's directory; codes are made up without")
    given = parser.parse_args()
    torch.set_num_threads(1)
    names, codes, classes = (
        load_codes(given.run, given.codes) if given.run else make_codes(given.codes)
    )
    print(f"{len(codes):,} codes of {codes.shape[1]} latents, {len(names)} factors", flush=True)
    columns: tuple[list[Importances], list[Importances]] = ([], [])
    seconds = np.zeros((2, len(names)))
    for factor, name in enumerate(names):
        labels = classes[:, factor]
        for method, importances_of in enumerate((fit_ours, fit_sklearn)):
            importances, seconds[method, factor] = measure_time(importances_of, codes, labels)
            columns[method].append(importances)
        result = compare(seconds[:, factor], columns[0][-1:], columns[1][-1:])
        print(json.dumps({"factor": name, "classes": len(np.unique(labels)), **result}), flush=True)
    result = compare(seconds.sum(axis=1), *columns)
    for word, column in zip(("ours", "sklearn"), columns, strict=True):
        summary = summarise_importances(np.column_stack(column))
        result[f"D_{word}"] = round(summary["disentanglement"], 4)
    print(json.dumps({"factor": "all", **result}))


def make_codes(count: int) -> tuple[tuple[str, ...], NDArray[np.float64], NDArray[np.int64]]:
    """Codes that are entangled in part: two positions rotated, one latent of noise alone."""
    rng = np.random.default_rng(0)
    classes = np.column_stack([rng.integers(size, size=count) for size in FACTORS.values()])
    shape, scale, orientation, x, y = (
        (column - column.mean()) / column.std() for column in classes.T
    )
    angle = 2 * np.pi * classes[:, 2] / FACTORS["orientation"]
    clean = [
        x + 0.5 * y, y - 0.5 * x, scale, shape + 0.5 * scale, np.cos(angle), np.sin(angle),
        0.3 * x * scale, 0.3 * orientation * shape, 0.3 * y, 0 * x,
    ]  # fmt: skip
    codes = np.column_stack(clean) + 0.1 * rng.normal(size=(count, LATENTS))
    return tuple(FACTORS), codes, classes


def load_codes(
    path: str, count: int
) -> tuple[tuple[str, ...], NDArray[np.float64], NDArray[np.int64]]:
    """Held-in codes of a run; factors that do not vary among them are left out."""
    run = open_run(path)
    encoded, grid = collect_codes(run, "held_in", count), run.split.grid
    classes = grid.classes(encoded.indices)
    varying = np.flatnonzero(classes.min(axis=0) < classes.max(axis=0))
    return tuple(grid.names[axis] for axis in varying), encoded.codes, classes[:, varying]


def fit_ours(codes: NDArray[np.float64], labels: NDArray[np.int64]) -> Importances:
    """Importances by this project's boosted trees."""
    return BoostedTrees(codes, labels).importances


def fit_sklearn(codes: NDArray[np.float64], labels: NDArray[np.int64]) -> Importances:
    """Importances by the classifier that the published analysis used."""
    from sklearn.ensemble import GradientBoostingClassifier

    model = GradientBoostingClassifier(
        n_estimators=100, max_depth=3, learning_rate=0.1, random_state=0
    )
    importances: NDArray[np.float64] = model.fit(codes, labels).feature_importances_
    return importances


def measure_time(
    importances_of: Callable[..., Importances],
    codes: NDArray[np.float64],
    labels: NDArray[np.int64],
) -> tuple[Importances, float]:
    """Importances and the seconds of processor time that they took."""
    importances_of(codes[:50], np.arange(50) % 2)  # imports are no part of it
    started = time.process_time()
    return importances_of(codes, labels), time.process_time() - started


def compare(
    seconds: NDArray[np.float64], ours: list[Importances], sklearn: list[Importances]
) -> dict[str, float | bool]:
    """What differs, over one or more factors."""
    first, second = np.array(ours), np.array(sklearn)
    return {
        "seconds_ours": round(seconds[0], 2),
        "seconds_sklearn": round(seconds[1], 2),
        "times_faster": round(seconds[1] / seconds[0], 1),
        "same_top_code": bool((first.argmax(axis=1) == second.argmax(axis=1)).all()),
        "largest_difference": round(float(np.abs(first - second).max()), 4),
        "mean_difference": round(float(np.abs(first - second).mean()), 4),
    }


if __name__ == "__main__":
    main()
