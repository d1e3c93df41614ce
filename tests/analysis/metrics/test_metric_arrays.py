"""No metric gives a number for arrays that it cannot judge."""

import numpy as np
import pandas as pd
import pytest
import torch

from disentgen.analysis.metrics import Sampler, load_metrics
from disentgen.analysis.metrics.arrays import check_arrays
from disentgen.analysis.metrics.fixing import measure_factor_vae, measure_higgins
from disentgen.dataset.grid import FactorGrid
from disentgen.errors import UsageError

GRID = FactorGrid({"shape": (0, 1, 2), "scale": (0, 1, 2, 3), "x": tuple(range(16))})
CLASSES = GRID.classes(np.arange(GRID.size))
RNG = np.random.default_rng(3)
CODES = np.column_stack([CLASSES @ [1, 0.3, 0], CLASSES[:, 1:], RNG.random((GRID.size, 2))])
OF_ARRAYS = {name: metric for name, metric in load_metrics().items() if metric.of == "codes"}
#: These read classes as quantities.
QUANTITIES = {"dci_es", "dci_lasso", "sap", "topographic_similarity"}
NAMES = np.array([[f"{letter}{place:02}" for place in range(16)] for letter in "abc"])


def named(classes):
    return np.column_stack([NAMES[i][column] for i, column in enumerate(classes.T)])


@pytest.mark.parametrize("metric", OF_ARRAYS.values(), ids=OF_ARRAYS)
@pytest.mark.parametrize(
    ("codes", "classes", "message"),
    [
        (CODES.T, CLASSES.T, r"given: \(5, 192\) and \(3, 192\).*Transposed: both\?"),
        (CLASSES.T, CLASSES.T, "5 or more images. Transposed: both?"),
        (CODES.T, CODES.T.round(), "more factors than images. Transposed: both?"),
        (CODES.T, CLASSES, "unequal numbers of images. Transposed: codes?"),
        (CODES, CLASSES.T, "unequal numbers of images. Transposed: classes?"),
        (CODES[:-1], CLASSES, r"\(191, 5\) and \(192, 3\), of unequal numbers of images.$"),
        (CODES[:, :3][:-1], CLASSES, "of unequal numbers of images.$"),
        (CODES[:1], CLASSES[:1, :1], "5 or more images"),
        (CODES[:4], CLASSES[:4], "5 or more images"),
        (CODES[:, 0], CLASSES, r"\(images, latents\); given: \(192,\)"),
        (CODES, CLASSES[:, 0], r"\(images, factors\); given: \(192,\)"),
        (CODES[:, :0], CLASSES, r"\(images, latents\); given: \(192, 0\)"),
        (CODES, CLASSES[:, :0], r"\(images, factors\); given: \(192, 0\)"),
        (np.where(np.arange(5) == 2, np.nan, CODES), CLASSES, r"192 of 960 are not.*nan at \[0, 2"),
        (CODES, np.where(CLASSES == 3, np.inf, CLASSES), "factor 1 must be finite"),
        (CODES, CLASSES + 0.5, "factor 0 must be whole numbers; given: 0.5"),
        (CODES * 1j, CLASSES, "codes must be numbers; given: .*complex"),
        (CODES.astype(str), CLASSES, "codes must be numbers; given: .*string"),
        (CODES, np.where(CLASSES == 3, None, CLASSES), "factor 1 must be numbers"),
        ([[1, 2], [3]], CLASSES, "codes cannot be read as an array"),
        (torch.ones(192, 3, requires_grad=True), CLASSES, "codes cannot be read.*requires grad"),
    ],
)  # fmt: skip
def test_arrays_that_cannot_be_judged_are_refused(metric, codes, classes, message):
    with pytest.raises(UsageError, match=message) as caught:
        metric.function(codes, classes)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("metric", OF_ARRAYS.values(), ids=OF_ARRAYS)
def test_more_latents_than_images_are_warned_of(metric):
    codes, classes = RNG.normal(size=(24, 24)), CLASSES[::8]
    with pytest.warns(UserWarning, match="24 latents of 24 images") as caught:
        found = metric.function(codes, classes)
    assert caught[0].filename == __file__
    assert "24 latents of 24 images" in found["warning"]
    assert "warning" not in metric.function(codes[:, :23], classes)


@pytest.mark.parametrize("metric", OF_ARRAYS.values(), ids=OF_ARRAYS)
@pytest.mark.filterwarnings("error", "ignore:R.2 score is not well-defined")
def test_five_images_are_enough(metric):
    assert metric.function(CODES[::40, :4], CLASSES[::40])["images"] == 5


@pytest.mark.parametrize("metric", OF_ARRAYS.values(), ids=OF_ARRAYS)
@pytest.mark.parametrize(
    ("codes", "classes"),
    [
        (CODES.tolist(), CLASSES.tolist()),
        (pd.DataFrame(CODES), pd.DataFrame(CLASSES, columns=["shape", "scale", "x"])),
        (torch.tensor(CODES), torch.tensor(CLASSES)),
        (CODES, CLASSES - 1.0),
        (CODES, CLASSES + 10**9),
        (CODES, CLASSES.astype(object)),
        (CODES, CLASSES.astype(np.uint8)),
    ],
    ids=["lists", "tables", "tensors", "from -1, floats", "from 10^9", "objects", "bytes"],
)
def test_array_likes_and_classes_of_any_number_are_those_of_plain_arrays(metric, codes, classes):
    expected, found = metric.function(CODES, CLASSES), metric.function(codes, classes)
    assert found["images"] == GRID.size
    for part in metric.scores:
        assert found[part] == pytest.approx(expected[part], abs=1e-6)


@pytest.mark.parametrize("name", sorted(OF_ARRAYS.keys() - QUANTITIES))
def test_names_count_as_classes_where_only_their_equality_does(name):
    metric = OF_ARRAYS[name]
    expected = metric.function(CODES, CLASSES)
    assert metric.function(CODES, named(CLASSES))[metric.main] == expected[metric.main]
    scattered = 10**12 * CLASSES**2 - 7
    assert metric.function(CODES, scattered)[metric.main] == expected[metric.main]
    table = pd.DataFrame({"shape": named(CLASSES)[:, 0], "x": CLASSES[:, 2]})
    assert metric.function(CODES, table)["images"] == GRID.size


@pytest.mark.parametrize("name", sorted(QUANTITIES))
def test_names_are_no_quantities(name):
    metric = OF_ARRAYS[name]
    with pytest.raises(UsageError, match="factor 0 are names, such as 'a00', .* quantities"):
        metric.function(CODES, named(CLASSES))
    squared = metric.function(CODES, CLASSES**2)[metric.main]
    assert squared != pytest.approx(metric.function(CODES, CLASSES)[metric.main], abs=1e-3)
    with pytest.raises(UsageError, match=r"at most 2\^53"):
        metric.function(CODES, CLASSES * 2.0**53)


def test_classes_are_numbered_in_their_order():
    column = np.array([[10**18 + 1], [10**18], [-1], [7], [7]])
    assert check_arrays(np.ones((5, 1)), column)[1].ravel().tolist() == [3, 2, 0, 1, 1]
    assert check_arrays(np.ones((5, 1)), column // 10**18, quantities=True)[1].dtype == float
    codes = check_arrays(np.ones((5, 1), np.float16), column)[0]
    assert codes.dtype == np.float64


OF_SAMPLER = [measure_higgins, measure_factor_vae]


@pytest.mark.parametrize("function", OF_SAMPLER)
@pytest.mark.parametrize(
    ("encode", "message"),
    [
        (lambda indices: CODES[indices].T, r"for 192 images; given: \(5, 192\)"),
        (lambda indices: CODES[indices][1:], r"for 192 images; given: \(191, 5\)"),
        (lambda indices: CODES[indices] / 0 , "codes must be finite"),
        (lambda indices: CODES[indices, 0], r"given: \(192,\)"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
def test_samplers_refuse_codes_that_cannot_be_judged(function, encode, message):
    sampler = Sampler(encode, GRID, np.random.default_rng(0))
    with pytest.raises(UsageError, match=message):
        function(sampler)


@pytest.mark.parametrize("function", OF_SAMPLER)
def test_samplers_need_a_mask_of_the_grid_and_some_images(function):
    rng = np.random.default_rng(0)
    for mask in (np.ones(GRID.size - 1, bool), np.arange(GRID.size)):
        with pytest.raises(UsageError, match="must be 192 truth values, one for each"):
            Sampler(CODES.__getitem__, GRID, rng, mask)
    for count, accepted in ((4, False), (5, True)):
        sampler = Sampler(CODES.__getitem__, GRID, rng, np.arange(GRID.size) < count)
        if accepted:  # of which one factor alone varies: there is nothing to tell apart
            assert np.isnan(function(sampler)["score"])
            continue
        with pytest.raises(UsageError, match="5 or more images; 4 may be drawn"):
            function(sampler)


@pytest.mark.parametrize("function", OF_SAMPLER)
def test_samplers_encode_each_image_once(function):
    asked = []

    def encode(indices):
        asked.append(indices)
        return torch.tensor(CODES[indices])

    allowed = np.arange(GRID.size) % 2 == 0
    found = function(Sampler(encode, GRID, np.random.default_rng(0), allowed))
    encoded = np.concatenate(asked)
    assert len(encoded) == len(set(encoded)) == found["images"] == 96
    assert "warning" not in found
    wide = np.repeat(CODES, 40, axis=1)
    with pytest.warns(UserWarning, match="200 latents of 96 images"):
        sampler = Sampler(wide.__getitem__, GRID, np.random.default_rng(0), allowed)
        found = function(sampler, fitted=100, tested=100)
    assert "200 latents" in found["warning"]


def test_samplers_keep_the_code_of_each_image():
    sampler = Sampler(CODES.__getitem__, GRID, np.random.default_rng(0))
    for indices in ([[7, 3], [3, 191]], [[191, 0], [7, 8]], [[0, 0], [3, 8]]):
        assert np.array_equal(sampler.codes(np.array(indices)), CODES[np.array(indices)])
    assert sampler.sample_shape == (5, 5)


@pytest.mark.parametrize("function", OF_SAMPLER)
def test_scores_have_the_standard_error_of_their_tested_points(function):
    def measure(seed):
        sampler = Sampler(CODES.__getitem__, GRID, np.random.default_rng(seed))
        return function(sampler, tested=400, batch=2)

    found = measure(0)
    share = found["score"]
    assert 0.2 < share < 0.99
    assert found["standard_error"] == pytest.approx((share * (1 - share) / 400) ** 0.5)
    assert share * 400 == pytest.approx(round(share * 400))
    scores = [measure(seed)["score"] for seed in range(12)]
    assert 0.4 < np.std(scores) / found["standard_error"] < 2
