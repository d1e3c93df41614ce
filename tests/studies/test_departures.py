"""Which runs follow the study's rows, and what is said of all others."""

import pytest

from conftest import REPOSITORY
from disentgen.analysis.cells import read_settings
from disentgen.analysis.tables import steps_of, tabulate_runs
from disentgen.runs import open_run
from disentgen.studies.montero2021 import STUDY
from disentgen.studies.protocols import format_packed, load_protocols, pack
from disentgen.studies.rows import Entry, Row
from disentgen.studies.study import Study
from disentgen.studies.verdicts.departures import (
    NO_ROW,
    PARAMETERS,
    add_protocols,
    list_differences,
)

EARLIER = REPOSITORY / "tests" / "fixtures" / "earlier_runs"
VAE = load_protocols(STUDY)[Row("disent", "dsprites", "shape2tx", "VAE")]
STEPS = VAE["steps"]


def settings_of(**changes):
    """Settings of a run of the VAE's row, as cells read them; ``__`` stands for a dot."""
    row = {key: value for key, value in VAE.items() if key != "steps"}
    own = {key.replace("__", "."): value for key, value in changes.items()}
    return row | {"dataset.source": "stand-in"} | own


def test_a_run_of_the_row_differs_in_nothing():
    assert list_differences(settings_of(), VAE, STEPS) == []


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"training__lr": 1e-3}, "training.lr 0.001 (0.0001)"),
        ({"training__epochs": 1}, "training.epochs 1 (30)"),
        ({"training__precision": "bf16"}, "training.precision bf16 (fp32)"),
        ({"training__loss__reconstruction": "mse"}, "training.loss.reconstruction mse (bce)"),
        ({"training__early_stopping": 3}, "training.early_stopping 3 (None)"),
        ({"model__latent_size": 50}, "model.latent_size 50 (10)"),
        ({"model__encoder": [["flatten"]]}, "model.encoder not the study's"),
        ({"training__newly_made": 0}, "training.newly_made 0 (None)"),
        ({"training__newly_made": True}, "training.newly_made True (None)"),
        ({"training__newly_made": 1_000}, "training.newly_made 1,000 (None)"),
        ({"training__newly_made": {"a": 1}}, "training.newly_made not the study's"),
        ({"split__held_out": "0a1b"}, "split.held_out not the study's"),
        ({"training__lr": [1, 2]}, "training.lr not the study's"),
    ],
)
def test_every_setting_that_tells_cells_apart_is_another_protocol(changes, found):
    assert list_differences(settings_of(**changes), VAE, STEPS) == [found]


def test_keys_that_a_side_lacks_mean_what_was_in_force_before_they_came_in():
    key = "training.select"
    lacking = {name: value for name, value in VAE.items() if name != key}
    settings = settings_of()
    assert list_differences(settings, lacking, STEPS) == []
    assert settings.pop(key) == "best"
    assert list_differences(settings, VAE, STEPS) == []
    assert list_differences(settings, VAE | {key: "last"}, STEPS) == [f"{key} best (last)"]


@pytest.mark.parametrize("key", sorted(set(VAE) - {"steps"}))
def test_no_setting_of_a_row_is_overlooked(key):
    changed = settings_of(**{key.replace(".", "__"): "other"})
    assert [text.split()[0] for text in list_differences(changed, VAE, STEPS)] == [key]


def test_differences_stand_in_the_order_of_the_row_and_empty_sections_are_none():
    keys = [key for key in VAE if not key.startswith(("split.", "model."))]
    changed = settings_of(**{keys[1].replace(".", "__"): "b", keys[0].replace(".", "__"): "a"})
    texts = list_differences(changed | {"training.own": {}}, VAE | {"training.other": {}}, STEPS)
    assert texts == [f"{key} {value} ({VAE[key]})" for key, value in zip(keys, "ab", strict=False)]
    assert list_differences(changed | {"training.own": 1}, VAE, STEPS)[2:] == [
        "training.own 1 (None)"
    ]


def test_steps_are_those_that_were_done():
    assert list_differences(settings_of(), VAE, 2) == [f"steps 2 ({STEPS:,})"]
    assert list_differences(settings_of(), VAE, STEPS - 1) == [f"steps {STEPS - 1:,} ({STEPS:,})"]


def unit_beta(beta, **more):
    settings = settings_of(training__loss__name="beta")
    del settings["training.loss.params"]
    return settings | {"training.loss.params.beta": beta} | more


def test_a_beta_vae_of_beta_1_is_a_vae():
    for beta in (1, 1.0):
        assert list_differences(unit_beta(beta), VAE, STEPS) == []
    none = {"training.loss.params.schedule": None}
    assert list_differences(unit_beta(1, **none), VAE, STEPS) == []
    assert len(list_differences(unit_beta(4), VAE, STEPS)) == 2
    scheduled = {"training.loss.params.schedule.start": 0.0}
    assert len(list_differences(unit_beta(1, **scheduled), VAE, STEPS)) == 3
    # Nor is another objective's β, or a β-VAE's that is not known, taken for it.
    assert len(list_differences(settings_of() | {f"{PARAMETERS}.beta": 1}, VAE, STEPS)) == 1
    assert len(list_differences(settings_of(training__loss__name="beta"), VAE, STEPS)) == 1


def protocol_of(run):
    """A row that a run follows."""
    return read_settings(run) | {"steps": steps_of(run)}


@pytest.fixture
def compare(tmp_path):
    """Runs beside a study of some protocols: row and departures by run."""

    def compare(runs, protocols):
        file = tmp_path / "protocols.json"
        file.write_text(format_packed(pack(protocols)), encoding="utf-8")
        study = Study("s", "S", "S.", "", dict.fromkeys(protocols, Entry(())), file)
        table = add_protocols(tabulate_runs(runs), runs, study)
        return table.set_index("run")[["row", "protocol"]]

    return compare


def test_runs_are_marked_in_the_table(compare):
    runs = [open_run(EARLIER / "disent" / name) for name in
            ("beta-4", "beta-10", "other-rate", "vae-control", "vae-name")]  # fmt: skip
    beta, _, _, control, _ = runs
    protocols = {
        Row("disent", "dsprites", "shape2tx", "β-VAE 4"): protocol_of(beta),
        Row("disent", "dsprites", "shape2tx", "VAE"): protocol_of(control),
    }
    table = compare(runs, protocols)
    assert table["row"].to_dict() == {
        "disent/beta-4": "β-VAE 4", "disent/beta-10": "", "disent/other-rate": "VAE",
        "disent/vae-control": "VAE", "disent/vae-name": "VAE",
    }  # fmt: skip
    departures = table["protocol"]
    assert not departures[["disent/beta-4", "disent/vae-control", "disent/vae-name"]].any()
    assert departures["disent/beta-10"] == NO_ROW == "the study has no such cell"
    assert departures["disent/other-rate"].startswith("training.lr ")
    shorter = protocols | {Row("disent", "dsprites", "shape2tx", "VAE"): protocol_of(control)
                           | {"steps": 7, "training.batch_size": 9}}  # fmt: skip
    both = compare(runs[3:4], shorter)["protocol"].item()
    size, steps = control.config["training"]["batch_size"], steps_of(control)
    assert both == f"steps {steps} (7); training.batch_size {size} (9)"


def test_composers_are_known_by_their_family(compare):
    composer = open_run(EARLIER / "composition" / "mlp")
    protocol = protocol_of(composer)
    (variant,) = tabulate_runs([composer])["variant"]
    for experiment, row, departure in (("disent", "", NO_ROW), ("composition", "composer", "")):
        place = Row(experiment, composer.dataset.spec.name, variant, "composer")
        assert compare([composer], {place: protocol}).to_numpy().tolist() == [[row, departure]]
    beside = add_protocols(tabulate_runs([composer]), [composer], STUDY)
    assert beside["protocol"].item().count(" (") > 1
