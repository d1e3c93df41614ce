"""Files of a run's folder: regular ones alone, none of them waited for, none written elsewhere."""

import os
import zipfile

import numpy as np
import pytest
import torch

from conftest import REPOSITORY
from disentgen.errors import DataFileError, UsageError, describe_failure
from disentgen.files import (
    append_regular,
    check_archive,
    check_regular,
    open_regular,
    own_folder,
    read_regular,
    remove_file,
)
from disentgen.paths import replaced_whole, write_whole
from disentgen.plain_files import parse_saved
from disentgen.report.latex import escape
from disentgen.report.rendering import open_templates
from disentgen.saved import SavedConfig, SavedRecord, SavedResults
from disentgen.text import join_lines, make_visible
from disentgen.weights import map_tensors, rebuild_model
from strangers import KINDS, make_outside

EARLIER = REPOSITORY / "tests" / "fixtures" / "earlier_runs"
EXPECTED = {"link": "a symbolic link", "folder": "a folder", "pipe": "a pipe", "socket": "a socket",
            "device": "a device|a symbolic link"}  # fmt: skip


@pytest.fixture
def outside(tmp_path):
    return make_outside(tmp_path / "outside")


@pytest.mark.parametrize("kind", EXPECTED)
def test_what_is_no_regular_file_is_neither_read_nor_written(kind, tmp_path, outside):
    path = tmp_path / "run.json"
    KINDS[kind](path, outside)
    for use in (read_regular, check_regular, lambda path: append_regular(path, b"more")):
        with pytest.raises(DataFileError, match=f"run.json is ({EXPECTED[kind]}), where a regular"):
            use(path)
    assert (outside / "run.json").read_text() == "secret of run.json\n"


def test_a_file_is_read_up_to_its_limit_and_not_there_is_no_damage(tmp_path):
    (tmp_path / "a").write_bytes(b"12345")
    assert read_regular(tmp_path / "a", 5) == b"12345"
    with pytest.raises(DataFileError, match="has 5 bytes; 4 are accepted"):
        read_regular(tmp_path / "a", 4)
    assert read_regular(tmp_path / "b") is None
    with pytest.raises(DataFileError, match="cannot be read: Not a directory"):
        read_regular(tmp_path / "a" / "b")
    with pytest.raises(FileNotFoundError), open_regular(tmp_path / "b", 5):
        pass


def test_only_files_of_one_name_are_appended_to(tmp_path):
    append_regular(tmp_path / "cout.txt", b"a")
    append_regular(tmp_path / "cout.txt", b"b")
    assert (tmp_path / "cout.txt").read_bytes() == b"ab"
    os.link(tmp_path / "cout.txt", tmp_path / "keys")
    with pytest.raises(DataFileError, match="it has several names"):
        append_regular(tmp_path / "cout.txt", b"c")
    assert (tmp_path / "keys").read_bytes() == b"ab"


def test_what_is_removed_is_a_file_or_a_link(tmp_path):
    (tmp_path / "kept").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    (tmp_path / "folder").mkdir()
    for name in ("link", "none"):
        remove_file(tmp_path / name)
    with pytest.raises(DataFileError, match="folder cannot be removed: Is a directory"):
        remove_file(tmp_path / "folder")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "kept"]


def test_folders_inside_a_run_are_no_links(tmp_path, outside):
    assert own_folder(tmp_path / "analysis") == tmp_path / "analysis"
    (tmp_path / "analysis").symlink_to(outside)
    with pytest.raises(DataFileError, match="is a symbolic link, where a folder"):
        own_folder(tmp_path / "analysis")


def test_a_link_is_replaced_and_a_planted_temporary_not_used(tmp_path, outside, monkeypatch):
    (tmp_path / "run.json").symlink_to(outside / "run.json")
    write_whole(tmp_path / "run.json", lambda file: file.write_text("{}"))
    assert not (tmp_path / "run.json").is_symlink()
    monkeypatch.setattr("secrets.token_hex", lambda count: "guessed")
    planted = tmp_path / f".run.json.{os.getpid()}.guessed.tmp"
    planted.symlink_to(outside / "run.json")
    with pytest.raises(DataFileError, match="File exists"), replaced_whole(tmp_path / "run.json"):
        pass
    assert (outside / "run.json").read_text() == "secret of run.json\n"


@pytest.mark.parametrize(
    ("shape", "text", "problem"),
    [
        (SavedConfig, '{"a": ' * 60 + "1" + "}" * 60, "nested too deeply"),
        (SavedConfig, '{"a": ' * 100_000, "nested too deeply"),
        (SavedConfig, "[]", "valid dictionary"),
        (SavedConfig, '{"dataset": []}', "dataset: input should be a valid dictionary"),
        (SavedConfig, '{"a": 1' + "0" * 40 + "}", "a number in it is too large"),
        (SavedConfig, '{"a": 1' + "0" * 5000 + "}", "Exceeds the limit"),
        (SavedConfig, '{"a": "\\ud800"}', "surrogates not allowed"),
        (SavedConfig, f'{{"a": {list(range(300_000))}}}', "more than 200,000 values"),
        (SavedConfig, '{"a": {' + ",".join(f'"{n}": 1' for n in range(2000)) + "}}", "settings"),
        (SavedRecord, '{"status": "R", "heartbeat": "never"}', "heartbeat: value error"),
        (SavedRecord, "{}", "status: field required"),
        (SavedResults, '{"scores": {"train": {"nll": NaN}}}', "field required|finite"),
    ],
)
def test_damage_is_named(shape, text, problem, tmp_path):
    with pytest.raises(DataFileError, match=f"x.json is damaged: .*({problem})"):
        parse_saved(tmp_path / "x.json", text.encode(), shape)


def test_packed_or_shared_parts_of_archives_are_refused(tmp_path):
    for name, how in {"stored": zipfile.ZIP_STORED, "packed": zipfile.ZIP_DEFLATED}.items():
        with zipfile.ZipFile(tmp_path / name, "w", how) as archive:
            archive.writestr("data/0", bytes(1000))
    with open_regular(tmp_path / "stored", 10_000) as file:
        check_archive(file, tmp_path)
        assert file.tell() == 0
    with (
        pytest.raises(DataFileError, match="not those that were stored"),
        open_regular(tmp_path / "packed", 10_000) as file,
    ):
        check_archive(file, tmp_path)


DESCRIPTION = {
    "family": "lgm", "image_shape": [1, 64, 64], "factors": ["shape"],
    "parameters": {"encoder": [["flatten", []], ["linear", [2, True]]], "latent_size": 2},
}  # fmt: skip


def describe(**changes):
    return {**DESCRIPTION, "parameters": {**DESCRIPTION["parameters"], **changes}}


@pytest.mark.parametrize(
    ("description", "problem"),
    [
        (describe(latent_size=10**6), "is not of the model in model.json"),
        (describe(latent_size=10**30), "model.json describes no model"),
        (describe(encoder=[["os.system", ["x"]]]), "model.json describes no model: unknown"),
        ({**DESCRIPTION, "family": "nothing"}, "model.json describes no model"),
        (describe(encoder=[["flatten", []], ["linear", [3, True]]]), r"expected: .*3"),
    ],
)
def test_models_are_compared_with_their_weights_before_they_take_memory(
    description, problem, tmp_path
):
    from disentgen.models import build_model

    model = build_model("lgm", (1, 64, 64), 1, DESCRIPTION["parameters"])
    torch.save(model.state_dict(), tmp_path / "model.pt")
    again = rebuild_model(DESCRIPTION, tmp_path / "model.pt")
    assert all(map(torch.equal, again.state_dict().values(), model.state_dict().values()))
    with pytest.raises(DataFileError, match=problem):
        rebuild_model(description, tmp_path / "model.pt")


def test_weights_that_repeat_one_number_are_no_reason_to_take_memory(tmp_path):
    from disentgen.models import build_model

    big = describe(encoder=[["flatten", []], ["linear", [10**6, True]]])
    with torch.device("meta"):
        shapes = build_model("lgm", (1, 64, 64), 1, big["parameters"]).state_dict()
    shared = {name: torch.zeros(1).expand(value.shape) for name, value in shapes.items()}
    torch.save(shared, tmp_path / "model.pt")
    with pytest.raises(DataFileError, match="smaller than the weights that it describes"):
        rebuild_model(big, tmp_path / "model.pt")


def test_storages_end_with_their_file(tmp_path):
    """Though the archive says that one is much larger."""
    torch.save({"a": torch.zeros(1_000_003)}, tmp_path / "a.pt")
    content = (tmp_path / "a.pt").read_bytes()
    claimed = (2**31 - 1).to_bytes(4, "little")
    assert content.count((1_000_003).to_bytes(4, "little")) >= 2
    (tmp_path / "a.pt").write_bytes(content.replace((1_000_003).to_bytes(4, "little"), claimed))
    with pytest.raises(DataFileError, match=r"a\.pt is damaged"):
        map_tensors(tmp_path / "a.pt")


def test_texts_of_others_are_visible_wherever_they_are_shown():
    text = "a\x1b[2J\u202eb\ud800\n<b>$x$"
    assert make_visible(text) == r"a\x1b[2J\u202eb\ud800\n<b>$x$"
    assert make_visible("β ≤ 1, 日本") == "β ≤ 1, 日本"
    assert join_lines("a\n b" + "x" * 400).startswith("a bxxx")
    assert len(join_lines("x" * 400)) == 302
    assert str(UsageError(text)) == r"a\x1b[2J\u202eb\ud800" + "\n<b>$x$"
    assert str(DataFileError("\x07")) == r"\x07"
    try:
        raise ValueError(text)
    except ValueError as error:
        assert describe_failure(error).isprintable()
    page = open_templates().from_string('<i title="{{ x }}">{{ x }}</i>').render(x=text)
    shown = "a\\x1b[2J\\u202eb\\ud800\n&lt;b&gt;$x$"
    assert page == f'<i title="{shown}">{shown}</i>'
    assert escape("\x1b\\input") == r"\textbackslash{}x1b\textbackslash{}input"


def test_arrays_that_claim_to_be_larger_than_memory_are_measured_anew(tmp_path):
    from disentgen.analysis.kept import KeptArrays

    arrays = KeptArrays(tmp_path, {})
    arrays.recall("errors", 60, 1, lambda: {"excess": np.zeros(3)})
    path = tmp_path / "errors_60.npz"
    path.write_bytes(path.read_bytes().replace(b"(3,)", b"(9" + b"9" * 15 + b",)"[-2:], 1))
    assert (
        arrays.recall("errors", 60, 1, lambda: {"excess": np.ones(3)})["excess"].tolist() == [1] * 3
    )
