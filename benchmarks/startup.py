"""From command to first batch, and memory, of the real command line at full size.

python benchmarks/startup.py --rounds 5
"""

import argparse
import datetime
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SCRIPTS = Path(__file__).parents[1] / "scripts"
WORDS = (
    "dataset.dsprites",
    "model.kim",
    "training.factor",
    "model.latent_size=50",
    "training.loss.params.beta=10",
    "training.epochs=1",
)


def read_peak(process: "subprocess.Popen[bytes]") -> int:
    """The most memory that a process has held so far, in kilobytes (0 once it has gone)."""
    try:
        status = Path(f"/proc/{process.pid}/status").read_text()
    except FileNotFoundError:
        return 0
    peaks = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
    return int(peaks[0]) if peaks else 0


def measure(iterations: int) -> tuple[float, float]:
    """Seconds from command to first finished batch, and the run's peak memory in megabytes."""
    limits = [
        f"training.epoch_length={iterations}",
        "training.score_images=256",
        "training.validation_images=256",
    ]
    command = [sys.executable, "-m", "experiments.disent", "with", *WORDS, *limits]
    with tempfile.TemporaryDirectory() as data:
        environment = {**os.environ, "DISENTGEN_DATA": data}
        started, peak = datetime.datetime.now(datetime.UTC), 0
        process = subprocess.Popen(
            command,
            cwd=SCRIPTS,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while process.poll() is None:
            peak = max(peak, read_peak(process))
            time.sleep(0.05)
        results = json.loads(Path(data, "sims", "disent", "1", "results.json").read_text())
    first = datetime.datetime.fromisoformat(results["times"]["first_batch"])
    return (first - started).total_seconds(), peak / 1000


def main() -> None:
    """Measure and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--iterations", type=int, default=20)
    given = parser.parse_args()
    firsts, peaks = zip(*(measure(given.iterations) for _ in range(given.rounds)), strict=True)
    report = {
        "seconds_to_first_batch": {"median": statistics.median(firsts), "max": max(firsts)},
        "peak_memory_megabytes": {
            "median": statistics.median(peaks),
            "max": max(peaks),
        },
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
