"""A report about all runs: tables, figures and pages; needs no network."""

import argparse
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from markupsafe import Markup
from tqdm import tqdm

from disentgen.analysis.collect import open_collection, print_kept_beside, print_left_out
from disentgen.analysis.collection import Collection
from disentgen.analysis.figures.figure import Picture
from disentgen.analysis.figures.subjects import name_data
from disentgen.analysis.tables import MINIMUM_SEEDS
from disentgen.errors import describe_failure
from disentgen.paths import data_folder, make_folder, write_whole
from disentgen.report.formatting import INTERVALS
from disentgen.report.images import PagePicture, copy_into, embed, show_drawn
from disentgen.report.index import describe_index, list_differences, list_repetitions
from disentgen.report.links import (
    FROM_INDEX,
    FROM_RUN,
    INSIDE,
    Links,
    add_addresses,
    list_titles,
    name_pages,
)
from disentgen.report.pictures import draw_runs, save_figures
from disentgen.report.rendering import render
from disentgen.report.run_page import describe_page, list_relatives, show_pictures
from disentgen.report.tables import ReportTables, save_tables
from disentgen.report.written import remove_stale

#: Bytes of a page above which mail servers refuse it.
LARGE_PAGE = 20_000_000


def save_report(collection: Collection, folder: Path, single_file: bool = False) -> Path:
    """Write tables, figures and pages of measured and drawn runs.

    What an earlier report has written there, such as pages of runs that are gone, is removed.

    Args:
        collection: of runs; those that cannot be shown are left out, with the reason.
        folder: of the report; it is there.
        single_file: write one page that holds all pictures, rather than an index with a page for
            each run beside it.

    Returns:
        The path of the page, or of the index.

    Raises:
        DataFileError: no run can be shown, or the folder cannot be written to.
    """
    described = describe_pages(collection)
    tables = save_tables(collection, folder)
    path = folder / ("report.html" if single_file else "index.html")
    links = Links(name_pages(collection.runs), INSIDE if single_file else FROM_INDEX)
    runs, cells = add_addresses(tables.runs, tables.cells, links, path.name)
    titles = list_titles(runs, cells)
    saved = save_figures(collection, runs, cells, folder)
    figures = [place_figure(picture, titles, path.name, single_file) for picture in saved]
    written, inside = list_files(saved), list[Markup]()
    if single_file:
        inside = render_runs(collection, tables, described, links)
    else:
        written += save_run_pages(collection, tables, described, folder)
    page = render("index", inside=inside, figures=figures, **fill_index(collection, tables, links))
    write_page(path, page)
    remove_stale(path, written)
    return path


def place_figure(
    picture: Picture, titles: Mapping[str, str], page: str, single_file: bool
) -> PagePicture:
    """A figure as the index shows it.

    Args:
        picture: that lies beside the index.
        titles: of :func:`~disentgen.report.links.list_titles`.
        page: the name of the index.
        single_file: whether pictures are inside the index.
    """
    place = embed if single_file else lambda path: quote(path.name)
    hotspots = [
        (spot._replace(address=spot.address.removeprefix(page)), titles[spot.address])
        for spot in picture.hotspots
    ]
    formats = () if single_file else list_formats(picture.path)
    shown = show_drawn(picture, place)
    return replace(shown, hotspots=hotspots, formats=formats)


def describe_pages(collection: Collection) -> dict[str, dict[str, Any]]:
    """What the page of each run shows, by its path; a run that cannot be shown is left out.

    Raises:
        DataFileError: none is left.
    """
    described = {}
    for run in collection.runs:
        try:
            described[str(run.path)] = describe_page(run, collection)
        except Exception as error:  # one broken run is no reason to lose all others
            collection.left_out[str(run.path)] = describe_failure(error)
    collection.drop_left_out()
    return described


def save_run_pages(
    collection: Collection,
    tables: ReportTables,
    described: Mapping[str, dict[str, Any]],
    folder: Path,
) -> list[Path]:
    """Write ``runs/<experiment>-<id>.html`` for each run, its pictures in a folder beside it.

    Args:
        collection: of runs.
        tables: of the report.
        described: of :func:`describe_pages`.
        folder: of the report.

    Returns:
        The paths of all pages and pictures.
    """
    links = Links(name_pages(collection.runs), FROM_RUN)
    pages, written = make_folder(folder / "runs"), []
    for run in tqdm(collection.runs, desc="writing pages", unit="run", disable=None):
        path, name = str(run.path), links.names[str(run.path)]
        pictures = show_pictures(run, collection, copy_into(pages / name, pages))
        page = render(
            "run", page=described[path], id="", back="../index.html", pictures=pictures,
            relatives=list_relatives(path, tables.runs, links),
        )  # fmt: skip
        written.append(write_page(pages / f"{name}.html", page))
        written += [pages / unquote(shown.source) for shown in pictures if shown.source]
    return written


def render_runs(
    collection: Collection,
    tables: ReportTables,
    described: Mapping[str, dict[str, Any]],
    links: Links,
) -> list[Markup]:
    """The pages of all runs as parts of a single file, with their pictures inside.

    Args:
        collection: of runs.
        tables: of the report.
        described: of :func:`describe_pages`.
        links: to the parts.
    """
    return [
        Markup(
            render(
                "run_section",
                page=described[path],
                id=f"run-{name}",
                back="#runs",
                pictures=show_pictures(run, collection, embed),
                relatives=list_relatives(path, tables.runs, links),
            )
        )
        for run, (path, name) in zip(collection.runs, links.names.items(), strict=True)
    ]


def fill_index(collection: Collection, tables: ReportTables, links: Links) -> dict[str, Any]:
    """All that the index shows but figures.

    Args:
        collection: of runs.
        tables: of the report.
        links: to the runs' pages.
    """
    return {
        **describe_index(tables, links, list_differences(collection.runs)),
        "run_count": len(collection.runs),
        "data": name_data(tables.runs),
        "stand_in": (tables.runs["source"] == "stand-in").any(),
        "made": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "intervals": INTERVALS,
        "minimum_seeds": MINIMUM_SEEDS,
        "repeated": list_repetitions(collection.runs, tables.runs, links),
        "left_out": collection.left_out,
    }


def list_files(saved: Iterable[Picture]) -> list[Path]:
    """The files of figures, in all formats."""
    return [
        path
        for picture in saved
        if picture.problem is None
        for path in map(picture.path.with_suffix, (".png", ".svg", ".pdf"))
        if path.exists()
    ]


def list_formats(path: Path) -> list[tuple[str, str]]:
    """Other formats in which a figure lies beside its PNG, and their addresses."""
    others = (path.with_suffix(suffix) for suffix in (".svg", ".pdf"))
    return [(other.suffix[1:].upper(), quote(other.name)) for other in others if other.exists()]


def write_page(path: Path, page: str) -> Path:
    """Write a page, whole or not at all."""
    write_whole(path, lambda file: file.write_text(page, encoding="utf-8"))
    return path


def describe_size(page: Path) -> str:
    """The size of a page that is too large to send, and how to make it smaller; else nothing."""
    size = page.stat().st_size
    if size <= LARGE_PAGE:
        return ""
    return f" ({size / 1e6:,.0f} MB: --where and --experiment choose runs)"


def prepare_here(collection: Collection) -> None:
    """Measure and draw what is missing of all runs, in processes of this machine.

    Args:
        collection: of runs; those that cannot be measured or drawn are left out.

    Raises:
        DataFileError: none is left.
    """
    collection.measure()
    draw_runs(collection, collection.jobs)


def make_report(
    given: argparse.Namespace, prepare: Callable[[Collection], None] = prepare_here
) -> None:
    """Make the report of a command line, and print where it is.

    Args:
        given: options of the command line.
        prepare: measures and draws what is missing of the runs.

    Raises:
        UsageError, DataFileError: there are no such runs, none is left, or the report cannot be
            written.
    """
    collection = open_collection(given)
    folder = make_folder(given.output or data_folder() / "results" / "report")
    collection.beside = folder
    prepare(collection)
    page = save_report(collection, folder, given.single_file)
    print_left_out(collection)
    print_kept_beside(collection)
    print(f"{len(collection.runs)} runs: {page}{describe_size(page)}")
