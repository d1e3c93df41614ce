"""Downloads from a server on this machine."""

import http.server
import threading
from dataclasses import replace

import pytest

from disentgen.dataset.originals.download import download
from disentgen.dataset.originals.verify import compute_hash
from disentgen.dataset.spec import find_spec
from disentgen.errors import DataFileError

CONTENT = bytes(range(256)) * 20_000


class Server(http.server.ThreadingHTTPServer):
    """Serves CONTENT; cuts the first answers off where it is asked to."""

    def __init__(self, cuts=(), ranges=True):
        super().__init__(("127.0.0.1", 0), Handler)
        self.cuts, self.ranges, self.asked = list(cuts), ranges, []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        wanted = self.headers.get("Range")
        self.server.asked.append(wanted)
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        start = start if self.server.ranges else 0
        if start >= len(CONTENT):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        stop = self.server.cuts.pop(0) if self.server.cuts else len(CONTENT)
        self.wfile.write(CONTENT[start:stop])

    def log_message(self, *arguments):
        pass


def make_spec(server, tmp_path, content=CONTENT):
    sample = tmp_path / "sample"
    sample.write_bytes(content)
    spec = find_spec("mpi3d", "toy")
    url = f"http://127.0.0.1:{server.server_address[1]}/mpi3d_toy.npz"
    digest = compute_hash(sample, "md5")
    return replace(spec, original=replace(spec.original, url=url, hash=f"md5:{digest}"))


def test_file_is_fetched_once(tmp_path):
    server = Server()
    spec = make_spec(server, tmp_path)
    path = download(spec, str(tmp_path / "raw"))
    assert path == tmp_path / "raw" / "mpi" / "mpi3d_toy.npz"
    assert path.read_bytes() == CONTENT
    assert download(spec, str(tmp_path / "raw")) == path
    assert server.asked == [None]
    assert not list(path.parent.glob(".*.part"))


def test_interrupted_download_goes_on_where_it_stopped(tmp_path):
    server = Server(cuts=[3_000_000, 4_500_000])
    spec = make_spec(server, tmp_path)
    for _ in range(2):
        with pytest.raises(DataFileError, match="Try again to go on where it stopped"):
            download(spec, str(tmp_path))
        assert not (tmp_path / "mpi" / "mpi3d_toy.npz").exists()
    assert download(spec, str(tmp_path)).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=2097152-", "bytes=4194304-"]


def test_server_that_cannot_go_on_sends_all_of_it_again(tmp_path):
    server = Server(cuts=[3_000_000], ranges=False)
    spec = make_spec(server, tmp_path)
    with pytest.raises(DataFileError):
        download(spec, str(tmp_path))
    assert download(spec, str(tmp_path)).read_bytes() == CONTENT


def test_part_that_is_complete_already_is_taken(tmp_path):
    server = Server()
    spec = make_spec(server, tmp_path)
    part = tmp_path / "mpi" / ".mpi3d_toy.npz.part"
    part.parent.mkdir()
    part.write_bytes(CONTENT)
    assert download(spec, str(tmp_path)).read_bytes() == CONTENT
    assert not part.exists()


def test_another_file_than_the_published_one_is_not_kept(tmp_path):
    spec = make_spec(Server(), tmp_path, content=b"another file")
    with pytest.raises(DataFileError, match=r"hash.*check that its md5 is [0-9a-f]{32}"):
        download(spec, str(tmp_path))
    assert not list((tmp_path / "mpi").glob("*.npz"))
    assert not list((tmp_path / "mpi").glob(".*.part"))


def test_addresses_are_tried_in_turn_and_each_failure_is_said(tmp_path, capsys):
    gone, server = Server(), Server()
    spec = make_spec(server, tmp_path)
    there, nowhere = spec.original.url, make_spec(gone, tmp_path).original.url
    gone.shutdown()
    gone.server_close()
    original = replace(spec.original, url=nowhere, mirrors=(there,))
    assert download(replace(spec, original=original), str(tmp_path)).read_bytes() == CONTENT
    printed = capsys.readouterr().out
    assert printed.startswith(f"{nowhere}: ") and printed.endswith("; trying another address\n")
    original = replace(original, mirrors=(f"{nowhere}.gz",))
    with pytest.raises(
        DataFileError, match=rf"{nowhere}: .*; {nowhere}.gz: .*or fetch {nowhere} or"
    ):
        download(replace(spec, original=original), str(tmp_path / "empty"))


def test_a_file_without_a_hash_is_fetched_and_one_without_an_address_is_not(tmp_path):
    spec = make_spec(Server(), tmp_path)
    unknown = replace(spec, original=replace(spec.original, hash=None))
    assert download(unknown, str(tmp_path)).read_bytes() == CONTENT
    with pytest.raises(DataFileError, match="no address of the MPI3D toy file is known; put it at"):
        download(replace(spec, original=replace(spec.original, url=None)), str(tmp_path))


def test_without_a_network_the_message_says_what_to_do(tmp_path):
    server = Server()
    spec = make_spec(server, tmp_path)
    server.shutdown()
    server.server_close()
    with pytest.raises(DataFileError, match=r"cannot download MPI3D toy: .* put it at .*npz\."):
        download(spec, str(tmp_path))
