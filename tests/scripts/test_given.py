"""What a command line gives is composed before Sacred sees it."""

import json
from itertools import permutations

import pytest

from disentgen.errors import UsageError
from disentgen.schema import merge
from experiments.disent import experiment
from experiments.given import parse_options
from experiments.named_configs import read_named_configs
from experiments.options import check_alone, check_options
from ingredients.section import Section

NAMED = dict(experiment.gather_named_configs())
SECTIONS = [part for part in experiment.ingredients if isinstance(part, Section)]


def compose(*names):
    return read_named_configs(names, NAMED, SECTIONS, "lgm")


def saved(folder, name, **changed):
    """A file such as a run's ``config.json``, of a run of the published repository's line."""
    settings = compose("dataset.dsprites", "model.higgins", "training.factor")
    path = folder / name
    path.write_text(json.dumps(merge(settings, changed)))
    return str(path)


def test_later_ones_win_and_sections_are_joined(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text("training: {lr: 0.5, loss: {params: {beta: 8.0}}}\nseed: 3")
    settings = compose("training.fast", "training.beta", str(path))
    assert settings["training"]["lr"] == 0.5 and settings["seed"] == 3
    assert settings["training"]["loss"] == {"name": "beta", "params": {"beta": 8.0}}
    assert settings["training"]["epochs"] == 2
    first = compose(str(path), "training.beta")["training"]["loss"]["params"]
    assert first == {"beta": 4.0}


def test_a_named_configuration_is_no_file_of_its_name(tmp_path, monkeypatch):
    """Sacred takes a file or a folder that is called as one of them for settings."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "training.beta").write_text("no settings")
    (tmp_path / "model.kim").mkdir()
    both = compose("training.beta", "model.kim")
    assert both["training"]["loss"]["name"] == "beta" and both["model"]["name"] == "kim"


@pytest.mark.parametrize(
    "other", ["model.kim", "training.beta", "dataset.mpi3d", "{folder}/second.json"]
)
def test_a_saved_configuration_is_mixed_with_no_other_choice_in_any_order(tmp_path, other):
    saved(tmp_path, "second.json", seed=5)
    names = [saved(tmp_path, "config.json"), other.format(folder=tmp_path)]
    for order in permutations(names):
        with pytest.raises(UsageError, match="exclude each other"):
            compose(*order)
    assert compose(names[0], names[0]) == compose(names[0])
    assert compose(names[0], "training.fast", "dataset.fast")["model"]["name"] == "higgins"


def test_a_saved_configuration_means_what_it_meant_whatever_stands_beside_it(tmp_path):
    path = saved(tmp_path, "config.json", seed=1, device="cpu", threads=1)
    content = compose(path)["training"]
    assert content["find_duplicates"] is False and content["score_samples"] is None
    assert compose(path, "training.fast")["training"]["score_samples"] is None


def test_sacred_is_never_given_a_name_or_a_file(tmp_path, monkeypatch):
    """It would restore what they hold: neither its loader nor its parser of words is reached."""

    def refuse(*given, **named):
        raise AssertionError(given)

    for place in ("sacred.initialize.load_config_file", "sacred.arg_parser.restore",
                  "sacred.config.config_files.restore", "sacred.experiment.get_config_updates",
                  "sacred.initialize.Scaffold.run_named_config"):  # fmt: skip
        monkeypatch.setattr(place, refuse)
    path = saved(tmp_path, "config.json", seed=1)
    words = ["with", path, "training.fast", "training.loss.params={'gamma': 3}"]
    monkeypatch.setattr("experiments.experiment.interrupt_on_signals", lambda: None)
    for command in ("print_config", "print_named_configs", "training.show"):
        run = experiment.run_commandline(["disent", command, *words])
        assert run.config["training"]["loss"]["params"]["gamma"] == 3.0
        assert run.meta_info["named_configs"] == [path, "training.fast"]


def test_parts_of_a_command_line_may_stand_in_any_order():
    words = ["-b", "3", "model.show", "with", "a=1", "--comment", "x", "y", "-f", "c=-1"]
    options = parse_options(experiment, words)
    assert options["COMMAND"] == "model.show" and options["UPDATE"] == ["a=1", "y", "c=-1"]
    given = {name: value for name, value in options.items() if name.startswith("--") and value}
    assert given == {"--beat-interval": "3", "--comment": "x", "--force": True}


def test_options_of_python_are_checked_like_those_of_a_command_line():
    accepted = experiment.get_default_options()
    check_options({"--id": "first_1.a", "--comment": "µ, any", "--beat-interval": 3.5}, accepted)
    for options in ({"--idd": "a"}, {"--id": "a/b"}, {"--capture": "all"}, {"--name": ""}):
        with pytest.raises(UsageError):
            check_options(options, accepted)


def test_several_processes_of_one_run_are_refused():
    check_alone({}), check_alone({"WORLD_SIZE": "1"})
    with pytest.raises(UsageError, match=r"WORLD_SIZE=4: a run is one process; experiments\.sweep"):
        check_alone({"WORLD_SIZE": "4"})
