"""Fetching published files; an interrupted download goes on where it stopped."""

import shutil
from pathlib import Path
from typing import Any

import requests
from filelock import FileLock
from tqdm import tqdm

from disentgen.dataset.originals.find import list_places
from disentgen.dataset.spec import DatasetSpec, OriginalFile
from disentgen.errors import DataFileError

_CHUNK_BYTES = 1 << 20
_TIMEOUT_SECONDS = 30


def download(spec: DatasetSpec, root: str | None) -> Path:
    """Fetch the published file, showing progress, and verify its hash.

    Its addresses are tried in turn. A file that is there already and has the hash is kept; one that
    has another hash is replaced.

    Raises:
        DataFileError: no address is known, or none can be reached and sends the file.
    """
    path = list_places(spec, root)[0]
    original, failures = spec.original, list[str]()
    if not original.urls:
        raise DataFileError(
            f"no address of the {spec.title} file is known; put it at {path} by other means."
        )
    for url in original.urls:
        try:
            _retrieve(original, url, path)
        except (requests.RequestException, ValueError, OSError) as error:
            failures.append(f"{url}: {error}" if original.mirrors else str(error))
            if url != original.urls[-1]:
                print(f"{failures[-1]}; trying another address", flush=True)
        else:
            return path
    check = f"check that its {original.hash.replace(':', ' is ')}, " if original.hash else ""
    raise DataFileError(
        f"cannot download {spec.title}: {'; '.join(failures)}. Try again to go on where it stopped,"
        f" or fetch {' or '.join(original.urls)} by other means, {check}and put it at {path}."
    )


def _retrieve(original: OriginalFile, url: str, path: Path) -> None:
    """Fetch a published file from one of its addresses.

    Args:
        original: that is published.
        url: one of its addresses.
        path: of the file to be.
    """
    import pooch

    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    with FileLock(path.with_name(f".{path.name}.lock")):
        downloader = ResumingDownloader(part)
        pooch.retrieve(url, original.hash, path.name, path.parent, downloader=downloader)


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
