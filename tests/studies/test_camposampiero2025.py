"""The study of Camposampiero et al. 2025: its rows, its numbers, and what decides its claims."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from disentgen.analysis.tables import add_gaps, tabulate_cells
from disentgen.dataset.spec import find_spec
from disentgen.dataset.splitting import build_split
from disentgen.report.compare import (
    DEPARTURES,
    compare_cells,
    compare_with_study,
    format_comparison,
    format_result,
)
from disentgen.studies.camposampiero2025 import STUDY
from disentgen.studies.camposampiero2025.rows import FACTORS, NETWORKS
from disentgen.studies.protocols import load_protocols
from disentgen.studies.rows import Row
from disentgen.studies.verdicts import departures
from disentgen.studies.verdicts.published import describe_published, load_published
from experiments.sweep import main


def make_run(dataset, c, network, seed, held_out, train=0.99, control=False):
    """A run that follows the study, as the table of runs has it."""
    return {
        "run": f"supervised/{dataset}-{c}-{network}-{seed}-{control}", "experiment": "supervised",
        "family": "encoder", "dataset": dataset, "version": "", "source": "stand-in",
        "condition": "orthotopic", "variant": f"orthotopic_c{c}", "model": "supervised encoder",
        "parameters": "", "label": "supervised encoder", "architecture": network, "row": network,
        "protocol": "", "cell": f"{dataset}{c}{network}", "control": control, "seed": seed,
        "steps": 1_000, "nll_train": 0.1, "nll_held_out": 2.0, "floor_train": 0.0,
        "floor_held_out": 0.0, "excess_train": 0.1, "excess_held_out": 2.0,
        "excess_constant": np.nan, "disentanglement": np.nan, "metric_images": np.nan,
        "informativeness": np.nan, "side_difference": 1.9, "joint_accuracy_train": train,
        "joint_accuracy_held_out": held_out,
    }  # fmt: skip


def make_runs(dataset, accuracies, train=0.99, controls=None):
    """Three seeds of each rung and network."""
    rows = [
        make_run(dataset, c, network, seed, accuracy * (1 + 0.01 * seed), train)
        for (c, network), accuracy in accuracies.items()
        for seed in (1, 2, 3)
    ]
    rows += [
        make_run(dataset, c, network, seed, accuracy, control=True)
        for (c, network), accuracy in (controls or {}).items()
        for seed in (1, 2, 3)
    ]
    return add_gaps(pd.DataFrame(rows))


def judge(runs, number, dataset):
    verdicts = compare_with_study(runs, STUDY).verdicts
    chosen = verdicts[(verdicts["number"] == number) & (verdicts["dataset"] == dataset)]
    return chosen.iloc[0]


def test_rows_ask_for_the_factors_that_the_splits_are_about():
    for row, protocol in load_protocols(STUDY).items():
        spec = find_spec(row.dataset)
        variant = spec.variants[row.variant]
        heads = {key for key in protocol if key.startswith("model.heads.")}
        assert heads == {f"model.heads.{name}" for name in variant.split_params["thresholds"]}
        assert {protocol[key] for key in heads} == {"classes"}
        assert set(FACTORS[row.dataset]) == set(variant.split_params["thresholds"])
        images = int(build_split(spec, variant=row.variant, validation=0.1).mask("train").sum())
        size = 256 if row.model == "resnet18" else 1_024
        assert protocol["steps"] == 5 * (images // size)
        assert protocol["training.optimizer"] == "adamw" and protocol["training.lr"] == 1e-3


def test_networks_of_the_rows_differ_as_published():
    protocols = load_protocols(STUDY)
    ed, mlp, resnet = (
        protocols[Row("supervised", "dsprites", "orthotopic_c1", name)]
        for name in ("ed", "mlp", "resnet18")
    )
    assert (ed["model.separate"], ed["model.readout"], ed["model.nominal"]) == (
        True, "codebook", ["shape"],
    )  # fmt: skip
    assert [layer[1] for layer in mlp["model.encoder"] if layer[0] == "linear"] == [
        [units] for units in (90, 90, 90, 90, 45, 22)
    ]
    assert (resnet["model.separate"], resnet["model.readout"]) == (False, "linear")


@pytest.mark.parametrize(
    ("changed", "departure"), [({}, ""), ({"training.lr": 0.1}, "training.lr 0.1 (0.001)")]
)
def test_runs_are_of_the_row_of_their_network(changed, departure, monkeypatch):
    protocols = load_protocols(STUDY)
    row = Row("supervised", "dsprites", "orthotopic_c1", "ed")
    settings = {**protocols[row], **changed}
    steps = settings.pop("steps")
    monkeypatch.setattr(departures, "read_settings", lambda run: settings)
    record = {**make_run("dsprites", 1, "ed", 1, 0.5), "steps": steps}
    run = SimpleNamespace(family="encoder")
    assert departures.compare_with_rows(record, run, protocols) == ("ed", departure)
    other = {**record, "architecture": "kim"}
    assert departures.compare_with_rows(other, run, protocols) == ("", departures.NO_ROW)


def test_published_numbers_are_those_that_were_counted():
    table = load_published(STUDY).set_index(["dataset", "variant", "label"])
    accuracy = table["joint_accuracy_held_out"]
    assert len(accuracy) == 27
    assert accuracy["dsprites", "orthotopic_c1"].to_dict() == {
        "resnet18": 0.214, "densenet121": 0.393, "ed": 0.613, "mlp": 0.02,
    }  # fmt: skip
    ladder = [accuracy["mpi3d", f"orthotopic_c{c}", "resnet18"] for c in (1, 2, 3, 4, 5)]
    assert ladder == [0.416, 0.556, 0.95, 0.655, 0.96]
    assert not [name for name in table.index if name[1] == "orthotopic_c0"]


@pytest.mark.parametrize(
    ("number", "dataset", "range_"),
    [("1", "dsprites", "1.62 to 4.05"), ("2", "mpi3d", "1.70"), ("3", "mpi3d", "0.69"),
     ("0", "dsprites", "")],
)  # fmt: skip
def test_published_ranges_of_the_claims(number, dataset, range_):
    (claim,) = (c for c in STUDY.claims if (c.number, c.dataset) == (number, dataset))
    assert describe_published(claim, STUDY) == range_


def test_accuracy_that_rises_supports_the_claim_and_one_that_falls_does_not():
    rising = {(c, name): 0.3 * c for c in (1, 2) for name in NETWORKS}
    assert judge(make_runs("dsprites", rising), "1", "dsprites")["verdict"] == "supported"
    falling = {(c, name): 0.9 / c for c in (1, 2) for name in NETWORKS}
    verdict = judge(make_runs("dsprites", falling), "1", "dsprites")
    assert verdict["verdict"] == "not supported"
    assert verdict["estimate"] == pytest.approx(0.5)


@pytest.mark.parametrize(("ed", "verdict"), [(0.7, "supported"), (0.2, "not supported")])
def test_a_network_for_each_factor_beside_one_for_all(ed, verdict):
    runs = make_runs("shapes3d", {(1, "ed"): ed, (1, "resnet18"): 0.4})
    assert judge(runs, "2", "shapes3d")["verdict"] == verdict


def test_a_ladder_that_falls_is_not_monotone():
    runs = make_runs("mpi3d", {(3, "resnet18"): 0.9, (4, "resnet18"): 0.6})
    assert judge(runs, "3", "mpi3d")["verdict"] == "supported"


def test_no_runs_decide_a_claim_about_values_that_were_never_trained_on():
    runs = make_runs("dsprites", {(0, "resnet18"): 0.1, (1, "resnet18"): 0.4})
    verdict = judge(runs, "0", "dsprites")
    assert verdict["verdict"] == "undecided"
    assert "0 by construction: resnet18 (orthotopic_c0)" in verdict["missing"]
    assert "seeds" not in verdict["missing"]


def test_networks_that_have_not_learned_decide_nothing():
    runs = make_runs("dsprites", {(1, "ed"): 0.3, (1, "resnet18"): 0.1}, train=0.4)
    verdict = judge(runs, "2", "dsprites")
    assert verdict["verdict"] == "undecided"
    assert "train joint accuracy below a half: ed, resnet18" in verdict["missing"].replace(")", "")


def test_the_control_confirms_by_accuracy():
    accuracies = {(1, "ed"): 0.7, (1, "resnet18"): 0.4}
    same = judge(make_runs("dsprites", accuracies, controls=dict.fromkeys(accuracies, 0.9)),
                 "2", "dsprites")  # fmt: skip
    assert same["control"] == "confirmed by the control"
    # By what is left beside controls, neither network is better.
    alike = judge(make_runs("dsprites", accuracies, controls=accuracies), "2", "dsprites")
    assert alike["control"].startswith("not confirmed by the control")


def test_cells_stand_beside_published_ones_by_their_network():
    runs = make_runs("dsprites", {(1, "ed"): 0.5, (1, "resnet18"): 0.3})
    table = compare_cells(tabulate_cells(runs, DEPARTURES), STUDY)
    there = table[table["seeds"] > 0].set_index("model")
    assert there["published_joint_accuracy_held_out"].to_dict() == {"resnet18": 0.214, "ed": 0.613}
    assert there["joint_accuracy_held_out"]["ed"] == pytest.approx(0.51, abs=1e-3)
    text = format_comparison(table)
    assert "held-out joint accuracy" in text and "NLL" not in text
    assert "0.510 (0.613)" in text
    assert "no runs to decide" in format_result(compare_with_study(runs, STUDY))


def test_its_runs_are_planned_without_naming_it(capsys):
    main(["supervised", "--dry-run", "--dataset", "dsprites", "--model", "mlp"])
    first, *lines, _ = capsys.readouterr().out.splitlines()
    assert first == "supervised: Camposampiero et al. 2025: row (2) × seed (1): 2 cells"
    assert all("model.mlp" in line and "# published: half precision" in line for line in lines)
