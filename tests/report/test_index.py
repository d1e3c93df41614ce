"""The index: what its tables say, where they lead, what is said of runs that are in none."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from pages import CLAIM, Reader, build_tables, link_runs, render_index

from conftest import REPOSITORY
from disentgen.analysis.tables import interval
from disentgen.report.formatting import format_number
from disentgen.report.images import PagePicture
from disentgen.report.index import list_differences, list_repetitions
from disentgen.report.links import FROM_INDEX, FROM_RUN, INSIDE, Links, name_pages
from disentgen.report.run_page import list_relatives
from disentgen.report.tables import join_predictors
from disentgen.runs import open_run
from disentgen.studies.montero2021 import STUDY
from run_tables import make_runs

EARLIER = REPOSITORY / "tests" / "fixtures" / "earlier_runs"
HELD_OUT = {"recomb2element": 60.0, "recomb2range": 150.0}


@pytest.fixture(scope="module")
def tables():
    return build_tables(make_runs(HELD_OUT, control=60.0, floors=(1.0, 2.0)))


@pytest.fixture(scope="module")
def page(tables):
    return Reader(render_index(tables))


def test_runs_are_listed_with_their_scores_and_lead_to_their_pages(tables, page):
    rows = page.rows("runs")
    assert len(rows) == len(tables.runs)
    first, made = rows[0], tables.runs.iloc[0]
    assert first["run"] == made["run"]
    assert page.links[made["run"]] == f"runs/{made['run'].replace('/', '-')}.html"
    scores = {"NLL train": "nll_train", "NLL held-out": "nll_held_out",
              "excess held-out": "excess_held_out", "gap to control": "gap_to_control",
              "D": "disentanglement", "informativeness": "informativeness"}  # fmt: skip
    for heading, key in scores.items():
        assert float(first[heading]) == pytest.approx(made[key], rel=0.01), heading
    assert first["condition"] == "Recombination to element"
    assert [row["control"] for row in rows] == [
        "control" if control else "" for control in tables.runs["control"]
    ]  # fmt: skip
    assert first[f"beside {STUDY.title}"] == "follows it"


def test_cells_of_each_split_stand_apart_and_lead_to_their_runs(tables, page):
    for number, variant in enumerate(["leave1out", "shape2tx"]):
        rows = page.rows("cells", number)
        cells = tables.cells[tables.cells["variant"] == variant]
        assert len(rows) == len(cells) == 14
        own = next(row for row in rows if row["model"] == "VAE" and not row["control"])
        cell = cells[(cells["label"] == "VAE") & ~cells["control"]].iloc[0]
        assert own["seeds"] == "3"
        ends = [format_number(cell[f"nll_held_out{end}"]) for end in ("", "_low", "_high")]
        assert own["NLL held-out"] == f"{ends[0]}{ends[1]} to {ends[2]}"
        runs = tables.runs[(tables.runs["cell"] == cell["cell"]) & ~tables.runs["control"]]
        assert own["runs"] == ", ".join(runs["run"])


def test_informativeness_of_a_cell_is_a_mean_on_logits():
    runs = make_runs({"recomb2element": 60.0})
    values = {1: 0.1, 2: 0.5, 3: 0.7}
    tables = build_tables(runs.assign(informativeness=runs["seed"].map(values)))
    ends = interval(np.array(list(values.values())), "logit")
    mean, low, high = map(format_number, ends)
    for row in Reader(render_index(tables)).rows("cells"):
        assert row["informativeness"] == f"{mean}{low} to {high}"


def test_variants_of_one_condition_and_own_splits_have_sections_of_their_own():
    first = make_runs({"recomb2element": 60.0})
    heart = first.assign(variant="leave1out_heart", cell=first["cell"] + "h",
                         run=first["run"] + "h")  # fmt: skip
    own = [
        first.assign(condition="own", variant=words, cell=first["cell"] + words, run=first["run"]
                     + str(number), protocol="the study has no such cell")
        for number, words in enumerate(["posX > 0.5 & shape == 2", "scale <= 0.6"])
    ]  # fmt: skip
    page = Reader(render_index(build_tables(pd.concat([first, heart, *own]))))
    for number in range(4):
        assert len(page.rows("cells", number)) == 7
    text = "".join(data for data, _ in page.text)
    places = [
        text.index(heading)
        for heading in ("Recombination to element · leave1out\n",
                        "Recombination to element · leave1out_heart\n",
                        "Own split · posX > 0.5 & shape == 2\n", "Own split · scale <= 0.6\n")
    ]  # fmt: skip
    assert places == sorted(places)
    assert "half a turn" in text[places[0] : places[1]]
    assert "whole turn" in text[places[1] : places[2]]


def test_scores_that_are_missing_are_dashes():
    runs = make_runs({"recomb2element": 60.0}, seeds=(1,)).drop(columns=["informativeness"])
    runs.loc[0, ["nll_held_out", "excess_held_out", "disentanglement"]] = np.nan
    page = Reader(render_index(build_tables(runs)))
    first, second = page.rows("runs")[:2]
    for heading in ("NLL held-out", "excess held-out", "D", "informativeness", "gap to control"):
        assert first[heading] == "–"
    assert first["NLL train"] == "50"
    assert second["NLL held-out"] != "–" == second["informativeness"]
    cell = page.rows("cells")[0]
    assert cell["NLL held-out"] == cell["IW-NLL held-out"] == "–"
    assert cell["runs"] == runs["run"][0]


def test_claims_show_verdict_and_what_decides(tables):
    unknown = dict.fromkeys(("estimate", "low", "high"), np.nan)
    undecided = CLAIM | unknown | {"number": "1", "verdict": "undecided",
                                   "missing": "no run: VAE (leave1out)"}  # fmt: skip
    against = CLAIM | {"number": "2", "verdict": "not supported", "note": "half a turn"}
    text = render_index(build_tables(tables.runs, [CLAIM, undecided, against]))
    rows = Reader(text).rows("claims")
    assert [row["verdict"] for row in rows] == ["supported", "undecided", "not supported"]
    assert rows[0]["claim"] == "7a perfect factors are not enough"
    shown = [rows[0][name] for name in ("estimate", "from", "to", "confidence", "n", "bound")]
    assert shown == ["2.5", "2", "3", "0.95", "3", "1.1"]
    assert (rows[1]["missing"], rows[1]["estimate"]) == ("no run: VAE (leave1out)", "–")
    assert rows[2]["notes"] == "noteshalf a turn"
    assert 'title="a tenth is noise"' in text
    for kind in ("supported", "open", "not"):
        assert f'class="text {kind}"' in text


def test_comparison_stands_beside_published_scores(tables, page):
    rows = page.rows("comparison")
    assert len(rows) == 14
    compared = tables.results[0].cells.query("seeds > 0").to_dict("records")
    for row, made in zip(rows, compared, strict=True):
        assert (row["variant"], row["model"]) == (made["variant"], made["model"])
        ratio = made["nll_train"] / made["published_nll_train"]
        assert float(row["ratio"]) == pytest.approx(
            made["disentanglement"] / made["published_disentanglement"], rel=0.01
        )  # of the last of the three
        assert made["nll_train_over_published"] == pytest.approx(ratio)
        runs = tables.runs[(tables.runs["cell"] == made["cell"]) & ~tables.runs["control"]]
        assert row["runs"] == ", ".join(runs["run"])
    assert "No run is of a published cell" in render_index(
        build_tables(make_runs(HELD_OUT).assign(variant="other"))
    )


def test_runs_of_another_protocol_are_listed_with_what_differs(tables):
    runs = tables.runs.assign(protocol=["epochs 1 (30)", *[""] * (len(tables.runs) - 1)])
    page = Reader(render_index(build_tables(runs)))
    (row,) = page.rows("claims", 1)
    assert (row["runs"], row["protocol differs"]) == (runs["run"][0], "epochs 1 (30)")
    assert page.rows("runs")[0][f"beside {STUDY.title}"] == "protocol differsepochs 1 (30)"


def test_runs_in_no_table_are_named_with_the_reason(tables):
    page = render_index(
        tables, left_out={"/sims/disent/7": "model.json is damaged <b>"},
        repeated=[("disent/8", "runs/disent-8.html")],
    )  # fmt: skip
    assert "<li>/sims/disent/7: model.json is damaged &lt;b&gt;</li>" in page
    assert Reader(page).links["disent/8"] == "runs/disent-8.html"
    assert "Left out" not in render_index(tables)


def test_figures_stand_with_captions_other_formats_and_reasons(tables):
    shown = PagePicture("a.png", "NLL of 3 seeds.", "a.png", formats=[("SVG", "a.svg")])
    broken = PagePicture("b.png", "Others.", problem="it cannot be read: cut off")
    page = render_index(tables, figures=[shown, broken])
    assert '<img src="a.png" alt="NLL of 3 seeds."' in page
    assert page.count("<img ") == 1
    assert "b.png: it cannot be read: cut off." in page
    assert Reader(page).links["SVG"] == "a.svg"


def test_pages_need_no_network(tables):
    page = render_index(tables)
    assert "http:" not in page
    assert "https:" not in page
    assert "@import" not in page
    assert "<script>" in page


def test_settings_that_differ_are_listed_by_name_and_value():
    names = ["disent/1", "disent/2", "disent/beta-4", "disent/batch-16", "disent/vae-control"]
    runs = {name: open_run(EARLIER / name) for name in names}
    differences = list_differences(runs.values())
    text = {name: differences[str(run.path)] for name, run in runs.items()}
    # Seed and control have columns of their own.
    plain = "training.loss.name=vae, training.batch_size=64"
    assert text["disent/1"] == text["disent/2"] == text["disent/vae-control"] == plain
    assert text["disent/beta-4"] == (
        "training.loss.name=beta, training.batch_size=64, training.loss.params.beta=4.0"
    )
    assert text["disent/batch-16"] == "training.loss.name=vae, training.batch_size=16"
    rates = [runs["disent/1"], runs["disent/batch-16"], open_run(EARLIER / "disent" / "other-rate")]
    assert list(list_differences(rates).values()) == [
        "training.batch_size=64, training.lr=0.0001",
        "training.batch_size=16, training.lr=0.0001",
        "training.batch_size=64, training.lr=0.001",
    ]
    alone = [runs["disent/1"], runs["disent/2"]]
    assert set(list_differences(alone).values()) == {""}


def test_pages_of_runs_have_names_of_their_own():
    runs = [
        SimpleNamespace(experiment="disent", id=name, path=f"{folder}/{name}")
        for folder, name in (("/a", "1"), ("/a", "2"), ("/b", "1"), ("/b", "a b#ü"))
    ]
    assert name_pages(runs) == {
        "/a/1": "disent-1", "/a/2": "disent-2", "/b/1": "disent-1-2", "/b/a b#ü": "disent-a_b_ü"
    }  # fmt: skip


def test_addresses_are_those_of_the_page_that_links():
    names = {"/a": "disent-1", "/b": "disent-ü"}
    assert Links(names, FROM_RUN)("/a") == "disent-1.html"
    assert Links(names, INSIDE)("/a") == "#run-disent-1"
    assert Links(names, FROM_INDEX)("/b") == "runs/disent-%C3%BC.html"


def test_repeated_runs_are_those_that_no_table_has(tables):
    runs = [open_run(EARLIER / name) for name in ("disent/1", "disent/2")]
    links = Links(name_pages(runs), FROM_RUN)
    table = pd.DataFrame({"path": [str(runs[1].path)]})
    assert list_repetitions(runs, table, links) == [("disent/1", "disent-1.html")]


def test_a_run_leads_to_its_cell_and_its_control(tables):
    links, runs = link_runs(tables, FROM_RUN), tables.runs
    own = runs[(runs["label"] == "β-VAE 8") & (runs["variant"] == "shape2tx")]
    first = own[~own["control"]].iloc[0]
    relatives = list_relatives(first["path"], runs, links)
    others = own[~own["control"] & (own["seed"] != first["seed"])]["run"]
    assert [name for name, _ in relatives["Other runs of this cell"]] == list(others)
    assert [name for name, _ in relatives["Control"]] == [first["control_run"]]
    assert relatives["Control"][0][1] == f"{first['control_run'].replace('/', '-')}.html"
    control = own[own["control"]].iloc[0]
    assert "Control" not in list_relatives(control["path"], runs, links)


def test_scores_as_predictors_of_the_gap_stand_with_intervals_and_what_was_tried():
    made = make_runs(HELD_OUT, control=60.0)
    rng = np.random.default_rng(1)
    runs = made.assign(steps=1_000, mig=rng.uniform(0.1, 0.9, len(made)))
    tables = build_tables(runs)
    page = Reader(render_index(tables))
    combined, strata = page.rows("predictors"), page.rows("predictors", 1)
    found = tables.predictors["stand-in"]
    rows = {row["score"]: row for row in combined}
    known = found.combined.set_index("title")
    assert list(rows) == list(known.index)
    for title in ("MIG", "DCI disentanglement (lasso)"):
        for heading, key in (("ρ with gap", "rho"), ("p", "p"), ("p, Holm", "p_holm")):
            assert rows[title][heading] == format_number(float(known.loc[title, key]))
        assert [rows[title][name] for name in ("scores tried", "strata", "cells")] == [
            "2", "2", "12"
        ]  # fmt: skip
    assert rows["informativeness (lasso)"]["p"] == "–"  # all runs have the same
    own = [row for row in strata if row["score"] == "MIG"]
    made = found.strata[found.strata["score"] == "mig"]
    assert [row["ρ with gap"] for row in own] == [
        f"{format_number(rho)}{format_number(low)} to {format_number(high)}"
        for rho, low, high in made[["rho", "rho_low", "rho_high"]].to_numpy()
    ]
    assert [row["variant"] for row in own] == ["leave1out", "shape2tx"]
    assert [row["objectives"] for row in own] == ["3", "3"]
    assert [row["layers"] for row in own] == ["kim", "kim"]
    text = "".join(data for data, _ in page.text)
    assert "Rendered stand-in images" in text
    assert "Runs: 36; left out: in strata of fewer than 6 cells: 6." in text


def test_too_few_cells_have_no_correlation_and_the_page_says_what_is_missing(page):
    with pytest.raises(IndexError):
        page.rows("predictors")
    text = "".join(data for data, _ in page.text)
    assert "No correlation: there must be 6 cells or more with controls in one dataset" in text
    assert "the largest has 0" in text
    assert "trained for fewer than 100 steps: 42" in text


def test_predictors_of_both_sources_stand_apart_in_files_too(tmp_path):
    made = make_runs(HELD_OUT, control=60.0).assign(steps=1_000)
    few = made[made["condition"] == "recomb2range"].assign(source="original", steps=10)
    runs = pd.concat([made, few.assign(cell=few["cell"] + "o", run=few["run"] + "o")])
    tables = build_tables(runs.reset_index(drop=True))
    files = join_predictors(tables.predictors)
    assert set(files) == {"predictors", "predictors_by_stratum"}
    assert set(files["predictors"]["source"]) == {"original", "stand-in"}
    assert set(files["predictors_by_stratum"]["source"]) == {"stand-in"}
    text = "".join(data for data, _ in Reader(render_index(tables)).text)
    assert text.index("Original images\n") < text.index("Rendered stand-in images\n")
