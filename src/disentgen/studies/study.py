"""What a published study is: its rows, how each was trained, its tables, and its claims.

Nothing here opens a dataset or a run, so that command lines can be made in no time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from disentgen.studies.claims import Claim
from disentgen.studies.rows import Entry, Row


@dataclass(frozen=True, eq=False)
class Study:
    """A published study.

    Args:
        name: of its folder.
        title: that headings call it by.
        citation: authors, title, venue and year in one line.
        bibtex: the same as a BibTeX entry.
        entries: every row, in the order of the study's tables.
        protocols: file of the rows' whole configurations, which ``python -m
            experiments.protocols`` writes; see :mod:`~disentgen.studies.protocols`.
        published: files of the published numbers; see
            :func:`~disentgen.studies.verdicts.published.load_published`.
        claims: that runs can decide.
    """

    name: str
    title: str
    citation: str
    bibtex: str
    entries: Mapping[Row, Entry]
    protocols: Path
    published: tuple[Path, ...] = ()
    claims: tuple[Claim, ...] = ()

    @property
    def experiments(self) -> tuple[str, ...]:
        """The experiments that train its rows."""
        return tuple(dict.fromkeys(row.experiment for row in self.entries))

    def list_rows(self, experiment: str) -> list[Row]:
        """Its rows of an experiment."""
        return [row for row in self.entries if row.experiment == experiment]
