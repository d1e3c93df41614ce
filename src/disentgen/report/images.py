"""Pictures of a page: files beside it, or inside it."""

import base64
import io
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from urllib.parse import quote

from disentgen.analysis.figures.figure import Picture
from disentgen.drawing import Hotspot
from disentgen.errors import DataFileError
from disentgen.files import PICTURE_BYTES, exists, read_regular
from disentgen.paths import make_folder, write_whole
from disentgen.text import join_lines

#: The longest side of a picture that WebP can hold, in pixels.
LONGEST_WEBP = 16_383
QUALITY = 80
#: What figures are saved as.
FORMATS = ("PNG", "GIF", "WEBP")
#: Of all frames of a picture together.
PIXELS = 400_000_000
#: Gives the address of a picture that lies somewhere, for the page that shows it.
Place = Callable[[Path], str]


@dataclass(frozen=True)
class PagePicture:
    """A picture as a page shows it.

    Args:
        name: of its file.
        caption: below it.
        source: address of the picture; empty where it cannot be shown.
        problem: why it cannot.
        hotspots: its marks that lead somewhere, and what each is called.
        formats: others in which it lies beside the page, and their addresses.
    """

    name: str
    caption: str
    source: str = ""
    problem: str = ""
    hotspots: Sequence[tuple[Hotspot, str]] = ()
    formats: Sequence[tuple[str, str]] = ()


def show_drawn(picture: Picture, place: Place) -> PagePicture:
    """A picture of a figure for a page, or the reason for which there is none.

    Args:
        picture: of a run, or of runs.
        place: puts it where the page can show it.
    """
    if picture.problem is None:
        return show_picture(picture.path, picture.caption, place)
    return PagePicture(picture.path.name, picture.caption, problem=picture.problem)


def show_picture(path: Path, caption: str, place: Place) -> PagePicture:
    """A picture file for a page, or the reason for which it cannot be shown.

    Args:
        path: of the picture.
        caption: below it.
        place: puts it where the page can show it.
    """
    if not exists(path):
        return PagePicture(path.name, caption, problem="there is no such file")
    try:
        return PagePicture(path.name, caption, place(path))
    except DataFileError as error:
        return PagePicture(path.name, caption, problem=f"it cannot be read: {error}")


def embed(path: Path) -> str:
    """A picture, still or moving, as an address that holds all of it."""
    suffix, content = encode(path)
    encoded = base64.b64encode(content).decode()
    return f"data:image/{suffix.removeprefix('.')};base64,{encoded}"


def copy_into(folder: Path, page: Path) -> Place:
    """What puts pictures into a folder and gives their addresses.

    A picture that is there already and as old as its original is left as it is.

    Args:
        folder: for the pictures.
        page: the folder of the page that shows them.
    """

    def place(path: Path) -> str:
        age = path.lstat().st_mtime_ns
        # curves.png and curves.gif may both become WebP.
        stem = folder / f"{path.stem}-{path.suffix.removeprefix('.')}"
        targets = (stem.with_name(stem.name + suffix) for suffix in (".webp", path.suffix.lower()))
        for target in targets:
            if target.is_file() and target.stat().st_mtime_ns == age:
                return quote(target.relative_to(page).as_posix())
        suffix, content = encode(path)
        target = stem.with_name(stem.name + suffix)
        make_folder(folder)
        write_whole(target, lambda file: file.write_bytes(content))
        os.utime(target, ns=(age, age))
        return quote(target.relative_to(page).as_posix())

    return place


def encode(path: Path) -> tuple[str, bytes]:
    """What a picture is shown as, suffix and content: WebP, a fraction of PNG's size, if that can.

    Raises:
        DataFileError: it is no regular file, is damaged, or is too large to be shown.
    """
    from PIL import Image

    content = read_regular(path, PICTURE_BYTES) or b""
    try:
        # Other formats have readers that start other programs.
        with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
            frames = getattr(picture, "n_frames", 1)
            if frames * prod(picture.size) > PIXELS:
                raise ValueError(f"it has more than {PIXELS:,} pixels")
            picture.load()
            if max(picture.size) > LONGEST_WEBP or path.suffix.lower() == ".webp":
                return path.suffix.lower(), content
            buffer = io.BytesIO()
            picture.save(buffer, "WEBP", quality=QUALITY, save_all=True)
    except Exception as error:  # which one says that a picture is damaged depends on its format
        raise DataFileError(f"{path} is damaged: {join_lines(error)}") from error
    return ".webp", buffer.getvalue()
