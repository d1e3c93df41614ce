"""What of runs counts, in verdicts on claims and in correlations: models, gaps, scores."""

import numpy as np
import pandas as pd

from disentgen.analysis.measurements.metrics import DISENTANGLEMENT
from disentgen.analysis.metrics import load_metrics
from disentgen.analysis.tables import LEARNED_SHARE, has_failed, has_learned, read_accuracy

#: Scores of that metric that stand in columns of their own.
OF_LASSO = ("disentanglement", "informativeness")
#: Why runs of a cell count for nothing.
FAILED = "has hardly learned (train excess above half of the mean image's)"
INACCURATE = "has hardly learned (train joint accuracy below a half)"
UNKNOWN = "the mean image's score is not measured"


def find_fault(cell: pd.DataFrame) -> str:
    """Why the runs of a cell decide nothing, whatever their number; empty if they may.

    They are judged by their means (geometric of excess) together, since leaving out single ones
    would leave out the bad ones.
    """
    accuracy = read_accuracy(cell).mean()
    if not np.isnan(accuracy):
        return INACCURATE if accuracy < LEARNED_SHARE else ""
    columns = ["excess_train", "excess_constant"]
    means = np.exp(np.log(cell[columns].astype(float)).mean().to_frame().T)
    if has_failed(means).item():
        return FAILED
    return "" if has_learned(means).item() else UNKNOWN


def drop_unreliable(runs: pd.DataFrame) -> pd.DataFrame:
    """Runs that are no controls, without the scores that say little.

    Args:
        runs: of :func:`~disentgen.analysis.tables.tabulate_runs`, controls among them.

    Returns:
        ``gap_to_control`` only beside a control that has learned; ``disentanglement`` and
        ``informativeness`` only of as many images as their metric wants.
    """
    controls = runs[runs["control"].astype(bool)]
    usable = set(controls.loc[has_learned(controls), "run"])
    own = runs[~runs["control"].astype(bool)]
    # Of fewer images than the metric wants, disentanglement is more chance than the models'; where
    # it is known by construction, it is of none.
    images = own["metric_images"]
    known = images.isna() | (images >= load_metrics()[DISENTANGLEMENT].images)
    return own.assign(
        gap_to_control=own["gap_to_control"].where(own["control_run"].isin(usable)),
        **{name: own[name].where(known) for name in OF_LASSO if name in own},
    )
