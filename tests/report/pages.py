"""Reports of tables made by hand, and what a reader finds in a page."""

from html.parser import HTMLParser

import pandas as pd

from disentgen.analysis.tables import tabulate_cells
from disentgen.report import tables
from disentgen.report.compare import DEPARTURES, StudyResult, compare_cells
from disentgen.report.formatting import INTERVALS
from disentgen.report.index import describe_index
from disentgen.report.links import FROM_INDEX, Links
from disentgen.report.rendering import render
from disentgen.studies.montero2021 import STUDY
from disentgen.studies.verdicts.selection import list_strays

CLAIM = {
    "number": "7a", "claim": "perfect factors are not enough", "dataset": "dsprites",
    "source": "stand-in", "verdict": "supported", "missing": "", "estimate": 2.5, "low": 2.0,
    "high": 3.0, "confidence": 0.95, "seeds": 3, "decided_by": "ground-truth decoder",
    "quantity": "held-out over train NLL", "bound": 1.1, "reason": "a tenth is noise",
    "published": "2.9 to 54", "control": "", "note": "",
}  # fmt: skip


def build_tables(runs, claims=(CLAIM,)):
    """The tables of a report of runs of ``make_runs``."""
    runs = runs.assign(path="/sims/" + runs["run"], udr=float("nan"))
    cells = compare_cells(tabulate_cells(runs, DEPARTURES), STUDY)
    result = StudyResult(STUDY, runs, cells, pd.DataFrame(list(claims)), list_strays(runs))
    return tables.build_tables(runs, [result])


def link_runs(made, form=FROM_INDEX):
    names = made.runs["run"].str.replace("/", "-")
    return Links(dict(zip(made.runs["path"], names, strict=True)), form)


def render_index(made, differences=None, **content):
    """The index of tables, whatever else it shows being little."""
    texts = dict.fromkeys(made.runs["path"], "") | (differences or {})
    filled = {
        "run_count": len(made.runs), "data": "dSprites", "stand_in": True, "made": "today",
        "intervals": INTERVALS, "minimum_seeds": 3, "repeated": [],
        "left_out": {}, "figures": [], "inside": [],
    }  # fmt: skip
    return render("index", **describe_index(made, link_runs(made), texts), **{**filled, **content})


class Reader(HTMLParser):
    """Tables of a page by section: rows as dictionaries by heading; links; text outside scripts."""

    def __init__(self, page):
        super().__init__()
        self.section, self.tables, self.links, self.text = "", [], {}, []
        self.hints = []
        self._open = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag in ("meta", "img", "br", "input"):
            return
        self._open.append(tag)
        if tag == "section":
            self.section = given.get("id", "")
        elif tag == "table":
            self.tables.append((self.section, []))
        elif tag == "tr":
            self.tables[-1][1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][1][-1].append("")
        elif tag == "abbr":
            self.hints.append(given["title"])
        elif tag == "a":
            self.address = given["href"]

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if {"style", "script"} & set(self._open):
            return
        self.text.append((data, "abbr" in self._open))
        if {"td", "th"} & set(self._open):
            self.tables[-1][1][-1][-1] += data
        if "a" in self._open:
            self.links[data] = self.address

    def rows(self, section, number=0):
        """Rows of a table of a section, each as texts by heading."""
        head, *rows = [rows for name, rows in self.tables if name == section][number]
        return [dict(zip(head, row, strict=True)) for row in rows]
