"""Sacred is imported on every Python and with any setuptools; also run without torch, see
``test_installation``."""

import ast
import json
import pkgutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import sacred_compat

SCRIPTS = Path(sacred_compat.__file__).parent
#: An experiment with our observer and our checks, of Sacred that finds neither of what it imports.
PROGRAM = """
import pkgutil, sys
from pathlib import Path
sys.modules["pkg_resources"] = sys.modules["setuptools"] = None
vars(pkgutil).pop("find_loader", None)
from disentgen.command_line import plain_errors
from disentgen.run_directory import RunDirectory
from disentgen.schema import check
from ingredients.observers import RunFolderObserver
from sacred_compat import Experiment

assert sys.modules["pkg_resources"] is None and not hasattr(pkgutil, "find_loader")

class Light(Experiment):
    def run(self, command, updates, named_configs, info, meta_info, options):
        with plain_errors():
            options = {**options, "--force": True}
            return super().run(command, updates, named_configs, info, meta_info, options)

def build(width: int = 2, depth: int = 1) -> None: pass

experiment = Light("light", save_git_info=False)
experiment.add_config(model={"width": 2, "depth": 1})
experiment.observers.append(RunFolderObserver("runs"))

@experiment.config_hook
def read(config, command_name, logger):
    model = check("model", build, config["model"])
    experiment.observers[0].keep_in(RunDirectory(Path("runs", "1")).prepare())
    return {"model": model}

@experiment.main
def main(model):
    return model["width"] + 1

experiment.run_commandline()
"""


#: Sacred's own, of what Pythons still have.
LATER = "ignore:datetime.datetime.utcnow() is deprecated:DeprecationWarning"


def run_light(folder, *words):
    """Run the program in an empty folder; a warning is an error."""
    (folder / "light.py").write_text(PROGRAM)
    return subprocess.run(
        [sys.executable, "-W", "error", "-W", LATER, "light.py", *words], cwd=folder,
        capture_output=True, text=True, check=False,
        env={"PYTHONPATH": f"{SCRIPTS}:{SCRIPTS.parent / 'src'}"},
    )  # fmt: skip


def test_a_run_is_kept_without_setuptools_and_find_loader(tmp_path):
    done = run_light(tmp_path, "with", "model.width=4")
    assert done.returncode == 0, done.stderr
    kept = json.loads((tmp_path / "runs" / "1" / "run.json").read_text())
    assert (kept["status"], kept["result"]) == ("COMPLETED", 5)
    assert f"sacred=={metadata.version('sacred')}" in kept["experiment"]["dependencies"]


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("model.witdh=4", "error: unknown parameter in model: 'witdh'; "),
        ("model.width=wide", "error: model.width: "),
        ("model.width=2.5", "error: model.width: "),
    ],
)
def test_mistakes_on_the_command_line_are_answered_in_one_line(tmp_path, word, line):
    done = run_light(tmp_path, "with", word)
    assert done.returncode == 1
    assert done.stderr.startswith(line)
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "runs").exists()


def test_the_record_names_every_installed_package_once():
    packages = list(sacred_compat.WorkingSet())
    own = next(package for package in packages if package.project_name == "pydantic")
    assert own.version == metadata.version("pydantic")
    sacred = sacred_compat.WorkingSet().by_key["sacred"]
    assert sacred._get_metadata("top_level.txt") == ["sacred"]
    names = [package.project_name.lower() for package in packages]
    assert len(names) == len(set(names))


def test_a_package_without_metadata_is_left_out(tmp_path, monkeypatch):
    (tmp_path / "gone-1.0.dist-info").mkdir()
    (tmp_path / "odd_name-1.0.dist-info").mkdir()
    (tmp_path / "odd_name-1.0.dist-info" / "METADATA").write_text("Name: odd_name\nVersion: 1.0\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    packages = sacred_compat.WorkingSet().by_key
    assert list(packages) == ["odd-name"]
    assert packages["odd-name"]._get_metadata("top_level.txt") == []


def test_modules_are_looked_for_as_pkgutil_did(monkeypatch):
    assert sacred_compat.find_loader("json") is not None
    assert sacred_compat.find_loader("no_such_module") is None
    monkeypatch.setattr(json, "__spec__", None)
    with pytest.raises(ImportError):
        sacred_compat.find_loader("json")


def test_what_was_there_before_is_there_again():
    before = {"own": 1}
    with sacred_compat.replaced(before, "own", 2), sacred_compat.replaced(before, "lent", 3):
        assert before == {"own": 2, "lent": 3}
    assert before == {"own": 1}
    assert "pkg_resources" not in vars(sacred_compat)
    assert getattr(pkgutil, "find_loader", None) is not sacred_compat.find_loader


def test_nothing_else_imports_sacred():
    own = {Path(sacred_compat.__file__)}
    for path in {*SCRIPTS.rglob("*.py"), *Path(__file__).parents[1].rglob("*.py")} - own:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [
                alias.name for alias in getattr(node, "names", ()) if isinstance(node, ast.Import)
            ]
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            used = {name.split(".")[0] for name in names}
            assert "sacred" not in used, path
