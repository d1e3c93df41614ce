"""Settings as they are given: plain data from words and files, whatever these say."""

import sys
import time

import pytest

from bad_lines import FILES
from disentgen.errors import UsageError
from disentgen.plain_settings import nest, read_words
from disentgen.settings_files import read_settings_file


def write(folder, name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("plain.json", '{"training": {"lr": 0.001, "loss": {"params": {}}}, "seed": 1}'),
        (
            "mark.json",
            b'\xef\xbb\xbf{"training": {"lr": 0.001, "loss": {"params": {}}}, "seed": 1}',
        ),
        ("dots.json", '{"training.lr": 0.001, "training": {"loss.params": {}}, "seed": 1}'),
        ("plain.yaml", "training:\n  lr: 1.0e-3\n  loss: {params: {}}\nseed: 1\n"),
        ("again.yml", "training:\n  lr: &lr 0.001\n  loss: {params: {}}\nseed: 1\n# *lr\n"),
    ],
)
def test_files_of_either_kind_say_the_same(tmp_path, name, content):
    read = read_settings_file(write(tmp_path, name, content))
    assert read == {"training": {"lr": 0.001, "loss": {"params": {}}}, "seed": 1}


def test_an_alias_stands_for_what_it_names(tmp_path):
    path = write(tmp_path, "a.yaml", "model: {encoder: &a [[relu]], decoder: *a}")
    assert read_settings_file(path)["model"] == {"encoder": [["relu"]], "decoder": [["relu"]]}


def test_nothing_runs_whatever_a_file_or_word_says(tmp_path, monkeypatch):
    """Sacred would restore the first four by jsonpickle, and unpickle the last."""
    monkeypatch.setattr("os.abort", lambda: pytest.fail("code of a file was run"))
    refused = {"object.json": "is no key", "object.yaml": "the tag", "state.pickle": "end in"}
    for name, message in refused.items():
        with pytest.raises(UsageError, match=message):
            read_settings_file(write(tmp_path, name, FILES[name]))
    for key in ("py/object", "py/reduce", "py/function", "json://x", "py/id"):
        for word in (f"training={{'{key}': 'os.abort'}}", f"{key}=1", f"a=[{{'{key}': 1}}]"):
            with pytest.raises(UsageError, match="is no key"):
                read_words([word])
    assert not {"jsonpickle", "pickle5"} & set(vars(sys.modules["disentgen.settings_files"]))


@pytest.mark.parametrize(
    "name", ["bomb.yaml", "deep.json", "deep.yaml", "large.json", "circle.yaml"]
)
def test_what_would_grow_is_refused_at_once(tmp_path, name):
    path = write(tmp_path, name, FILES[name])
    started = time.process_time()
    with pytest.raises(UsageError, match="nest|100,000 values|bytes"):
        read_settings_file(path)
    assert time.process_time() - started < 5


def test_words_are_python_where_they_can_be_and_text_else():
    words = [
        "a.b=1",
        "a.c='1'",
        "a.d=1e3",
        "e=None",
        "f=[(1, 'x'), {'k': 2}]",
        "g=1+",
        "h= x=y ",
        "i=",
    ]
    settings, names = read_words([*words, "model.kim", ""])
    assert settings == {
        "a": {"b": 1, "c": "1", "d": 1000.0}, "e": None, "f": [[1, "x"], {"k": 2}], "g": "1+",
        "h": "x=y", "i": "",
    }  # fmt: skip
    assert names == ["model.kim"]


def test_later_words_and_keys_win_and_sections_are_joined():
    assert read_words(["a.b=1", "a={'c': 2}", "a.b=3"])[0] == {"a": {"c": 2, "b": 3}}
    assert nest({"a.b": 1, "a": {"c": {}}}) == {"a": {"b": 1, "c": {}}}
    assert nest({"a": {"b": {"x": 1}}, "a.b": {"y": 2}}) == {"a": {"b": {"x": 1, "y": 2}}}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"a": object()}, "'object'"),
        ({"a": {1}}, "'set'"),
        ({"a": 2**63}, "64 bits"),
        ({"a": "\x1b[31m"}, "cannot be shown"),
        ({"a": [["\ud800"]]}, "cannot be shown"),
        ({"a": {1: 2}}, "1 in 'a' is no key"),
        ({"a-b": 1}, "'a-b' is no key"),
        ({"a.": 1}, "'a.' is no key"),
    ],
)
def test_what_is_no_plain_data_is_refused(settings, message):
    with pytest.raises(UsageError, match=message):
        nest(settings)
