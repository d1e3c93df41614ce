"""Fetching published files; an interrupted download goes on where it stopped."""

import shutil
from pathlib import Path
from typing import Any

import requests
from filelock import FileLock
from tqdm import tqdm

from disentgen.dataset.originals.find import list_places
from disentgen.dataset.spec import DatasetSpec
from disentgen.errors import DataFileError

_CHUNK_BYTES = 1 << 20
_TIMEOUT_SECONDS = 30


def download(spec: DatasetSpec, root: str | None) -> Path:
    """Fetch the published file, showing progress, and verify its hash.

    A file that is there already and has the hash is kept; one that has another hash is replaced.

    Raises:
        DataFileError: the address cannot be reached, or sends another file.
    """
    import pooch

    path = list_places(spec, root)[0]
    original = spec.original
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(f".{path.name}.lock")):
            pooch.retrieve(
                original.url,
                original.hash,
                path.name,
                path.parent,
                downloader=ResumingDownloader(path.with_name(f".{path.name}.part")),
            )
    except (requests.RequestException, ValueError, OSError) as error:
        raise DataFileError(
            f"cannot download {spec.title}: {error}. Try again to go on where it stopped, or fetch "
            f"{original.url} by other means, check that its {original.hash.replace(':', ' is ')}, "
            f"and put it at {path}."
        ) from error
    return path


class ResumingDownloader:
    """A downloader for pooch that keeps what has come when it is interrupted.

    Args:
        part: where the first part of the file waits for the rest.
    """

    def __init__(self, part: Path):
        self.part = part

    def __call__(self, url: str, output_file: str, pooch: Any) -> None:
        """Fetch a file, or what is missing of it, to ``output_file``."""
        done = self.part.stat().st_size if self.part.exists() else 0
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={done}-"} if done else {})
        with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT_SECONDS) as response:
            if done and response.status_code == requests.codes.requested_range_not_satisfiable:
                pass  # all of it is there
            else:
                response.raise_for_status()
                self._append(response)
        shutil.move(self.part, output_file)

    def _append(self, response: requests.Response) -> None:
        goes_on = response.status_code == requests.codes.partial_content
        done = self.part.stat().st_size if goes_on else 0
        rest = int(response.headers.get("content-length", 0))
        with (
            self.part.open("ab" if goes_on else "wb") as file,
            tqdm(
                total=done + rest or None, initial=done, unit="B", unit_scale=True, disable=None
            ) as bar,
        ):
            for block in response.iter_content(_CHUNK_BYTES):
                file.write(block)
                bar.update(len(block))
