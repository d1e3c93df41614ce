"""The cells of a published study: a cell is one of its rows with a seed."""

from collections.abc import Collection, Iterable

from disentgen.studies import Study
from disentgen.studies.rows import Words
from experiments.cells import Cell


def plan_runs(
    study: Study,
    experiment: str,
    seeds: Iterable[int] = (1,),
    dataset: str | None = None,
    models: Collection[str] | None = None,
    extra: Words = (),
) -> list[Cell]:
    """The runs of an experiment, seed by seed, so that one of each row is there first.

    Args:
        study: whose rows are run.
        experiment: one of the study's.
        seeds: a run of each row for each.
        dataset: by name; all by default.
        models: by their names in the study's rows; all by default.
        extra: words that stand last on each command line.
    """
    return [
        Cell(
            experiment,
            (*study.entries[row].words, f"seed={seed}", *extra),
            origin="study",
            note=study.entries[row].note,
        )
        for seed in seeds
        for row in study.list_rows(experiment)
        if dataset in (None, row.dataset) and (models is None or row.model in models)
    ]
