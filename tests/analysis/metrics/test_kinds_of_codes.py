"""What every metric of single runs says of seven kinds of codes, where combinations are missing."""

import numpy as np
import pytest

from code_kinds import CELLS, GRID, IMAGES, KINDS, choose_images, make_codes, measure_kind
from disentgen.analysis.metrics import load_metrics
from disentgen.errors import UsageError

ROWS = ("perfect", "permuted", "rotated", "duplicated", "noise", "constant", "partly dead")
FACTORS = len(GRID.sizes)
#: Being right by chance: of all factors, the share of the most frequent class.
LUCK = np.mean([1 / size for size in GRID.sizes])
ANY = None
#: By score, an expected value for each kind of codes, in the order of ``ROWS``; a pair is a range.
EXPECTED = {
    ("dci_es", "explicitness"): (1, 1, 1, 1, 0, 0, 1),
    ("dci_lasso", "disentanglement"): (1, 1, (0, 0.4), 1, ANY, 0, 1),
    ("dci_lasso", "informativeness"): (1, 1, 1, 1, 0, 0, 1),
    ("factor_vae", "score"): (1, 1, (0.5, 0.99), 1, 1 / FACTORS, 1 / FACTORS, 1),
    ("infomec", "infoc"): (1, 1, (0.3, 0.7), (1 / 2 - 1 / 10) / (1 - 1 / 10), 0, 0, 1),
    ("infomec", "infoe"): (1, 1, 1, 1, 0, 0, 1),
    ("infomec", "infom"): (1, 1, (0.3, 0.7), 1, 0, 0, 1),
    ("irs", "score"): (1, 1, (0.2, 0.8), 1, (0.2, 0.5), 0, 1),
    ("factorisation", "score"): (1, 1, 1, 1, 0, 0, 1),
    ("mig", "score"): (1, 1, (0, 0.3), 0, 0, 0, 1),
    ("minimality", "minimality"): (1, 1, (0.1, 0.4), 1, 0, 0, 1),
    ("minimality", "sufficiency"): (1, 1, (0.1, 0.4), 1, 0, 0, 1),
    ("nk", "score"): (1 - LUCK, 1 - LUCK, (0, 0.3), 0, 0, 0, 1 - LUCK),
    ("omes", "multiple_encoding"): (1, 1, (0.2, 0.7), 1 - 1 / 10, (0, 0.4), 0, 1),
    ("omes", "overlap"): (1, 1, (0.2, 0.7), 1, (0, 0.4), 0, 1),
    ("omes", "score"): (1, 1, (0.2, 0.7), 1 - 1 / 20, (0, 0.4), 0, 1),
    ("sap", "score"): (1, 1, (0, 0.5), 0, 0, 0, 1),
    ("snc", "score"): (1, 1, (LUCK + 0.05, 0.6), 1, LUCK, LUCK, 1),
    ("topographic_similarity", "score"): (1, 1, 1, 1, 0, 0, 1),
}  # fmt: skip
#: Rows that take seconds.
SLOW = {"dci_es", "dci_lasso", "nk", "topographic_similarity"}
#: Metrics that are slow on so many images, and are tested elsewhere.
ELSEWHERE = {"dci_trees", "higgins", "modularity"}


def test_there_is_a_row_for_every_metric():
    assert {name for name, _ in EXPECTED} | ELSEWHERE == set(load_metrics("codes", "sampler"))
    assert tuple(KINDS) == ROWS


@pytest.mark.parametrize(
    ("name", "part", "cells"),
    [
        pytest.param(*row, cells, marks=[pytest.mark.ci] if row[0] in SLOW else [])
        for row in EXPECTED
        for cells in ("complete", "tenth")
        if (row[0], cells) != ("nk", "tenth")
    ],
)
@pytest.mark.filterwarnings("error")
def test_kinds_of_codes_score_as_they_must(name, part, cells):
    for kind, expected in zip(ROWS, EXPECTED[name, part], strict=True):
        found = measure_kind(name, kind, cells)[part]
        if isinstance(expected, tuple):
            assert expected[0] <= found <= expected[1], kind
        elif expected is not ANY:
            # Of 600 images that are tested, shares are off by 0.02.
            assert found == pytest.approx(expected, abs=0.045), kind


@pytest.mark.parametrize("name", ["infomec", "omes", "snc"])
@pytest.mark.filterwarnings("error")
def test_scores_are_defined_where_two_factors_go_together(name):
    perfect, noise = (measure_kind(name, kind, "diagonal") for kind in ("perfect", "noise"))
    for part in load_metrics()[name].scores:
        assert 0 <= noise[part] < perfect[part] <= 1


def test_cells_are_what_they_are_called():
    assert len(choose_images("complete")) == IMAGES
    assert len(choose_images("complete", None)) == GRID.size
    tenths = [choose_images(cells, None) for cells in ("tenth", "diagonal")]
    assert [len(some) for some in tenths] == [GRID.size / 10] * 2
    apart = [np.ptp(GRID.classes(some)[:, 3:], axis=1) for some in tenths]
    assert apart[0].max() == 15
    assert apart[1].max() == 1
    for some in (*tenths, choose_images("complete")):
        assert (np.diff(some) > 0).all()
    assert set(CELLS) == {"complete", "tenth", "diagonal"}
    with pytest.raises(UsageError, match="half"):
        choose_images("half")


def test_kinds_are_what_they_are_called():
    indices = choose_images("complete", 500)
    made = {
        kind: make_codes(kind, GRID, indices, np.random.default_rng(0), latents=7) for kind in KINDS
    }
    perfect = made["perfect"]
    assert np.array_equal(perfect, GRID.standardise(GRID.values(indices)))
    assert np.array_equal(np.abs(made["permuted"]), np.abs(perfect[:, ::-1]))
    turned = np.linalg.lstsq(perfect, made["rotated"], rcond=None)[0]
    assert np.allclose(perfect @ turned, made["rotated"])
    assert np.allclose(turned @ turned.T, np.eye(FACTORS))
    assert (np.abs(turned).max(axis=0) < 0.99).all()
    assert np.array_equal(made["duplicated"], np.hstack([perfect, perfect]))
    assert made["noise"].shape == made["constant"].shape == (500, 7)
    assert np.ptp(made["constant"], axis=0).max() == 0
    assert np.allclose(made["partly dead"][:, FACTORS:].std(axis=0), [0, 0, 1e-3, 1e-3], atol=1e-4)
    with pytest.raises(UsageError, match="perfect"):
        make_codes("perfct", GRID, indices, np.random.default_rng(0))
