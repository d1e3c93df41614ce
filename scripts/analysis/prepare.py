"""``python -m analysis.prepare``: what ``analysis.report --engine`` hands out."""

import os

from disentgen.streams import run_command
from interrupts import interrupt_on_signals


def main() -> None:
    """The command line."""
    # Each process measures on one thread; NumPy reads this when it is loaded.
    os.environ["OMP_NUM_THREADS"] = "1"
    from disentgen.report.prepare import main as prepare

    interrupt_on_signals()
    prepare()


if __name__ == "__main__":
    run_command(main)
