"""From runs to the report, through the command line, and the page in a real browser."""

import json
import re
import shutil
from functools import partial

import numpy as np
import pandas as pd
import pytest

from disentgen.analysis.collect import find_collection
from disentgen.analysis.metrics import load_metrics
from disentgen.analysis.results_table import tabulate_metrics
from disentgen.runs import open_run
from processes import call_module


@pytest.fixture
def call(environment):
    """Run a module in the data folder."""
    return partial(call_module, environment)


def test_tables_hold_every_run(report):
    runs = pd.read_csv(report / "runs.csv")
    assert set(runs["run"]) == {"disent/1", "decoders/1", "supervised/1"}
    assert (runs["source"] == "stand-in").all()
    by_run = runs.set_index("run")
    excess = by_run["nll_held_out"] - by_run["floor_held_out"]
    assert excess["decoders/1"] == pytest.approx(by_run["excess_held_out"]["decoders/1"], rel=1e-3)
    assert by_run["floor_held_out"]["decoders/1"] > 100
    assert by_run["disentanglement"]["decoders/1"] == 1
    scores = open_run(report.parents[1] / "sims" / "disent" / "1").results["scores"]["train"]
    for key in ("elbo", "iw_nll", "active_units"):
        assert by_run[f"{key}_train"]["disent/1"] == pytest.approx(scores[key], rel=1e-4)
        assert np.isnan(by_run[f"{key}_train"]["decoders/1"])
    # Quality is of images that were scored: 100 of the VAE, 32 of the decoder.
    assert by_run["psnr_held_out"].notna().tolist() == [name[0] == "d" for name in by_run.index]
    assert by_run["ssim_validation"].drop("supervised/1").between(-1, 1).all()
    cells = pd.read_csv(report / "cells.csv")
    assert {"psnr_held_out_low", "ssim_validation_high", "udr_low"} <= set(cells)
    metrics = pd.read_csv(report / "metrics.csv")
    quality = metrics[metrics["metric"] == "image_quality_held_out"].set_index("run")["images"]
    assert (quality["disent/1"] == 128).all()
    assert (quality["decoders/1"] == 32).all()
    assert {"dci_lasso", "dci_trees", "mig", "sap", "irs", "higgins", "factor_vae",
            "modularity"} <= set(metrics["metric"])  # fmt: skip
    for name in ("cells", "comparison"):
        assert "rendered stand-in" in (report / f"{name}.tex").read_text()


def test_runs_stand_beside_their_controls_and_other_seeds(trained, tmp_path, monkeypatch):
    """Of the folder that all tests share: seeds 1 and 2, a control, and other experiments."""
    monkeypatch.setenv("DISENTGEN_DATA", str(tmp_path))
    shutil.copytree(trained / "sims", tmp_path / "sims")
    collection = find_collection(images=200, only=["udr"])
    by_run = collection.table.set_index("run")
    gap = by_run["nll_held_out"]["disent/1"] - by_run["nll_held_out"]["disent/3"]
    assert by_run["gap_to_control"]["disent/1"] == pytest.approx(gap, abs=0.02)
    assert by_run["control_run"]["disent/1"] == "disent/3"
    # UDR is of runs that differ in their seed alone.
    ranked = ["disent/1", "disent/2"]
    assert by_run["udr"][ranked].between(0, 1).all()
    assert by_run["udr"].drop(ranked).isna().all()
    metrics = tabulate_metrics(collection.measured, collection.bounds)
    assert set(metrics[metrics["metric"] == "udr"]["run"]) == set(ranked)


def test_metrics_stand_beside_ceiling_floor_and_number_of_images(report):
    metrics = pd.read_csv(report / "metrics.csv")
    metrics = metrics[metrics["metric"].isin(load_metrics("codes", "sampler"))]
    assert (metrics["images"] == 200).all()
    scores = metrics[metrics["place"].isna()].set_index(["run", "metric", "part"])
    for _, row in scores.loc["disent/1"].query("metric in ['mig', 'sap', 'higgins']").iterrows():
        if pd.notna(row["ceiling"]):
            assert 0 <= row["floor"] < row["ceiling"] <= 1
    known = scores["ceiling"].dropna().loc["disent/1"]
    assert set(known.index.get_level_values("metric")) == set(metrics["metric"])
    assert known["mig", "score"] > 0.5
    kept = (report.parent / "metric_bounds").glob("*.json")
    # The supervised encoder has five codes on another split; decoders have none.
    assert sorted(path.name.rpartition("-")[0] for path in kept) == [
        "dsprites-factors", "dsprites-factors", "dsprites-noise-10", "dsprites-noise-5"
    ]  # fmt: skip


def test_informativeness_stands_beside_disentanglement(report):
    runs = pd.read_csv(report / "runs.csv").set_index("run")
    metrics = (
        pd.read_csv(report / "metrics.csv")
        .set_index(["metric", "part", "run"])["value"]
        .sort_index()
    )
    found = metrics["dci_lasso", "informativeness"]
    for name, value in found.items():
        assert runs["informativeness"][name] == pytest.approx(value, rel=1e-4)
    assert runs["informativeness"]["decoders/1"] == 1
    assert (runs["metric_images"].drop("decoders/1") == 200).all()
    assert "informativeness" in pd.read_csv(report / "comparison.csv")
    # Of runs, of the cells of three splits, of published cells; the first is marked as a term.
    page = (report / "index.html").read_text()
    assert len(re.findall("informativeness(?:</abbr>)?</button>", page)) == 5


def test_figures_and_pages_are_there(report):
    page = (report / "index.html").read_text()
    for name in ("generalisation-dsprites-stand-in.png", "scores-shapes3d-stand-in.png"):
        assert (report / name).stat().st_size > 10_000
        assert f'<img src="{name}"' in page
    assert "Rendered" in page.partition("</p>")[0]
    marks = re.findall(r'<a href="(.*?)" title="(.*?)" style=', page)
    assert {name for _, name in marks} == {"disent/1", "decoders/1"}  # the others make images
    assert all((report / address).is_file() for address, _ in marks)
    run = open_run(report.parents[1] / "sims" / "disent" / "1")
    pictures = {path.name for path in (run.path / "analysis" / "images_200").iterdir()}
    assert {"curves.png", "errors.png", "traversals.gif", "importances.png", "placement.png",
            "reconstructions.png"} <= pictures  # fmt: skip
    assert (run.path / "analysis" / "metrics.json").is_file()
    pages = {path.stem: path.read_text() for path in (report / "runs").glob("*.html")}
    assert set(pages) == {"disent-1", "decoders-1", "supervised-1"}
    for text in [page, *pages.values()]:
        assert not re.search(r"(src|href)=[\"']?https?:", text)
    assert "experiments.disent with dataset.dsprites dataset.variant=shape2tx" in pages["disent-1"]
    line = r"identical to a training image: 2,\d+ of 36,574 validation images"
    assert [name for name in pages if re.search(line, pages[name])] == ["supervised-1"]
    note = "ellipses look the same after half a turn"
    assert [name for name in pages if note in pages[name]] == ["supervised-1"]
    check_scores(pages["disent-1"], run.results["scores"]["train"])


def check_scores(page, scores):
    """Scores of training images stand in a page under their headings."""
    row = re.search(r'<td class="text">train</td>(.*?)</tr>', page, re.S)
    cells = re.findall(r"<td>(.*?)</td>", row[1])
    known = scores | {"excess": scores["nll"] - scores["nll_floor"], "elbo": -scores["elbo"]}
    keys = ("nll", "nll_standard_error", "nll_floor", "excess", "kl", "active_units", "images",
            "elbo", "elbo_standard_error", "iw_nll", "iw_nll_standard_error", "samples",
            "sampled_images")  # fmt: skip
    for key, cell in zip(keys, cells, strict=True):
        assert float(cell.replace(",", "")) == pytest.approx(known[key], rel=0.01)


@pytest.mark.ci
def test_a_second_report_measures_nothing_anew(call, reported):
    """Nor does it convert pictures again; in one file, all pages and pictures are inside."""
    run = reported / "sims" / "disent" / "1" / "analysis"
    before = {path.name: path.stat().st_mtime_ns for path in run.rglob("*.*")}
    kept = json.loads((run / "metrics.json").read_text())
    del kept["measured"]["mig"]
    (run / "metrics.json").write_text(json.dumps(kept))
    out = reported / "results" / "single"
    words = ("--single-file", "--output", str(out))
    call("analysis.report", "--images", "200", "--jobs", "1", *words)
    after = {path.name: path.stat().st_mtime_ns for path in run.rglob("*.*")}
    changed = {name for name in after if after[name] != before[name]}
    assert changed <= {"metrics.json", "pictures.json"}
    assert "mig" in json.loads((run / "metrics.json").read_text())["measured"]
    page = (out / "report.html").read_text()
    assert re.findall(r'class="inside" id="(.*?)"', page) == [
        "run-decoders-1", "run-disent-1", "run-supervised-1"
    ]  # fmt: skip
    assert '<a href="#run-disent-1">disent/1</a>' in page
    assert set(re.findall(r'<img src="(.{23})', page)) == {"data:image/webp;base64,"}
    assert not (out / "index.html").exists()


def test_compare_prints_published_values_and_claims(call, reported):
    done = call("analysis.compare", "--images", "200", "--jobs", "1")
    assert "recombination to range fails" in done.stdout
    assert re.search(r" D +inform\.\n", done.stdout)
    assert "(2188.8)" not in done.stdout  # no run of that cell
    claims = pd.read_csv(reported / "results" / "compare" / "claims.csv", dtype={"number": str})
    assert set(claims["verdict"]) == {"undecided"}
    assert claims["missing"].notna().all()


def copy_run(run, target, **changes):
    """A copy of a run whose configuration says something else."""
    shutil.copytree(run, target)
    config = json.loads((target / "config.json").read_text())
    config["dataset"].update(changes.pop("dataset", {}))
    (target / "config.json").write_text(json.dumps(config | changes))


@pytest.mark.ci
def test_runs_of_two_iterations_decide_nothing_and_say_why(call, data):
    words = ("dataset.dsprites", "model.burgess_v2", "training.vae", "training.epochs=1",
             "training.epoch_length=2", "training.validation_images=64",
             "training.score_images=100", "threads=1")  # fmt: skip
    for variant in ("leave1out", "shape2tx"):
        call("experiments.disent", "with", *words, f"dataset.variant={variant}", "seed=1")
    runs = data / "sims" / "disent"
    for seed in (2, 3):
        copy_run(runs / "1", runs / f"seed-{seed}", seed=seed)
    done = call("analysis.compare", "--images", "200", "--jobs", "1")
    claims = pd.read_csv(data / "results" / "compare" / "claims.csv", dtype={"number": str})
    assert set(claims["verdict"]) == {"undecided"}
    assert claims["estimate"].isna().all()
    element = claims[(claims["number"] == "1")]["missing"].item()
    assert "only runs of another protocol: VAE (leave1out)" in element
    assert "no run: β-VAE 8, β-VAE 12, FactorVAE 20, FactorVAE 50, FactorVAE 100" in element
    order = claims[(claims["number"] == "5") & (claims["dataset"] == "dsprites")]["missing"].item()
    assert "VAE, β-VAE 8, β-VAE 12, FactorVAE 20, FactorVAE 50, FactorVAE 100" in order
    assert element in done.stdout
    strays = done.stdout.partition("protocol differs")[2]
    for text in ("training.epochs 1 (30)", "steps 2 (325,710)", "(3 seeds)"):
        assert text in strays


def damage(path, name):
    if name == "results.json":
        path.write_text("{}")
    elif name == "config.json":
        path.write_bytes(path.read_bytes()[:100])
    elif name == "model.pt":
        path.write_bytes(b"PK\x03\x04 and no more")
    else:
        path.unlink()


@pytest.mark.ci
def test_damaged_runs_are_left_out_and_named(call, reported, tmp_path):
    sims = reported / "sims"
    root = tmp_path / "damaged"
    sources = {"config.json": "decoders/1", "model.json": "disent/1", "history.csv": "disent/1",
               "results.json": "disent/1", "model.pt": "decoders/1"}  # fmt: skip
    for name, run in sources.items():
        folder = root / run.split("/")[0] / name.replace(".", "-")
        shutil.copytree(sims / run, folder)
        shutil.rmtree(folder / "analysis")
        damage(folder / name, name)
    words = ("--root", str(root), "--images", "200", "--jobs", "1", "--output")
    done = call("analysis.report", *words, str(tmp_path / "out"), status=1)
    assert "Traceback" not in done.stderr
    assert "no run is left" in done.stderr or "is finished" in done.stderr
    shutil.copytree(sims / "disent" / "1", root / "disent" / "1")
    (root / "disent" / "1" / "analysis" / "errors.npz").write_bytes(b"PK\x03\x04")
    done = call("analysis.report", *words, str(tmp_path / "out"))
    assert "1 runs: " in done.stdout
    assert done.stderr.count("left out: ") == len(sources)
    for name in sources:
        assert re.search(rf"left out: .*/{name.replace('.', '-')}: ", done.stderr), name


def test_runs_with_nothing_held_out_are_told_without_claims(call, reported, tmp_path):
    run = reported / "sims" / "disent" / "1"
    for name, change in (
        ("results.json", lambda kept: kept["scores"].update(held_out=None)),
        ("results.json", lambda kept: kept.pop("split")),
        ("config.json", lambda kept: kept["dataset"].update(variant=None, condition=None)),
    ):
        path = run / name
        kept = json.loads(path.read_text())
        change(kept)
        path.write_text(json.dumps(kept))
    (run / "split.json").unlink()
    done = call("analysis.compare", "--experiment", "disent", "--images", "200", "--jobs", "1",
                "--output", str(tmp_path / "out"))  # fmt: skip
    assert "no runs to decide: 1, 2, 3, 4, 5, 6, 7a, 7b, 8" in done.stdout
    assert "the study has no such cell" in done.stdout


@pytest.mark.ci
def test_options_choose_the_runs_of_a_report(call, reported, tmp_path):
    run, root = reported / "sims" / "disent" / "1", tmp_path / "sims"
    copy_run(run, root / "disent" / "1")
    copy_run(run, root / "disent" / "2", dataset={"control": True})
    copy_run(run, root / "disent" / "3", seed=2)
    copy_run(reported / "sims" / "supervised" / "1", root / "supervised" / "1")
    words = ("--images", "200", "--jobs", "1", "--output", str(tmp_path), "--experiment", "disent",
             "--root", str(root))  # fmt: skip
    call("analysis.compare", *words, "--where", "dataset.control=True")
    assert not (tmp_path / "runs.csv").exists()
    done = call("analysis.report", *words, "--where", "seed=1,3")
    assert "2 runs: " in done.stdout
    assert set(pd.read_csv(tmp_path / "runs.csv")["run"]) == {"disent/1", "disent/2"}
    done = call("analysis.report", *words, "--where", "sede=1", status=1)
    assert "have no 'sede'. Did you mean 'seed'?" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_runs_end_in_a_line(call, tmp_path):
    done = call("analysis.report", "--root", str(tmp_path), status=1)
    assert "no runs below" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def browser():
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("no Chromium with its driver (Debian: chromium, chromium-driver)")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for word in ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
                 "--window-size=1400,1000"):  # fmt: skip
        options.add_argument(word)
    opened = webdriver.Chrome(options, webdriver.ChromeService(driver))
    yield opened
    opened.quit()


def test_page_in_a_browser(report, browser):
    from selenium.webdriver.common.by import By

    browser.get(f"file://{report / 'index.html'}")
    table = browser.find_element(By.ID, "run-table")

    def names():
        cells = table.find_elements(By.CSS_SELECTOR, "tbody tr td:first-child")
        return [cell.text for cell in cells if cell.is_displayed()]

    column = next(
        head for head in table.find_elements(By.TAG_NAME, "th") if head.text == "NLL train"
    )
    column.find_element(By.TAG_NAME, "button").click()
    rising = names()
    column.find_element(By.TAG_NAME, "button").click()
    assert names() == rising[::-1]
    scores = pd.read_csv(report / "runs.csv").set_index("run")["nll_train"]
    assert rising == list(scores.sort_values().index)
    box, cell_box = browser.find_elements(By.CSS_SELECTOR, "input[type=search]")
    box.send_keys("supervised leave1out")
    assert names() == ["supervised/1"]
    assert browser.find_element(By.CSS_SELECTOR, "#runs output").text == "1 of 3"
    cell_box.send_keys("extrapolation")
    parts = browser.find_elements(By.CSS_SELECTOR, "#cells [data-words]")
    assert [part.is_displayed() for part in parts] == [False, False, True]
    check_page(browser)
    table.find_element(By.LINK_TEXT, "supervised/1").click()
    assert browser.current_url == f"file://{report / 'runs' / 'supervised-1.html'}"
    assert browser.find_element(By.TAG_NAME, "h1").text.endswith("run supervised/1")
    check_page(browser)
    browser.find_element(By.LINK_TEXT, "← all runs").click()
    assert browser.current_url.startswith(f"file://{report / 'index.html'}")
    mark = browser.find_element(By.CSS_SELECTOR, ".marked a[title='disent/1']")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", mark)
    mark.click()
    assert browser.current_url == f"file://{report / 'runs' / 'disent-1.html'}"


def check_page(browser):
    """All pictures of a page are there, and nothing in it fails."""
    decode = (
        "arguments[0].loading = 'eager'; return arguments[0].decode().then(() => true, () => false)"
    )
    pictures = browser.find_elements("css selector", "img")
    assert len(pictures) > 2
    broken = [picture for picture in pictures if not browser.execute_script(decode, picture)]
    assert not broken
    errors = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert not errors
