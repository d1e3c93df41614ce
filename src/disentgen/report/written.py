"""The files that a report has written, so that those of runs that are gone can be removed."""

import contextlib
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from disentgen.paths import write_whole

#: Lies in a report's folder: by page, its files relative to the folder, and their hashes.
MANIFEST = "written.json"


def remove_stale(page: Path, files: Iterable[Path]) -> None:
    """Remove what a page's last report has written and this one has not; keep what this one has.

    A file that has changed since is not the report's any more, and stays; so do links, and whatever
    lies outside the folder.

    Args:
        page: the index, in the report's folder; another page there has files of its own.
        files: that belong to it now, below that folder.
    """
    folder = page.parent
    pages = read_manifest(folder / MANIFEST)
    before = pages.get(page.name, {})
    pages[page.name] = {
        path.relative_to(folder).as_posix(): hash_file(path) for path in {page, *files}
    }
    still = {name for written in pages.values() for name in written}
    for name in before.keys() - still:
        remove_own(folder, name, before[name])
    text = json.dumps(pages, indent=1, sort_keys=True)
    write_whole(folder / MANIFEST, lambda file: file.write_text(text, encoding="utf-8"))


def read_manifest(path: Path) -> dict[str, dict[str, str]]:
    """Hashes of files by their names, by page; nothing of a file that is not there or damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {
            str(page): {str(name): str(digest) for name, digest in files.items()}
            for page, files in content.items()
        }
    except (OSError, ValueError, AttributeError):
        return {}


def remove_own(folder: Path, name: str, digest: str) -> None:
    """Remove a file that a report has written, and its folder if that is empty then.

    Args:
        folder: of the report.
        name: relative to it.
        digest: of what was written.
    """
    root, path = folder.resolve(), folder / name
    inside = path.resolve() == root / name and root in path.resolve().parents
    if inside and path.is_file() and hash_file(path) == digest:
        path.unlink()
        if path.parent.resolve() != root:
            with contextlib.suppress(OSError):  # it holds something else
                path.parent.rmdir()


def hash_file(path: Path) -> str:
    """SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
