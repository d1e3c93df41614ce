"""Fixtures: the command line, and folders of runs that are made once for all processes."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import hypothesis
import pytest
import torch
from filelock import FileLock

from disentgen.registry import find_exports, read_sources
from disentgen.training.config import Config
from processes import call_module, no_process_remains  # noqa: F401 (a fixture)

REPOSITORY = Path(__file__).parents[1]
#: Genuine frames lie beside the checkout where there are any; tests that need them skip otherwise.
FRAMES = REPOSITORY.parent / "shared" / "real_frames"

# Other processes may hold up a test at any time; how long it takes says nothing.
hypothesis.settings.register_profile("suite", deadline=None)
hypothesis.settings.load_profile("suite")

CommandLine = Callable[..., subprocess.CompletedProcess]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Tests run in parallel processes; threads of several would get in each other's way."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def failures(monkeypatch) -> Iterator[list[str]]:
    """Warnings of steps that have failed without ending the rest; left in the list, they fail."""
    warnings: list[str] = []
    monkeypatch.setattr("disentgen.errors.warn", warnings.append)
    yield warnings
    assert warnings == []


def read_config(family: str, **given: Any) -> Config:
    """A configuration for models of a family: seed 1 on one thread of the CPU."""
    model = {"family": family, **given.pop("model")}
    return Config.read({"model": model, "seed": 1, "device": "cpu", "threads": 1, **given})


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """An empty data folder."""
    return tmp_path / "data"


@pytest.fixture
def environment(data: Path) -> dict[str, str]:
    """The environment of a command whose data folder is empty."""
    return {**os.environ, "DISENTGEN_DATA": str(data), "PYTHONUNBUFFERED": "1"}


@pytest.fixture
def disent(environment: dict[str, str]) -> CommandLine:
    """Run ``python -m experiments.disent …`` inside ``scripts``."""
    return partial(call_module, environment, "experiments.disent")


#: A run of a few iterations of a small network: seconds, nearly all of them start-up.
FAST = ("dataset.dsprites", "model.fast", "training.fast", "training.score_samples=2",
        "threads=1", "seed=1")  # fmt: skip

DECODING = ("model.fast", "training.epochs=2", "training.epoch_length=3",
            "training.validation_images=32", "training.score_images=64",
            "training.find_duplicates=False")  # fmt: skip
#: The runs of the fixture ``trained``: experiment, variant, further words.
TRAINED = (
    ("disent", "shape2tx", *FAST[1:4], "seed=1"),
    ("disent", "shape2tx", *FAST[1:4], "seed=2"),
    ("disent", "shape2tx", *FAST[1:4], "seed=1", "dataset.control=True"),
    ("disent", "leave1out", *FAST[1:4], "seed=1"),
    ("decoders", "shape2tx", *DECODING, "seed=1"),
    ("composition", "shape2tx", *FAST[1:4], "seed=1"),
    ("supervised", "shape2tx", *FAST[1:4], "seed=1"),
)


def build_once(factory: pytest.TempPathFactory, name: str, build: Callable[[Path], object]) -> Path:
    """A folder that one process of the session builds, and all others use as it is.

    Args:
        factory: of the session's temporary folders.
        name: of the folder.
        build: makes the folder at a path, which is another one while it is not finished.
    """
    shared = factory.getbasetemp()
    shared = shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared
    folder, unfinished = shared / name, shared / f"{name}.unfinished"
    with FileLock(shared / f"{name}.lock"):
        if not folder.exists():
            shutil.rmtree(unfinished, ignore_errors=True)
            build(unfinished)
            unfinished.rename(folder)
    return folder


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with tiny runs of every experiment on dSprites.

    Tests that change it work on a copy.
    """
    return build_once(tmp_path_factory, "trained", train_all)


def train_all(folder: Path) -> None:
    """Make the runs of ``TRAINED`` in a data folder."""
    for experiment, variant, *words in TRAINED:
        call_module(
            {**os.environ, "DISENTGEN_DATA": str(folder)}, f"experiments.{experiment}", "with",
            "dataset.dsprites", f"dataset.variant={variant}", *words, "threads=1",
        )  # fmt: skip


#: Beside the first run of ``trained``: what the fixture ``report`` is of.
REPORTED = (
    ("decoders", "dataset.shapes3d", "dataset.variant=fhue_gt50", "model.fast", "training.epochs=1",
     "training.epoch_length=2", "training.validation_images=16", "training.score_images=32",
     "training.find_duplicates=False"),
    ("supervised", "dataset.dsprites", "dataset.variant=leave1out", "model.fast", "training.fast",
     "training.score_images=100", "training.find_duplicates=True"),
)  # fmt: skip


@pytest.fixture(scope="session")
def report(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a report; tests that change it or its runs work on a copy, ``reported``."""

    def make(data: Path) -> None:
        call = partial(call_module, {**os.environ, "DISENTGEN_DATA": str(data)})
        shutil.copytree(trained / "sims" / "disent" / "1", data / "sims" / "disent" / "1")
        for experiment, *words in REPORTED:
            call(f"experiments.{experiment}", "with", *words, "threads=1", "seed=1")
        done = call("analysis.report", "--images", "200", "--jobs", "1")
        assert "3 runs: " in done.stdout

    return build_once(tmp_path_factory, "reported", make) / "results" / "report"


@pytest.fixture
def reported(report: Path, data: Path) -> Path:
    """The data folder of a command, with the runs of a report and all that was made for it."""
    return shutil.copytree(report.parents[1], data)


AddModule = Callable[[ModuleType, str, str], None]


@pytest.fixture
def add_module(tmp_path, monkeypatch) -> Iterator[AddModule]:
    """Add a module to a package for one test: the package, the module's name, its text."""
    added = []

    def forget_records() -> None:
        find_exports.cache_clear()
        read_sources.cache_clear()

    def add(package: ModuleType, name: str, text: str) -> None:
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
        forget_records()
        added.append((package, name))

    yield add
    monkeypatch.undo()
    forget_records()
    for package, name in added:
        sys.modules.pop(f"{package.__name__}.{name}", None)
        vars(package).pop(name, None)
