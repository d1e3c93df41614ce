"""What is installed where: accepted Pythons, tested versions, the build of PyTorch."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from conftest import REPOSITORY
from processes import SCRIPTS

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PYTHONS = SpecifierSet(PROJECT["requires-python"])
VERSIONS = [f"3.{minor}" for minor in range(30) if PYTHONS.contains(f"3.{minor}.0")]
LOCK = REPOSITORY / "requirements.lock"


def list_dependencies():
    """What pyproject.toml asks for, the extras' requirements among it."""
    extras = PROJECT["optional-dependencies"].values()
    wanted = [Requirement(line) for line in [*PROJECT["dependencies"], *sum(extras, [])]]
    return [one for one in wanted if one.name != PROJECT["name"]]  # extras of extras


def read_lock(version):
    """The locked version of every package on Linux with a Python."""
    lines = LOCK.read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if not line.startswith("#")]
    linux = {"python_full_version": f"{version}.9", "python_version": version}
    return {
        canonicalize_name(pin.name): pin.specifier
        for pin in pins
        if pin.marker is None or pin.marker.evaluate(linux)
    }


def test_the_accepted_pythons_are_those_that_are_tested():
    assert VERSIONS == ["3.11", "3.12", "3.13", "3.14"]
    conda = yaml.safe_load((REPOSITORY / "torchlab-env.yml").read_text(encoding="utf-8"))
    assert [part for part in conda["dependencies"] if str(part).startswith("python")] == [
        f"python{PROJECT['requires-python']}"
    ]
    assert conda["dependencies"][-1]["pip"] == ["--constraint requirements.lock",
                                                "--editable .[test]"]  # fmt: skip


@pytest.mark.parametrize("version", VERSIONS)
def test_the_lock_names_one_version_of_every_dependency_within_its_bounds(version):
    locked = read_lock(version)
    for specifier in locked.values():
        (pin,) = specifier
        assert pin.operator == "=="
    for wanted in list_dependencies():
        (pin,) = locked[canonicalize_name(wanted.name)]
        assert wanted.specifier.contains(pin.version), wanted


def test_the_page_names_the_builds_that_the_scripts_install():
    page = (REPOSITORY / "docs" / "installation.md").read_text(encoding="utf-8")
    builds = re.findall(r"(torch(?:vision)?)==([0-9.]+)\+cpu", page)
    locked = read_lock("3.11")
    assert dict(builds) == {
        name: next(iter(locked[name])).version for name in ("torch", "torchvision")
    }


def test_the_lock_names_no_place():
    text = LOCK.read_text(encoding="utf-8")
    assert not re.search(r"://|--(extra-)?index|--find-links|@ |^-|(?<![\w.])/", text, re.M)


def test_setuptools_is_needed_to_build_only():
    assert "setuptools" not in {wanted.name for wanted in list_dependencies()}


#: Takes the place of Python: makes environments whose pip notes what it is called with.
PYTHON = f"""#!/bin/bash
case "$1 $2" in
    "-c "*) exec {sys.executable} "$@" ;;
    "-m venv") mkdir -p "$3/bin"; cp "$(dirname "$0")/pip" "$3/bin/pip" ;;
    "--version "*) echo Python 3.10.13 ;;
esac
"""
PIP = """#!/bin/bash
case "$*" in
    *" list "*) [ -z "$INSTALLED" ] || echo "torch==$INSTALLED" ;;
    *--index-url*) echo "$*" >>"$LOG"; exit "${REFUSED:-0}" ;;
    *) echo "$*" >>"$LOG" ;;
esac
"""


@pytest.fixture
def setup(tmp_path):
    """Run ``bin/setup.sh`` in a copy without a network, on a machine with some programs."""
    for name in ("bin/setup.sh", "pyproject.toml", "requirements.lock"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(REPOSITORY / name, tmp_path / name)
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, text in (("python3", PYTHON), ("pip", PIP)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    for name in ("bash", "cat", "cp", "dirname", "mkdir", "sed", "uname"):
        (programs / name).symlink_to(shutil.which(name))

    def run(*others, status=0, **variables):
        for name in others:
            (programs / name).symlink_to(shutil.which("true"))
        log = tmp_path / "log"
        log.write_text("")
        done = subprocess.run(
            [shutil.which("bash"), tmp_path / "bin" / "setup.sh"], check=False, text=True,
            env={"PATH": str(programs), "LOG": str(log), **variables}, capture_output=True,
        )  # fmt: skip
        assert done.returncode == status, done.stderr
        return log.read_text(), done.stderr

    return run


CPU_INDEX = "--index-url https://download.pytorch.org/whl/cpu"


def test_without_a_gpu_the_build_for_the_cpu_is_taken(setup):
    calls, _ = setup()
    first, second = calls.splitlines()
    torch, vision = (next(iter(read_lock("3.12")[name])) for name in ("torch", "torchvision"))
    assert f"{CPU_INDEX} torch=={torch.version}+cpu torchvision=={vision.version}+cpu" in first
    assert second.endswith("install -qq --constraint requirements.lock --editable .")
    assert setup() == ("", "")


def test_where_it_cannot_be_had_the_other_is_taken(setup):
    calls, printed = setup(REFUSED="1")
    assert len(calls.splitlines()) == 2
    assert "PyTorch's CPU build cannot be reached; the one with CUDA is taken" in printed


@pytest.mark.parametrize("program", ["nvidia-smi", "sbatch"])
def test_with_a_gpu_or_on_a_cluster_the_build_with_cuda_is_taken(setup, program):
    calls, printed = setup(program)
    assert len(calls.splitlines()) == 1 and "CPU" not in printed
    assert CPU_INDEX in setup(TORCH_BUILD="cpu")[0]


def test_an_environment_keeps_its_build_until_another_is_asked_for(setup):
    assert CPU_INDEX in setup("nvidia-smi", INSTALLED="2.14.0+cpu")[0]
    calls, _ = setup(TORCH_BUILD="cuda", INSTALLED="2.14.0+cpu")
    assert "uninstall -qq --yes torch torchvision" in calls and CPU_INDEX not in calls
    calls, _ = setup(TORCH_BUILD="cuda", INSTALLED="2.14.0")
    assert len(calls.splitlines()) == 1


def test_another_python_is_refused_with_those_that_are_accepted(setup, tmp_path):
    script = tmp_path / "bin" / "setup.sh"
    script.write_text(script.read_text().replace("sys.version_info[:2]", "(3, 10)"))
    calls, printed = setup(status=1)
    assert printed == (
        "Python 3.11 to 3.14 is needed; python3 is Python 3.10.13. Set PYTHON to another.\n"
    )
    assert calls == "" and not (tmp_path / ".venv").exists()


def find_python(version):
    """An interpreter of a version that runs, if this machine has one."""
    homes = Path.home().glob(f".pyenv/versions/{version}.*/bin/python")
    for python in (shutil.which(f"python{version}"), *sorted(homes)):
        # Where pyenv has the version, but does not use it, a command of the name fails.
        if (
            python
            and not subprocess.run([python, "-V"], check=False, capture_output=True).returncode
        ):
            return python
    return None


@pytest.mark.ci
@pytest.mark.parametrize("version", VERSIONS)
def test_sacred_and_our_shell_work_with_every_python(version, tmp_path):
    """In an environment of Sacred, pydantic and pytest: all dependencies would take gigabytes."""
    python = find_python(version)
    if python is None:
        pytest.skip(f"no Python {version} on this machine")
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(tmp_path / "compiled")}

    def run(*words):
        done = subprocess.run(
            words, env=environment, cwd=REPOSITORY, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    own = tmp_path / "venv" / "bin" / "python"
    run(python, "-m", "venv", str(tmp_path / "venv"))
    run(own, "-m", "pip", "install", "-qq", "--no-cache-dir", "-c", LOCK, "sacred", "pydantic",
        "pytest")  # fmt: skip
    try:
        run(own, "-W", "error", "-m", "compileall", "-q", "src", "scripts")
        printed = run(
            own, "-m", "pytest", "-q", "--noconftest", "-c", os.devnull, "--rootdir", REPOSITORY,
            "-p", "no:cacheprovider", "-o", f"pythonpath={SCRIPTS} {REPOSITORY / 'src'}",
            "tests/scripts/test_sacred_compat.py",
        )  # fmt: skip
        assert " passed" in printed and "failed" not in printed and "skipped" not in printed
    finally:
        shutil.rmtree(tmp_path)
