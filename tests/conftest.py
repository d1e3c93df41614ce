"""Fixtures: the real command line, and the architectures and losses of ``scripts/configs``."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

REPOSITORY = Path(__file__).parents[1]
SCRIPTS = REPOSITORY / "scripts"
#: Genuine frames lie beside the checkout where there are any; tests that need them skip otherwise.
FRAMES = REPOSITORY.parent / "shared" / "real_frames"

CommandLine = Callable[..., subprocess.CompletedProcess]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Tests run in parallel processes; threads of several would get in each other's way."""
    torch.set_num_threads(1)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """An empty data folder."""
    return tmp_path / "data"


@pytest.fixture
def environment(data: Path) -> dict[str, str]:
    """The environment of a command whose data folder is empty."""
    return {**os.environ, "DISENTGEN_DATA": str(data), "PYTHONUNBUFFERED": "1"}


def call_module(
    environment: dict[str, str], module: str, *words: str, status: int = 0
) -> subprocess.CompletedProcess:
    """Run ``python -m module …`` from inside ``scripts``."""
    done = subprocess.run(
        [sys.executable, "-m", module, *words],
        cwd=SCRIPTS, env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == status, done.stdout + done.stderr
    return done


@pytest.fixture
def disent(environment: dict[str, str]) -> CommandLine:
    """Run ``python -m experiments.disent …`` from inside ``scripts``."""

    def run(
        *words: str, status: int | None = 0, cwd: Path = SCRIPTS
    ) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "experiments.disent", *words]
        done = subprocess.run(
            command,
            cwd=cwd,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if status is not None:
            assert done.returncode == status, done.stdout + done.stderr
        return done

    return run


#: A run of a few iterations of a small network: seconds, nearly all of them start-up.
FAST = ("dataset.dsprites", "model.fast", "training.fast", "threads=1", "seed=1")
