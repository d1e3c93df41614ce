"""Every number that was measured stands in one long table."""

import numpy as np

from disentgen.analysis.results_table import COLUMNS, list_numbers, tabulate_metrics

MEASURED = {
    "/sims/disent/1": {
        "mig": {"score": 0.5, "gap": [0.25, 0.75], "images": 50, "warning": "few images"},
        "probes": {"error": [[1, 2], [3, 4]], "images": 20},
    },
    "/sims/decoders/a": {"constant_image": {"nll": 90, "excess": None, "images": 64}},
}
BOUNDS = {"/sims/disent/1": {("mig", "score"): {"ceiling": 0.875, "floor": 0.125}}}


def test_a_row_is_a_number_with_its_place_bounds_and_sample():
    table = tabulate_metrics(MEASURED, BOUNDS)
    assert tuple(table) == COLUMNS == (
        "run", "metric", "part", "place", "value", "ceiling", "floor", "images", "warning",
    )  # fmt: skip
    rows = table.astype(object).where(table.notna(), None).to_numpy().tolist()
    assert rows == [
        ["disent/1", "mig", "score", "", 0.5, 0.875, 0.125, 50, "few images"],
        ["disent/1", "mig", "gap", "0", 0.25, None, None, 50, "few images"],
        ["disent/1", "mig", "gap", "1", 0.75, None, None, 50, "few images"],
        *[
            ["disent/1", "probes", "error", place, value, None, None, 20, None]
            for place, value in (("0.0", 1.0), ("0.1", 2.0), ("1.0", 3.0), ("1.1", 4.0))
        ],
        ["decoders/a", "constant_image", "nll", "", 90.0, None, None, 64, None],
        ["decoders/a", "constant_image", "excess", "", None, None, None, 64, None],
    ]


def test_values_are_numbers_even_where_one_is_missing():
    values = [row["value"] for row in list_numbers("a", {"score": [1, None, True]}, {})]
    assert all(isinstance(value, float) for value in values)
    np.testing.assert_equal(values, [1.0, np.nan, 1.0])


def test_nothing_measured_is_a_table_without_rows():
    table = tabulate_metrics({"/sims/disent/1": {}}, {})
    assert len(table) == 0
    assert tuple(table) == COLUMNS
