"""Code outside the repository: used where the user names it, and only there."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from itertools import count

import pytest
import torch
from torch import nn

import disentgen
from conftest import REPOSITORY, read_config
from disentgen import fitting, plugins
from disentgen.analysis.collect import find_collection
from disentgen.analysis.figures.figure import load_figures
from disentgen.analysis.metrics import load_metrics
from disentgen.analysis.tables import tabulate_cells
from disentgen.dataset.spec import load_specs
from disentgen.errors import DataFileError, UsageError
from disentgen.models.layers import layer_kinds
from disentgen.registry import find_origin, use_plugin
from disentgen.report.compare import compare_studies
from disentgen.run_files import LOSSES, list_names
from disentgen.runs import find_runs, open_run
from disentgen.training.config import Config
from disentgen.training.losses import losses
from engines.remote import describe_environment, list_needed
from experiments.disent import experiment
from own_package import write_package

EARLIER = REPOSITORY / "tests" / "fixtures" / "earlier_runs"
NUMBERS = count()
SETTINGS = {
    "dataset": {"name": "crosses", "variant": "high"},
    "model": {"encoder": [["conv", [2, 4, 4]], ["mish"], ["flatten"]], "latent_size": 3},
    "training": {"loss": {"name": "sparse"}},
}
QUICK = {"epochs": 1, "epoch_length": 2, "score_images": 64, "find_duplicates": False}


@pytest.fixture(autouse=True)
def forgotten(monkeypatch):
    """What was in use before is so again."""
    used, modules = dict(plugins._USED.plugins), set(sys.modules)
    monkeypatch.setenv(plugins.VARIABLE, "")
    yield
    plugins._USED.plugins.clear()
    plugins._USED.plugins.update(used)
    for name in set(sys.modules) - modules:
        if name.startswith("own"):
            del sys.modules[name]


@pytest.fixture
def name():
    return f"own{next(NUMBERS)}"


@pytest.fixture
def package(tmp_path, name):
    return write_package(tmp_path / "elsewhere", name)


@pytest.fixture
def used(package, name):
    use_plugin(package)
    return name


def test_all_that_it_exports_is_there_by_name(package, name):
    assert "crosses" not in load_specs() and "mish" not in layer_kinds()
    use_plugin(package)
    use_plugin(package)
    assert load_specs()["crosses"][0].title == "Crosses"
    assert {"sparse", "vae"} <= set(losses()) and "sparse" in list_names(LOSSES)
    assert "mish" in layer_kinds() and "spread" in load_metrics()
    assert "learning" in [figure.name for figure in load_figures("run")]
    assert "dataset.crosses" in dict(experiment.gather_named_configs())
    assert find_origin("LOSSES", "sparse") == name and find_origin("LOSSES", "vae") is None
    assert plugins.list_flags() == [f"--plugin={package / '__init__.py'}"]
    assert os.environ[plugins.VARIABLE] == str(package / "__init__.py")
    assert describe_environment()[plugins.VARIABLE] == str(package / "__init__.py")
    assert str(package / "__init__.py") in list_needed(package)


def test_a_module_of_the_current_folder_is_named_by_its_name(tmp_path, name, monkeypatch):
    (tmp_path / f"{name}.py").write_text("LOSSES = ()")
    monkeypatch.chdir(tmp_path)
    use_plugin(name)
    assert plugins.list_flags() == [f"--plugin={tmp_path / name}.py"]


def test_other_processes_are_told_by_the_environment(package, monkeypatch):
    monkeypatch.setattr(plugins, "_USED", plugins._Used())
    monkeypatch.setenv(plugins.VARIABLE, str(package))
    assert "crosses" in load_specs()


def test_installed_packages_announce_themselves(package, name, monkeypatch, failures):
    entries = [type("Entry", (), {"module": module, "name": module}) for module in (name, "own")]
    monkeypatch.setattr(plugins, "_USED", plugins._Used())
    monkeypatch.setattr(plugins, "entry_points", lambda group: entries)
    monkeypatch.setattr(plugins, "warn", failures.append)
    monkeypatch.syspath_prepend(package.parent)
    assert "crosses" in load_specs()
    assert "the installed plugin 'own' is not used: " in failures.pop()


@pytest.mark.parametrize(
    ("module", "text", "message"),
    [
        ("data", "SPECS = load_specs()['dsprites']", "two of disentgen.dataset.specs are called "
         "'dsprites', in dsprites.py and .*data.py; rename one"),
        ("losses", "LOSSES = (losses()['vae'],)", "'vae', in vae.py and .*losses.py; rename one"),
        ("layers/mish", "LAYERS = (3,)", "mish.py: LAYERS holds 3, which has no name"),
        ("scores", "import nothing_like_it", r"cannot be imported: ModuleNotFoundError: No module "
         r"named 'nothing_like_it' \(scores.py:3\)"),
        ("nets", "raise SystemExit(3)", r"cannot be imported: SystemExit: 3 \(nets.py:3\)"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_in_a_line(tmp_path, name, module, text, message):
    head = (
        "from disentgen.dataset.spec import load_specs\n"
        "from disentgen.training.losses import losses\n"
    )
    folder = write_package(tmp_path, name, **{module: head + text})
    with pytest.raises(UsageError, match=message) as refused:
        use_plugin(folder)
    assert "\n" not in str(refused.value)
    assert not plugins.list_plugins() and "crosses" not in load_specs()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("os", "'os' is a part of Python or of this project"),
        ("disentgen", "'disentgen' is a part of Python or of this project"),
        ("nothing_like_it", "there is no such package or module, in the current folder or inst"),
        ("./nothing.py", "--plugin ./nothing.py: there is no such file or package"),
        ("os:system", "a package or module is expected, or the path of one"),
        ("own.nets", "a package or module is expected, or the path of one"),
    ],
)
def test_what_is_no_plugin_is_refused(given, message):
    with pytest.raises(UsageError, match=message):
        use_plugin(given)


def test_a_file_of_a_known_name_is_refused(tmp_path):
    (tmp_path / "numpy.py").write_text("")
    with pytest.raises(UsageError, match="there is a module 'numpy' already: .*numpy/__init__.py"):
        use_plugin(tmp_path / "numpy.py")


def test_a_configuration_records_the_plugins_that_it_needs(used):
    config = read_config("lgm", **SETTINGS)
    assert config.plain()["plugins"] == [used]
    assert Config.read_saved(config.plain()).plain() == config.plain()
    assert not config.flat()["plugins"][1].distinguishes
    alone = {"dataset": {"name": "dsprites"}, "model": {"encoder": [["flatten"]]}}
    assert "plugins" not in read_config("lgm", **alone).plain()
    assert read_config("lgm", **alone | {"training": SETTINGS["training"]}).plain()["plugins"]


def test_a_configuration_imports_no_plugin(package, name, monkeypatch):
    monkeypatch.syspath_prepend(package.parent)
    alone = {"dataset": {"name": "dsprites"}, "model": {"encoder": [["flatten"]]}}
    for changed in (
        {"plugins": [name]},
        {"model": {"encoder": f"{name}.nets:Encoder"}},
        {"model": {"encoder": [["import", [f"{name}.nets:Encoder"]]]}},
        {"dataset": {"spec": str(package / "data.py")}},
    ):
        with pytest.raises(UsageError, match="nobody has named here: give --plugin"):
            read_config("lgm", **alone | changed)
    assert name not in sys.modules


def test_no_class_is_imported_of_a_package_that_nobody_has_named(package, name, monkeypatch):
    monkeypatch.syspath_prepend(package.parent)
    with pytest.raises(UsageError, match=f"of a package that is not in use: give --plugin {name}"):
        plugins.import_class(f"{name}.nets:Encoder", nn.Module)
    assert name not in sys.modules


def test_a_file_of_specifications_is_used_where_it_is_typed(package):
    given = {"dataset": {"spec": str(package / "data.py")}, "model": {"encoder": [["flatten"]]}}
    with pytest.raises(UsageError, match="give --plugin data"):
        Config.read({**given, "model": {"family": "lgm"}}, complete=False)
    call = experiment.read({**given, "seed": 1}, [])
    assert call.config.dataset["name"] == "crosses"
    assert call.config.plain()["plugins"] == ["data"]
    with pytest.raises(UsageError, match="unknown dataset in dataset.spec: 'dsprites'; acc.*cross"):
        experiment.read({"dataset": {"spec": str(package / "data.py"), "name": "dsprites"}}, [])
    built = disentgen.build_dataset(spec=str(package / "data.py"), variant="high")
    assert built.spec.name == "crosses"


def read_imported(used, **model):
    given = {"encoder": f"{used}.nets:Encoder", "decoder": f"{used}.nets:Decoder", "latent_size": 3}
    return read_config("lgm", dataset={"name": "crosses"}, model={**given, **model})


def test_modules_are_encoder_and_decoder_by_their_import_path(used):
    config = read_imported(used, encoder_params={"width": 5})
    assert config.model["encoder"] == [["import", [f"{used}.nets:Encoder", {"width": 5}]]]
    assert config.plain()["plugins"] == [used]
    model = config.build_model()
    assert model(torch.rand(2, 1, 16, 16)).images.shape == (2, 1, 16, 16)
    network = model.encoder[0].network
    assert network.conv.weight.shape == (5, 1, 4, 4)
    assert (network.conv.weight == 0.5).all()  # as it has initialised itself
    assert Config.read_saved(config.plain()).plain() == config.plain()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"decoder": None}, "nets:Encoder cannot be transposed; give model.decoder too"),
        ({"decoder_params": {"latents": 4}}, r"cannot take shape \(3,\): .*:Decoder: RuntimeError"),
        (
            {"encoder_params": {"depth": 4}},
            "made with .*TypeError.*unexpected keyword arg.*'depth'",
        ),
        ({"encoder": "{}.nets:Merging"}, r"makes \(1, 16, 16\) of a batch of 2"),
        ({"encoder": "{}.nets:Decoder"}, r"cannot take shape \(1, 16, 16\): .*nets:Decoder: Runti"),
        ({"decoder": "{}.nets:Encoder"}, r"cannot take shape \(3,\): .*nets:Encoder: "),
        ({"encoder": "{}.nets:zeros"}, "nets:zeros: there is no class 'zeros' that is a Module"),
        ({"encoder": "{}.nots:Encoder"}, "nots:Encoder cannot be imported: ModuleNotFoundError"),
        ({"encoder": "os:system"}, "these settings need os, which nobody has named here"),
        ({"encoder": "os.system"}, "'os.system' is no import path, such as my_package.nets:Enc"),
        ({"encoder": [["flatten"]], "encoder_params": {}}, "goes with an import path"),
    ],
)
def test_modules_that_do_not_fit_are_refused_in_a_line(used, changed, message):
    filled = {key: value.format(used) if isinstance(value, str) else value
              for key, value in changed.items()}  # fmt: skip
    with pytest.raises(UsageError, match=message) as refused:
        read_imported(used, **filled)
    assert "\n" not in str(refused.value)


@pytest.fixture
def needing(tmp_path):
    """A folder of runs, of which one says that it needs a package; what it names is not there."""
    for run in ("1", "2"):
        shutil.copytree(EARLIER / "disent" / run, tmp_path / "sims" / "disent" / run)
    path = tmp_path / "sims" / "disent" / "1" / "config.json"
    content = json.loads(path.read_text())
    content["training"]["loss"] = {"name": "sparse", "params": {"penalty": 2}}
    content["dataset"]["name"] = "crosses"
    path.write_text(json.dumps(content | {"plugins": ["own_elsewhere"]}))
    return tmp_path / "sims"


def test_a_run_that_needs_a_plugin_is_listed_and_not_built(needing):
    runs = find_runs(needing).set_index("id")
    assert runs["status"].to_dict() == {"1": "NEEDS own_elsewhere", "2": "COMPLETED"}
    assert runs["scores.held_out.nll"].notna().all() and runs["problem"].isna().all()
    run = open_run(needing / "disent" / "1")
    for name in ("settings", "dataset", "split", "model"):
        with pytest.raises(DataFileError, match="needs own_elsewhere: give --plugin own_elsewhere"):
            getattr(run, name)
    with pytest.raises(UsageError, match="disent/1 needs own_elsewhere: give --plugin"):
        experiment.read({"resume": str(run.path)}, [])


def test_the_scores_of_a_run_that_needs_a_plugin_are_compared(needing):
    collection = find_collection(needing, 20, only=["mig"])
    runs = collection.table.set_index("run")
    assert collection.left_out == {}
    assert runs["label"]["disent/1"] == "sparse" and runs["dataset"]["disent/1"] == "crosses"
    assert runs["nll_held_out"].notna().all()
    assert runs["mig"].notna().to_dict() == {"disent/1": False, "disent/2": True}
    assert len(tabulate_cells(collection.table)) == 2


class Network(nn.Module):
    """What a notebook may define."""

    def __init__(self):
        super().__init__()
        self.down, self.up = nn.Linear(256, 6), nn.Linear(3, 256)

    def encode(self, images):
        return self.down(images.flatten(1)).chunk(2, dim=1)

    def decode(self, latents):
        return self.up(latents).view(-1, 1, 16, 16)


def fit(tmp_path, objective="vae", **given):
    torch.manual_seed(1)
    dataset = disentgen.build_dataset("crosses", variant="high")
    return disentgen.fit(Network(), dataset, objective, seed=1, threads=1, report=False,
                         **QUICK | given)  # fmt: skip


@pytest.fixture
def data(tmp_path, monkeypatch, used):
    monkeypatch.setenv("DISENTGEN_DATA", str(tmp_path))
    return tmp_path


def test_objects_are_trained_and_leave_runs_of_no_cell(data):
    first, second = (fit(data) for _ in range(2))
    control = disentgen.fit(
        Network(), {"name": "crosses", "variant": "high", "control": True}, seed=1, threads=1,
        report=False, **QUICK,
    )  # fmt: skip
    assert first.path == data / "sims" / "fit" / "1"
    assert {path.name for path in first.path.iterdir()} >= {
        "model.pt", "history.csv", "results.json", "reconstructions.png", "split.json",
    }  # fmt: skip
    assert first.results["scores"]["held_out"]["nll"] == second.results["scores"]["held_out"]["nll"]
    assert first.model.network.down.weight.shape == (6, 256)
    listed = find_runs()
    assert set(listed["status"]) == {"COMPLETED"}
    assert set(listed["model.name"]) == {"Network (not rebuildable)"}
    with pytest.raises(DataFileError, match="was an object of a program, and is not rebuildable"):
        open_run(first.path).load_model()
    collection = find_collection(only=["mig"])
    assert len(collection.table) == 3 and collection.table["cell"].nunique() == 3
    assert collection.table["gap_to_control"].isna().all()
    assert len(tabulate_cells(collection.table)) == 0
    for study in compare_studies(collection.table, collection.runs):
        assert study.strays["seeds"].tolist() == [1, 1, 1]
    assert control.obstacle is None and open_run(control.path).obstacle is not None


def test_an_objective_may_be_an_object(data):
    from disentgen.training.losses.base import Loss, kl_terms

    class Doubled(Loss):
        strength = 2

        def forward(self, output, target, step):
            cost, terms = self.judge(output, target)
            terms |= kl_terms(output)
            return {"loss": cost + 2 * terms["kl"], **terms}

    run = fit(data, Doubled())
    other = fit(data, {"name": "beta", "params": {"beta": 2}})
    assert run.history["train.loss"].tolist() == other.history["train.loss"].tolist()
    assert find_runs()["training.loss.name"].tolist() == ["Doubled", "beta"]
    assert find_collection(only=["mig"]).table["label"].tolist() == ["Doubled", "β-VAE 2"]


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (nn.Linear(2, 2), "an nn.Module with methods encode and decode; Linear has no encode"),
        ("Network", "an nn.Module with methods encode and decode; str has no encode"),
        (type("Odd", (Network,), {"encode": lambda self, images: images})(),
         r"Odd cannot take images of shape \(1, 16, 16\)"),
        (type("Odd", (Network,), {"decode": lambda self, latents: latents})(),
         r"decode makes \(2, 3\); expected: \(2, 1, 16, 16\)"),
    ],
)  # fmt: skip
def test_objects_that_cannot_be_trained_are_refused(data, model, message):
    with pytest.raises(UsageError, match=message):
        disentgen.fit(model, "crosses", seed=1)
    assert not (data / "sims").exists()


@pytest.mark.parametrize(
    "settings",
    [
        {"variant": "high", "validation": 0.3, "control": True},
        {
            "split": "coverage",
            "split_params": {"p": 0.5},
            "seed": 3,
            "factor_scale": "standardised",
        },
    ],
    ids=["variant", "family"],
)
def test_a_dataset_that_is_open_is_recorded_by_what_it_was_opened_by(data, settings):
    opened, section = fitting.open_dataset(disentgen.build_dataset("crosses", **settings))
    assert {key: section[key] for key in settings} == settings
    again = disentgen.build_dataset(**section)
    assert again.split.describe() == opened.split.describe()
    with pytest.raises(UsageError, match="a dataset of build_dataset is expected, or its sett"):
        fitting.open_dataset(replace(opened, settings={}))


def test_models_trained_elsewhere_are_judged_as_runs_are(data):
    run = fit(data, score_images=5_000)
    network = run.model.network

    def encode(images):
        return network.encode(images)[0].numpy()

    def decode(codes):
        return torch.sigmoid(network.decode(codes))

    judged = disentgen.evaluate(encode, run.dataset, decode, ["mig"], folder=data / "pictures")
    for side in ("train", "validation", "held_out"):
        expected = run.results["scores"][side]
        assert judged["scores"][side]["nll"] == pytest.approx(expected["nll"], rel=1e-5)
        assert judged["scores"][side]["nll_floor"] == pytest.approx(expected["nll_floor"])
    assert judged["metrics"]["mig"]["images"] == run.results["split"]["train"]["count"]
    assert [path.name for path in judged["pictures"]] == ["reconstructions.png"]
    alone = disentgen.evaluate(encode, "crosses", metrics=["mig"], images=50)
    assert alone["scores"] == {} and alone["metrics"]["mig"]["images"] == 50
    same = disentgen.evaluate(encode, run.dataset, network.decode, [], logits=True)
    nll = [scored["scores"]["held_out"]["nll"] for scored in (same, judged)]
    assert nll[0] == pytest.approx(nll[1], rel=1e-5)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"decode": lambda codes: 3 * codes}, r"decode makes shape \(\d+, 2\); expected: \(\d+, 1"),
        ({"decode": lambda codes: torch.full((len(codes), 1, 16, 16), 2.0)}, "pixels of 2 to 2; 0"),
        ({"encode": lambda images: images}, r"encode makes shape .*; expected: \(\d+, latents\)"),
        ({"metrics": ["mik"]}, "unknown metric 'mik'; .*Did you mean 'mig'"),
    ],
)
def test_functions_that_make_something_else_are_refused(data, given, message):
    encode = {"encode": lambda images: images.flatten(1)[:, :2]}
    with pytest.raises(UsageError, match=message):
        disentgen.evaluate(**{**encode, "dataset": "crosses", "metrics": ["mig"], **given})


@pytest.mark.ci
def test_nothing_is_looked_up_while_the_library_is_imported():
    program = (
        "import importlib, pkgutil, disentgen, disentgen.registry as registry\n"
        "def refuse(*given): raise SystemExit('something is looked up')\n"
        "registry.list_modules = refuse\n"
        "for module in pkgutil.walk_packages(disentgen.__path__, 'disentgen.'):\n"
        "    if not module.name.endswith('__main__'): importlib.import_module(module.name)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
