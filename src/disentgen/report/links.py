"""Where the page of a run lies, seen from another page."""

import re
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urljoin

import pandas as pd

from disentgen.analysis.tables import CELL
from disentgen.runs import Run

#: Addresses of a run's page: from the index, from another run's page, inside a single file.
FROM_INDEX, FROM_RUN, INSIDE = "runs/{}.html", "{}.html", "#run-{}"


def name_pages(runs: Iterable[Run]) -> dict[str, str]:
    """The name of each run's page by the run's path, such as ``disent-1``.

    Runs of different folders may have one experiment and id; the second is then ``disent-1-2``.
    """
    names: dict[str, str] = {}
    taken: set[str] = set()
    for run in runs:
        # A folder may be called what no file or address can be.
        wanted = re.sub(r"[^\w.-]", "_", f"{run.experiment}-{run.id}")
        name, number = wanted, 1
        while name in taken:
            number += 1
            name = f"{wanted}-{number}"
        taken.add(name)
        names[str(run.path)] = name
    return names


@dataclass(frozen=True)
class Links:
    """Addresses of runs' pages, as one page links to them.

    Args:
        names: of :func:`name_pages`.
        form: one of :data:`FROM_INDEX`, :data:`FROM_RUN`, :data:`INSIDE`.
    """

    names: Mapping[str, str]
    form: str

    def __call__(self, path: str) -> str:
        """The address of the page of the run at a path."""
        return quote(self.form.format(self.names[path]), safe="/#")


def add_addresses(
    runs: pd.DataFrame, cells: pd.DataFrame, links: Links, page: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Runs and cells with a column ``page``: where their marks in figures lead.

    Those of runs lead to the runs' pages, those of cells to their rows in the page's table. The
    figures lie beside the page.

    Args:
        runs: with their ``path``.
        cells: of these runs.
        links: from the page to those of runs.
        page: its file's name.
    """
    return (
        runs.assign(page=[urljoin(page, links(path)) for path in runs["path"]]),
        cells.assign(page=[f"{page}#{name_row(index)}" for index in cells.index]),
    )


def name_row(index: Hashable) -> str:
    """The anchor of a row of the table of cells."""
    return f"cell-{index}"


def list_titles(runs: pd.DataFrame, cells: pd.DataFrame) -> dict[str, str]:
    """The names of the runs that an address of :func:`add_addresses` is of.

    Args:
        runs: with ``page``.
        cells: with ``page``.
    """
    names = runs.groupby(CELL, as_index=False)["run"].agg(", ".join)
    leading = pd.concat([runs[["page", "run"]], cells.merge(names, on=CELL)[["page", "run"]]])
    return dict(zip(leading["page"], leading["run"], strict=True))
