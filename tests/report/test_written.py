"""Of what lies in a report's folder, nothing is removed but what a report has written there."""

import json

import pytest

from disentgen.report.written import MANIFEST, remove_stale


@pytest.fixture
def write(tmp_path):
    """Write files of a report, and remove what its last ones have written beside them."""

    def write_all(*names, page="index.html"):
        for name in (page, *names):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(f"content of {name}")
        remove_stale(tmp_path / page, [tmp_path / name for name in names])

    return write_all


def list_files(folder):
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return files - {MANIFEST}


def test_pages_and_pictures_of_runs_that_are_gone_are_removed(write, tmp_path):
    write("runs/a-1.html", "runs/a-1/x.webp", "runs/a-2.html", "scores.png")
    (tmp_path / "runs" / "notes.txt").write_text("mine")
    write("runs/a-2.html")
    assert list_files(tmp_path) == {"index.html", "runs/a-2.html", "runs/notes.txt"}
    assert not (tmp_path / "runs" / "a-1").exists()
    write()
    assert list_files(tmp_path) == {"index.html", "runs/notes.txt"}


def test_files_that_have_changed_since_stay(write, tmp_path):
    write("runs/a-1.html", "runs/a-2.html")
    (tmp_path / "runs" / "a-1.html").write_text("edited by hand")
    (tmp_path / "runs" / "a-2.html").unlink()
    (tmp_path / "runs" / "a-2.html").symlink_to(tmp_path / "index.html")
    write()
    assert list_files(tmp_path) == {"index.html", "runs/a-1.html", "runs/a-2.html"}


def test_two_pages_in_a_folder_have_files_of_their_own(write, tmp_path):
    write("runs/a-1.html", "scores.png")
    write("scores.png", page="report.html")
    write("scores.png", page="report.html")
    assert list_files(tmp_path) == {"index.html", "report.html", "runs/a-1.html", "scores.png"}
    write()
    assert list_files(tmp_path) == {"index.html", "report.html", "scores.png"}


@pytest.mark.parametrize("name", ["../outside", "linked/outside", "/{}/../outside"])
def test_a_manifest_reaches_nothing_outside_its_folder(write, tmp_path, name):
    report, outside = tmp_path / "report", tmp_path / "outside"
    outside.write_text("content of outside")
    report.mkdir()
    (report / "linked").symlink_to(tmp_path)
    write("report/x", page="report/index.html")
    pages = json.loads((report / MANIFEST).read_text())
    import hashlib

    digest = hashlib.sha256(outside.read_bytes()).hexdigest()
    pages["index.html"][name.format(report)] = digest
    (report / MANIFEST).write_text(json.dumps(pages))
    write("report/x", page="report/index.html")
    assert outside.exists()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"index.html": 3}', '{"index.html": {"a": null}}']
)
def test_a_damaged_manifest_removes_nothing(write, tmp_path, text):
    (tmp_path / "a").write_text("mine")
    (tmp_path / MANIFEST).write_text(text)
    write()
    assert list_files(tmp_path) == {"index.html", "a"}
