"""``python -m disentgen.dataset`` as a user types it."""

import re

import numpy as np
import pytest

from disentgen.dataset.__main__ import main
from disentgen.dataset.spec import find_spec, load_specs


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("DISENTGEN_DATA", str(tmp_path))

    def run(*words, status=0):
        if status:
            with pytest.raises(SystemExit) as ended:
                main(words)
            return f"{ended.value}\n"  # which Python prints, with status 1
        main(words)
        return capsys.readouterr().out

    return run


def test_list_shows_sizes_licences_and_what_is_there(command, tmp_path):
    path = tmp_path / "raw" / "shapes3d" / "3dshapes.h5"
    path.parent.mkdir(parents=True)
    path.write_bytes(bytes(3_000_000))
    lines = command("list").splitlines()
    rows = {line.split("  ")[0]: line for line in lines}
    assert len(lines) == 1 + sum(len(versions) for versions in load_specs().values())
    assert "480,000" in rows["shapes3d"]
    assert "5.9 GB" in rows["shapes3d"]
    assert "Apache-2.0" in rows["shapes3d"]
    assert f"present, 0.00 GB: {path}" in rows["shapes3d"]
    assert "CC BY 4.0" in rows["mpi3d"]
    assert "not there; get it with: download mpi3d --version toy" in "\n".join(lines)


@pytest.mark.parametrize("words", [("dsprites",), ("shapes3d",), ("mpi3d", "--version", "toy")])
def test_show_describes_and_draws(command, tmp_path, words):
    text = command("show", *words)
    for factor in find_spec(words[0]).grid.names:
        assert factor in text
    assert "rendered stand-in" in text
    picture = tmp_path / "results" / f"factors-{'-'.join(w for w in words if w[0] != '-')}.png"
    assert f"picture: {picture}" in text
    assert picture.stat().st_size > 10_000


def test_show_lists_published_variants_apart_from_others_and_writes_where_it_is_to(
    command, tmp_path
):
    words = ("--source", "stand-in", "--output", str(tmp_path / "a.png"))
    text = command("show", "dsprites", *words)
    assert "\nvariants, Montero et al. 2021: blank_side, shape2tx, leave1out\n" in text
    assert "\nvariants, ours, not published: leave1out_heart, matched_c0, " in text
    assert (tmp_path / "a.png").exists()


def test_duplicates_are_found_once(command, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "disentgen.dataset.duplicates.match_images",
        lambda dataset: asked.append(dataset.label) or np.arange(480_000, dtype=np.int32) // 3 * 3,
    )
    for _ in range(2):
        assert command("duplicates", "shapes3d") == (
            "3DShapes (rendered stand-in): 320,000 of 480,000 images are identical to an earlier "
            f"one\nkept in {tmp_path}/raw/shapes3d/shapes3d-stand-in-duplicates.npz\n"
        )
    assert asked == ["3DShapes (rendered stand-in)"]


def test_export_writes_the_version_that_is_asked_for(command, tmp_path, monkeypatch):
    written: list = []
    monkeypatch.setattr(
        "disentgen.dataset.__main__.export_stand_in", lambda *given: written.append(given)
    )
    path = tmp_path / "a.npz"
    assert command("export", "mpi3d", "--version", "toy", str(path)) == (
        f"wrote the MPI3D toy stand-in to {path}\n"
    )
    assert written == [(find_spec("mpi3d", "toy"), path)]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("show", "shapes"), "unknown dataset 'shapes'.*Did you mean 'shapes3d'"),
        (("show", "mpi3d", "--version", "reel"), "unknown version of mpi3d.*Did you mean 'real'"),
        (("show", "dsprites", "--version", "real"), "dSprites has no versions"),
        (("show", "shapes3d", "--source", "original"), "download shapes3d' or from https://"),
        (("export", "shapes3d", "x.zip"), "expected a name that ends in"),
    ],
)
def test_mistakes(command, words, message):
    text = command(*words, status=1)
    assert re.search(message, text)
    assert text.startswith("error: ")
    assert text.count("\n") == 1
