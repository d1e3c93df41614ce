"""What a figure is: data, and a drawing of them; each stands in a module of this package.

A module exports ``FIGURE``; the folder is the list. Figures *of a run* are drawn for every run that
they apply to, those *of a study* for all runs on one dataset, those *of a split* for the runs on
each of its splits, those *of a source* for all runs on original images, on stand-ins, or on drawn
ones.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from matplotlib.figure import Figure as MplFigure
from PIL.Image import Image

from disentgen.analysis.figures.subjects import describe_subject
from disentgen.drawing import Hotspot, default_style, list_hotspots, save_figure
from disentgen.errors import UsageError, warn_on_failure
from disentgen.paths import write_whole
from disentgen.registry import choose, load_named, load_records

Subject = TypeVar("Subject")
Data = TypeVar("Data")
Kind = Literal["run", "study", "split", "source"]
#: Images of an animation, in the order in which they are shown.
Frames = Sequence[Image]
#: Milliseconds for each image of an animation.
DURATION = 80


class Picture(NamedTuple):
    """A picture that has been saved, or could not be.

    Args:
        caption: what it shows, of how much, from which images.
        path: of the file that pages show; those of other formats lie beside it.
        hotspots: its marks that lead somewhere.
        problem: why it is missing; None if it is there.
    """

    caption: str
    path: Path
    hotspots: tuple[Hotspot, ...] = ()
    problem: str | None = None


@dataclass(frozen=True)
class Figure(Generic[Subject, Data]):
    """A figure of a report.

    Args:
        name: the stem of its file.
        title: what it is called.
        caption: what it shows, as a text or made of the data: numbers of images and seeds, what
            intervals are. Subject and source of the images are added.
        of: whether its subject is a run (:class:`~disentgen.analysis.measure.Measurements`), or
            the runs on a dataset, on one of its splits or on images of one source
            (:class:`~disentgen.analysis.figures.subjects.RunGroup`).
        applies: whether a subject has it.
        data: what is drawn of a subject: arrays, tables.
        draw: a drawing of the data.
        order: its place among the figures; low ones come first.
        formats: suffixes of its files; pages show the first.
        at_end: of a run: also drawn in the run's folder at the end of its training.
        revision: of the drawing; pictures of an earlier one are drawn anew.
    """

    name: str
    title: str
    caption: str | Callable[[Data], str]
    of: Kind
    applies: Callable[[Subject], bool]
    data: Callable[[Subject], Data]
    draw: Callable[[Data], MplFigure | Frames]
    order: int = 100
    formats: tuple[str, ...] = ("png",)
    at_end: bool = False
    revision: int = 1

    @property
    def file(self) -> str:
        """The name of the file that pages show of a run."""
        return f"{self.name}.{self.formats[0]}"

    def show(self, subject: Subject) -> MplFigure | Frames:
        """The drawing of a subject, as notebooks show it."""
        return self._draw(self.data(subject))

    def save(self, subject: Subject, stem: Path) -> Picture:
        """Draw a subject in all formats.

        Args:
            subject: that the figure applies to.
            stem: path of the files, without suffix.
        """
        data = self.data(subject)
        drawn = self._draw(data)
        for suffix in self.formats:
            save_drawing(drawn, stem.with_name(f"{stem.name}.{suffix}"))
        path = stem.with_name(f"{stem.name}.{self.formats[0]}")
        hotspots = list_hotspots(drawn) if isinstance(drawn, MplFigure) else ()
        return Picture(f"{self.describe(data)} {describe_subject(subject)}", path, hotspots)

    def try_to_save(self, subject: Subject, stem: Path) -> Picture | None:
        """Draw a subject in all formats, if it has this figure; a failure costs a warning.

        Args:
            subject: of any kind that the figure is of.
            stem: path of the files, without suffix.

        Returns:
            The picture, or why it is missing; None where the figure does not apply.
        """
        path = stem.with_name(f"{stem.name}.{self.formats[0]}")
        with warn_on_failure(f"the picture {path} is missing") as outcome:
            return self.save(subject, stem) if self.applies(subject) else None
        return Picture(f"{self.title}.", path, problem=outcome.problem)

    def describe(self, data: Data) -> str:
        """The caption, without its subject."""
        return self.caption if isinstance(self.caption, str) else self.caption(data)

    @default_style()
    def _draw(self, data: Data) -> MplFigure | Frames:
        return self.draw(data)


def save_drawing(drawn: MplFigure | Frames, path: Path) -> Path:
    """Write a figure or an animation, whole or not at all."""
    if isinstance(drawn, MplFigure):
        return save_figure(drawn, path)
    first, *others = drawn
    write_whole(
        path,
        lambda file: first.save(
            file, format="GIF", save_all=True, append_images=others, duration=DURATION, loop=0
        ),
    )
    return path


def load_figures(of: Kind) -> list[Figure[Any, Any]]:
    """The figures of a kind of subject, in their order."""
    figures = load_named("disentgen.analysis.figures", "FIGURE", "file").values()
    return sorted(
        (figure for figure in figures if figure.of == of), key=lambda figure: figure.order
    )


def show_figure(name: str, subject: Any) -> MplFigure | Frames:
    """The drawing of a subject by the figure of a module of this package.

    Args:
        name: of the module, such as ``errors``.
        subject: see :class:`Figure`.

    Raises:
        UsageError: there is no such figure, or the subject does not have it.
    """
    figures = load_records("disentgen.analysis.figures", "FIGURE")
    figure: Figure[Any, Any] = choose("figure", name, figures)
    if not figure.applies(subject):
        raise UsageError(f"figure '{name}' does not apply: {describe_subject(subject)}")
    return figure.show(subject)
