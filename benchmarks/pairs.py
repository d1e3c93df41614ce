"""How fast pairs for composition are drawn from the full grids, on one thread.

Indices alone, and whole batches with their three images each, of the stand-ins.

    python benchmarks/pairs.py
"""

import statistics
import time

import numpy as np
import torch

from disentgen.dataset import build_dataset
from disentgen.dataset.batches import Observations
from disentgen.dataset.images import Indices
from disentgen.dataset.spec import load_specs
from disentgen.dataset.tasks import Compose

BATCH, BATCHES, ROUNDS = 64, 40, 7


def measure(task: Compose, observed: Observations, pool: Indices) -> dict[str, list[float]]:
    """Pairs drawn in a second, of each round.

    Args:
        task: composition on a grid.
        observed: its images.
        pool: (images,) indices that may be shown.
    """
    generator = np.random.default_rng(0)
    rates: dict[str, list[float]] = {"indices": [], "with images": []}
    for _ in range(ROUNDS):
        batches = [generator.choice(pool, BATCH) for _ in range(BATCHES)]
        started = time.perf_counter()
        for indices in batches:
            task.pairs.draw(indices, generator)
        middle = time.perf_counter()
        for indices in batches:
            task(observed, indices, generator)
        rates["indices"].append(BATCH * BATCHES / (middle - started))
        rates["with images"].append(BATCH * BATCHES / (time.perf_counter() - middle))
    return rates


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    print(f"{'pairs/s, median (smallest to largest)':<40}{'indices':>26}{'with images':>26}")
    for name, (spec, *_) in load_specs().items():
        if spec.render is None:
            continue
        dataset = build_dataset(name, source="stand-in", variant="leave1out")
        pool = dataset.split.trained_on()
        started = time.perf_counter()
        task = Compose(spec.grid, pool)
        prepared = time.perf_counter() - started
        cells = [
            f"{statistics.median(rate):,.0f} ({min(rate):,.0f} to {max(rate):,.0f})"
            for rate in measure(task, dataset.observe(), pool).values()
        ]
        print(f"{f'{spec.title}, prepared in {prepared:.2f} s':<40}{cells[0]:>26}{cells[1]:>26}")


if __name__ == "__main__":
    main()
