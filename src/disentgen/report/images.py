"""Pictures of a page: files beside it, or inside it."""

import base64
import io
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from disentgen.analysis.figures.figure import Picture
from disentgen.drawing import Hotspot
from disentgen.paths import make_folder, write_whole

#: The longest side of a picture that WebP can hold, in pixels.
LONGEST_WEBP = 16_383
QUALITY = 80
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
    from PIL import Image

    if not path.is_file():
        return PagePicture(path.name, caption, problem="there is no such file")
    try:
        return PagePicture(path.name, caption, place(path))
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        # Which of these says that a picture is damaged depends on its format.
        return PagePicture(path.name, caption, problem=f"it cannot be read: {error}")


def embed(path: Path) -> str:
    """A picture, still or moving, as an address that holds all of it."""
    suffix = choose_suffix(path)
    content = base64.b64encode(read_as(path, suffix)).decode()
    return f"data:image/{suffix.removeprefix('.')};base64,{content}"


def copy_into(folder: Path, page: Path) -> Place:
    """What puts pictures into a folder and gives their addresses.

    A picture that is there already and as old as its original is left as it is.

    Args:
        folder: for the pictures.
        page: the folder of the page that shows them.
    """

    def place(path: Path) -> str:
        suffix, age = choose_suffix(path), path.stat().st_mtime_ns
        # curves.png and curves.gif may both become WebP.
        target = folder / f"{path.stem}-{path.suffix.removeprefix('.')}{suffix}"
        if not target.exists() or target.stat().st_mtime_ns != age:
            content = read_as(path, suffix)
            make_folder(folder)
            write_whole(target, lambda file: file.write_bytes(content))
            os.utime(target, ns=(age, age))
        return quote(target.relative_to(page).as_posix())

    return place


def choose_suffix(path: Path) -> str:
    """What a picture is shown as: WebP, a fraction of PNG's size, where that can hold it."""
    from PIL import Image

    with Image.open(path) as picture:
        return ".webp" if max(picture.size) <= LONGEST_WEBP else path.suffix.lower()


def read_as(path: Path, suffix: str) -> bytes:
    """The content of a picture, converted to WebP where that is its suffix."""
    from PIL import Image

    if suffix != ".webp" or path.suffix.lower() == suffix:
        return path.read_bytes()
    buffer = io.BytesIO()
    with Image.open(path) as picture:
        picture.save(buffer, "WEBP", quality=QUALITY, save_all=True)
    return buffer.getvalue()
