"""What is measured on an archive that cannot be written to is kept beside the report."""

import json
import shutil

import pytest

from conftest import REPOSITORY
from disentgen.analysis import places
from disentgen.analysis.collect import print_kept_beside
from disentgen.analysis.collection import Collection
from disentgen.analysis.measure import Measurements
from disentgen.errors import DataFileError
from disentgen.report import pictures
from disentgen.runs import open_run

EARLIER = REPOSITORY / "tests" / "fixtures" / "earlier_runs"


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """A run that has been measured on 20 images, and then its folder was made read-only."""
    folder = tmp_path / "archive" / "disent" / "1"
    shutil.copytree(EARLIER / "disent" / "1", folder)
    Measurements(open_run(folder), 20).metrics(["mig"])
    kept = folder / "analysis" / "metrics.json"
    content = json.loads(kept.read_text())
    content["measured"]["mig"]["20"]["result"] = {"score": 0.125}
    kept.write_text(json.dumps(content))
    monkeypatch.setattr(
        "disentgen.paths.os.access",
        lambda path, mode: "archive" not in str(path),
    )
    return folder


def list_files(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_an_archive_is_measured_and_drawn_beside_the_report(archive, tmp_path, monkeypatch, capsys):
    before, report = list_files(archive), tmp_path / "report"
    names = ("curves",)
    load = pictures.load_figures
    monkeypatch.setattr(
        pictures, "load_figures", lambda of: [own for own in load(of) if own.name in names]
    )
    collection = Collection([open_run(archive)], {}, 20, only=["mig", "sap"], beside=report)
    assert collection.measure() == 1
    pictures.draw_runs(collection, jobs=1)
    (picture,) = pictures.list_pictures(Measurements(open_run(archive), 20, report))
    (kept,) = (report / "measurements").iterdir()
    assert kept.name.startswith("disent-1-")
    assert picture.path == kept / "images_20" / "curves.png"
    assert picture.path.exists()
    measured = json.loads((kept / "metrics.json").read_text())["measured"]
    assert measured.keys() == {"mig", "sap"}
    # What the archive holds already is not measured again.
    assert measured["mig"]["20"]["result"] == {"score": 0.125}
    assert list_files(archive) == before
    print_kept_beside(collection)
    assert capsys.readouterr().err.endswith(
        "1 of 1 runs cannot be written to; what is measured on them is kept in "
        f"{report / 'measurements'}\n"
    )


def test_without_a_report_what_an_archive_holds_is_read_and_nothing_kept(archive):
    before, measured = list_files(archive), Measurements(open_run(archive), 20)
    measured.metrics(["mig", "sap"])
    measured.codes("validation", 5)
    assert list_files(archive) == before


def test_a_linked_folder_is_neither_read_nor_written_to(tmp_path):
    run, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    run.mkdir()
    elsewhere.mkdir()
    (elsewhere / "private").write_text("x")
    (run / "analysis").symlink_to(elsewhere)
    for beside in (None, tmp_path / "report"):
        with pytest.raises(DataFileError, match="analysis is a symbolic link"):
            places.choose_place(run, beside)
    assert not (tmp_path / "report").exists()
