"""Scores of runs in tables and curves, from records alone."""

import numpy as np
import pandas as pd
import pytest

from conftest import REPOSITORY
from disentgen.analysis.figures.curves import FIGURE
from disentgen.analysis.measure import Measurements
from disentgen.analysis.tables import tabulate_cells, tabulate_runs
from disentgen.runs import open_run


def make_run(seed, family="lgm", **scores):
    """An earlier run with other scores and another history."""
    name = "disent/1" if family == "lgm" else "decoders/1"
    run = open_run(REPOSITORY / "tests" / "fixtures" / "earlier_runs" / name)
    side = {"nll": 60.0, "nll_standard_error": 1.0, "nll_floor": 10.0, "images": 9, **scores}
    columns = ["epoch", "step", "train.nll", "train.kl", "validation.nll", "validation.kl"]
    found = {"train": side, "validation": None, "held_out": {**side, "nll": 90.0}}
    vars(run).update(
        results={**run.results, "epochs": 1, "parameters": 5, "scores": found},
        config={**run.config, "seed": seed},
        history=pd.DataFrame([[1, 5, 70.0, 4.0, 65.0, 3.0], [2, 10, 60.0, 5.0, 64.0, 4.0]],
                             columns=columns),
    )  # fmt: skip
    return run


def test_bounds_and_active_units_stand_in_tables():
    runs = tabulate_runs(
        [
            make_run(seed, elbo=elbo, iw_nll=70.0, active_units=units)
            for seed, elbo, units in ((1, -80.0, 6), (2, -84.0, 8))
        ]
    )
    assert runs["elbo_train"].tolist() == [-80, -84]
    assert runs["elbo_held_out"].tolist() == [-80, -84]
    assert runs["iw_nll_train"].tolist() == [70, 70]
    assert runs["active_units_train"].tolist() == [6, 8]
    assert runs["elbo_validation"].isna().all()
    (cell,) = tabulate_cells(runs).to_dict("records")
    assert cell["seeds"] == 2
    assert (cell["elbo_train"], cell["elbo_held_out"]) == pytest.approx((-((80 * 84) ** 0.5),) * 2)
    assert (cell["iw_nll_train"], cell["iw_nll_held_out"]) == pytest.approx((70, 70))
    assert cell["active_units_train"] == pytest.approx(48**0.5)


def test_runs_without_bounds_have_none_in_tables():
    runs = tabulate_runs([make_run(1)])
    for column in ("elbo_train", "iw_nll_held_out", "active_units_train"):
        assert np.isnan(runs[column].item())


SAMPLED = ["train, sampled latents, over the epoch", "validation, posterior mean"]
PLAIN = ["train, over the epoch", "validation"]


@pytest.mark.parametrize(("family", "nll"), [("lgm", SAMPLED), ("decoder", PLAIN)])
def test_curves_say_of_what_they_are(family, nll):
    run = make_run(1, family)
    panels = {axis.get_ylabel(): axis for axis in FIGURE.show(Measurements(run)).axes}
    legends = {
        name: [text.get_text() for text in axis.get_legend().get_texts()]
        for name, axis in panels.items()
    }
    assert legends == {"NLL, nats": nll, "KL, nats": PLAIN}
    for name, term, labels in (("NLL, nats", "nll", nll), ("KL, nats", "kl", PLAIN)):
        train, validation = panels[name].lines
        assert [train.get_label(), validation.get_label()] == labels
        assert train.get_ydata().tolist() == run.history[f"train.{term}"].tolist()
        assert validation.get_ydata().tolist() == run.history[f"validation.{term}"].tolist()
        assert train.get_xdata().tolist() == run.history["epoch"].tolist()
    assert [axis.get_yscale() for axis in panels.values()] == ["log", "linear"]
