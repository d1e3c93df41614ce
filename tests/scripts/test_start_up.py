"""Commands that only say what they do start at once: they import no torch."""

import json
import subprocess
import sys

import pytest

from experiments.composition import experiment as composition
from experiments.decoders import experiment as decoders
from experiments.disent import experiment as disent
from experiments.supervised import experiment as supervised
from processes import SCRIPTS
from sacred_compat import help_for_command

EXPERIMENTS = (disent, decoders, composition, supervised)
COMMANDS = [
    f"{path.parent.name}.{path.stem}"
    for path in sorted(SCRIPTS.glob("*/*.py"))
    if '__name__ == "__main__"' in path.read_text(encoding="utf-8")
]
LINES = [
    *([name, "--help"] for name in COMMANDS),
    *(["experiments.disent", "help", name] for name, _ in disent.gather_commands()),
    ["experiments.disent", "-h"], ["experiments.disent", "help"],
    ["experiments.disent", "--help", "model.show"],
    ["disentgen", "--help"], ["disentgen"], ["disentgen", "cite", "--help"],
    ["disentgen.dataset", "--help"], ["disentgen.dataset", "list"],
    *(["disentgen.dataset", word, "--help"] for word in ("download", "export", "show")),
]  # fmt: skip

#: Runs command lines one after the other, up to one after which torch is there.
PROGRAM = """
import contextlib, io, json, runpy, sys, warnings
warnings.simplefilter("ignore")
printed = []
for module, *words in json.loads(sys.argv[1]):
    sys.argv = [module, *words]
    with contextlib.redirect_stdout(io.StringIO()) as output, contextlib.suppress(SystemExit):
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    printed.append(output.getvalue())
    if "torch" in sys.modules:
        raise SystemExit(f"{module} {' '.join(words)} imports torch")
print(json.dumps(printed))
"""


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """What each of the lines prints; all in one process, which is most of what each would cost."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISENTGEN_DATA", str(tmp_path_factory.mktemp("data")))
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, json.dumps(LINES)], cwd=SCRIPTS, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return {" ".join(line): text for line, text in zip(LINES, json.loads(done.stdout), strict=True)}


def test_all_say_something_without_torch(printed):
    assert {"experiments.sweep", "experiments.protocols", "analysis.report"} <= set(COMMANDS)
    assert all(printed.values()), printed


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda one: one.path)
def test_the_help_is_that_of_the_experiments_own_commands(printed, experiment):
    usage = printed[f"experiments.{experiment.path} --help"]
    commands = dict(experiment.gather_commands())
    assert {"print_config", "main", "dataset.show", "model.show", "training.show"} < set(commands)
    for command, function in commands.items():
        described = (function.__doc__ or "").strip().splitlines()[0]
        assert f"  {command} " in usage and described in usage
    for option in experiment.all_cli_options:
        assert option.get_flags()[1] in usage


def test_the_help_of_a_command_is_its_own(printed):
    for command, function in disent.gather_commands():
        assert printed[f"experiments.disent help {command}"] == f"{help_for_command(function)}\n"


def test_help_is_asked_for_in_several_ways(printed):
    usage = printed["experiments.disent --help"]
    assert printed["experiments.disent -h"] == printed["experiments.disent help"] == usage
    of_one = printed["experiments.disent help model.show"]
    assert printed["experiments.disent --help model.show"] == of_one
