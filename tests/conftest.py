"""Fixtures: the real command line, and the architectures and losses of ``scripts/configs``."""

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import hypothesis
import pytest
import torch
from filelock import FileLock

from disentgen.registry import load_named, load_records, read_constants
from disentgen.training.config import Config

REPOSITORY = Path(__file__).parents[1]
SCRIPTS = REPOSITORY / "scripts"
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


#: Children are forked from a process that has loaded these: that takes longer than most commands.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    ["disentgen.training.run", "disentgen.analysis.figures.examples", "sacred"]
)


def become_module(
    module: str, words: tuple[str, ...], environment: dict[str, str], output: Path, errors: Path
) -> None:
    """What ``python -m module words…`` does in a fresh process inside ``scripts``."""
    for number, path in ((1, output), (2, errors)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    sys.stdout = sys.__stdout__ = open(1, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.__stderr__ = open(2, "w", encoding="utf-8", buffering=1)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(SCRIPTS)
    sys.path.insert(0, str(SCRIPTS))
    sys.argv = [module, *words]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def call_module(
    environment: dict[str, str], module: str, *words: str, status: int = 0
) -> subprocess.CompletedProcess:
    """Run ``python -m module …`` inside ``scripts``."""
    with tempfile.TemporaryDirectory() as folder:
        output, errors = Path(folder, "output"), Path(folder, "errors")
        process = FORKS.Process(
            target=become_module, args=(module, words, environment, output, errors)
        )
        process.start()
        process.join(timeout=300)
        if process.exitcode is None:
            process.kill()
            pytest.fail(f"{module} {words} takes more than 300 s")
        printed = [path.read_text(encoding="utf-8") for path in (output, errors)]
    assert process.exitcode == status, "".join(printed)
    return subprocess.CompletedProcess([module, *words], process.exitcode, *printed)


@pytest.fixture
def disent(environment: dict[str, str]) -> CommandLine:
    """Run ``python -m experiments.disent …`` inside ``scripts``."""
    return partial(call_module, environment, "experiments.disent")


#: A run of a few iterations of a small network: seconds, nearly all of them start-up.
FAST = ("dataset.dsprites", "model.fast", "training.fast", "threads=1", "seed=1")

DECODING = ("model.fast", "training.epochs=2", "training.epoch_length=3",
            "training.validation_images=32", "training.score_images=64",
            "training.find_duplicates=False")  # fmt: skip
#: The runs of the fixture ``trained``: experiment, variant, further words.
TRAINED = (
    ("disent", "shape2tx", *FAST[1:3], "seed=1"),
    ("disent", "shape2tx", *FAST[1:3], "seed=2"),
    ("disent", "shape2tx", *FAST[1:3], "seed=1", "dataset.control=True"),
    ("disent", "leave1out", *FAST[1:3], "seed=1"),
    ("decoders", "shape2tx", *DECODING, "seed=1"),
    ("composition", "shape2tx", *FAST[1:3], "seed=1"),
    ("supervised", "shape2tx", *FAST[1:3], "seed=1"),
)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with tiny runs of every experiment on dSprites, made once for all processes.

    Tests that change it work on a copy.
    """
    shared = tmp_path_factory.getbasetemp()
    shared = shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared
    folder = shared / "trained"
    with FileLock(shared / "trained.lock"):
        if not folder.exists():
            made = shared / "trained.partial"
            environment = {**os.environ, "DISENTGEN_DATA": str(made)}
            for experiment, variant, *words in TRAINED:
                call_module(
                    environment, f"experiments.{experiment}", "with", "dataset.dsprites",
                    f"dataset.variant={variant}", *words, "threads=1",
                )  # fmt: skip
            made.rename(folder)
    return folder


AddModule = Callable[[ModuleType, str, str], None]


@pytest.fixture
def add_module(tmp_path, monkeypatch) -> Iterator[AddModule]:
    """Add a module to a package for one test: the package, the module's name, its text."""
    added = []

    def forget_records() -> None:
        load_records.cache_clear()
        load_named.cache_clear()
        read_constants.cache_clear()

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
