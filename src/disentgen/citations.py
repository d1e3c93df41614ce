"""The papers behind runs, as BibTeX: of dataset, held-out condition, objective, scores, metrics.

Records name their sources as people do, "Kim & Mnih 2018". ``references.bib`` holds the entries;
which one is meant follows from its authors and its year.
"""

import inspect
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING
from unicodedata import normalize

from disentgen.analysis.kept import list_kept
from disentgen.analysis.metrics import load_metrics
from disentgen.command_line import CommandParser, add_plugin_option, plain_errors
from disentgen.dataset.splits import find_family
from disentgen.text import make_visible

if TYPE_CHECKING:
    from disentgen.runs import Run

#: Sources of what experiments ask of a model.
EXPERIMENTS = {
    "decoders": "Montero et al. 2021",
    "composition": "Montero et al. 2021",
    "supervised": "Montero et al. 2022",
}
#: What scores are, and their sources, of those that every run, or every model of a kind, has.
SCORES = {
    "active_units": ("active units", "Burda et al. 2016"),
    "elbo": ("ELBO", "Kingma & Welling 2014"),
    "iw_nll": ("importance-weighted NLL", "Burda et al. 2016"),
    "r2": ("R²", "Schott et al. 2022"),
    "joint_accuracy": ("joint accuracy", "Camposampiero et al. 2025"),
}

_CITATION = re.compile(r"([A-Z][\w-]+)(?: & ([A-Z][\w-]+)| (et al\.))? ((?:19|20)\d\d)")
_ACCENTED = re.compile(r"""\{\\(["'])(\w)\}""")
#: Combining characters of BibTeX's accents.
_ACCENTS = {'"': "\u0308", "'": "\u0301"}
_ENTRY = re.compile(r"^@\w+\{(\w+),\n(.*?)^\}", re.M | re.S)


@dataclass(frozen=True)
class Reference:
    """An entry of ``references.bib``.

    Args:
        key: of the citation.
        surnames: of the authors, in order.
        year: of publication.
        bibtex: the entry as it stands in the file.
    """

    key: str
    surnames: tuple[str, ...]
    year: str
    bibtex: str

    @property
    def citation(self) -> str:
        """How a text names it: "Author year", "Author & Author year" or "Author et al. year"."""
        first, *others = self.surnames
        rest = f" & {others[0]}" if len(others) == 1 else " et al." if others else ""
        return f"{first}{rest} {self.year}"


@cache
def load_references() -> dict[str, Reference]:
    """All entries of ``references.bib`` by key."""
    text = files("disentgen").joinpath("references.bib").read_text(encoding="utf-8")
    return {entry[1]: _read_entry(entry) for entry in _ENTRY.finditer(text)}


def _read_entry(entry: re.Match[str]) -> Reference:
    fields = dict(re.findall(r"^ *(\w+) *= \{(.*)\},?$", entry[2], re.M))
    authors = _ACCENTED.sub(
        lambda letter: normalize("NFC", letter[2] + _ACCENTS[letter[1]]), fields["author"]
    )
    surnames = tuple(author.split(",")[0] for author in authors.split(" and "))
    return Reference(entry[1], surnames, fields["year"], entry[0])


def find_citations(source: str) -> dict[str, Reference | None]:
    """The citations in a text, with their entries; None for one that has no entry.

    Args:
        source: such as "Eastwood & Williams 2018; estimator of Locatello et al. 2019".
    """
    entries = {reference.citation: reference for reference in load_references().values()}
    citations = [_spell(citation) for citation in _CITATION.finditer(source)]
    return {citation: entries.get(citation) for citation in citations}


def _spell(citation: re.Match[str]) -> str:
    first, second, others, year = citation.groups()
    return f"{first}{f' & {second}' if second else ' et al.' if others else ''} {year}"


def list_sources(run: "Run") -> Iterator[tuple[str, str]]:
    """What was used in a run, and the text that names its source."""
    yield from _list_sources_of_data(run)
    if run.experiment in EXPERIMENTS:
        yield f"experiment {run.experiment}", EXPERIMENTS[run.experiment]
    objective = run.settings.training.loss.name
    yield f"objective {objective}", _read_formula(objective)
    sides = ((run.results or {}).get("scores") or {}).values()
    present = {name for score in sides for name in score or ()}
    yield from (SCORES[name] for name in SCORES if name in present)
    metrics = load_metrics()
    for name in list_measured(run):
        if name in metrics:
            yield f"metric {metrics[name].title}", metrics[name].source


def _list_sources_of_data(run: "Run") -> Iterator[tuple[str, str]]:
    spec, given = run.settings.spec, run.settings.dataset
    if spec.source is not None:
        yield f"dataset {spec.title}", spec.source
    variant = spec.choose_variant(given["condition"], given["variant"])
    if variant is not None and variant.source is not None:
        yield f"held-out {given['variant'] or given['condition']}", variant.source
    family: str | None = given["split"] or (None if variant is None else variant.split)
    if family is not None and (source := find_family(family).source) is not None:
        yield f"split {family}", source
    thinning = spec.thinnings.get(given["thin"] or "")
    if thinning is not None and thinning.source is not None:
        yield f"thinning {given['thin']}", thinning.source


def _read_formula(objective: str) -> str:
    """The first paragraph of an objective's description, which names its source."""
    from disentgen.training.losses import losses

    return (inspect.getdoc(losses()[objective]) or "").split("\n\n")[0].replace("\n", " ")


def list_measured(run: "Run") -> list[str]:
    """The names of all that was measured on a run and kept."""
    return list_kept(run.subfolder("analysis") / "metrics.json")


def cite(runs: "Iterable[Run]") -> str:
    """BibTeX of the papers behind runs, each entry once, below comments on what it is cited for."""
    uses: dict[str, dict[str, None]] = {}
    for run in runs:
        for what, source in list_sources(run):
            for citation in find_citations(source):
                uses.setdefault(citation, {})[what] = None
    return "\n\n".join(_format_entry(citation, list(used)) for citation, used in uses.items())


def _format_entry(citation: str, uses: Sequence[str]) -> str:
    reference = find_citations(citation)[citation]
    entry = f"% {citation} has no entry here" if reference is None else reference.bibtex
    return f"% {', '.join(uses)}\n{entry}"


def main(arguments: Sequence[str] | None = None) -> None:
    """``python -m disentgen cite RUN…``: print BibTeX."""
    parser = CommandParser(
        prog="python -m disentgen cite",
        description="Print BibTeX of the papers behind runs: of dataset, held-out condition, "
        "objective, scores, and the metrics that were measured.",
    )
    parser.add_argument("run", nargs="+", help="a path, or a name such as disent/1, or a number")
    add_plugin_option(parser)
    given = parser.parse_args(arguments)
    with plain_errors():
        from disentgen.runs import open_run  # takes seconds, which the help does not wait

        print(make_visible(cite([open_run(name) for name in given.run]), keep="\n"))
