"""Folders of runs as a stranger, a full disk or a bad copy may leave them."""

import json
import os
import pickle
import shutil
import socket
import stat
import struct
import zipfile
from collections.abc import Callable, Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any

import numpy as np
import torch

#: What is done to a run's folder; the second argument is a folder that nothing may change.
Craft = Callable[[Path, Path], object]

TEXTS = ("config.json", "run.json", "results.json", "split.json", "model.json", "history.csv")
TENSORS = ("model.pt", "checkpoint.pt")
WRITTEN = ("cout.txt", "metrics.json", "info.json", "run.lock", "reconstructions.png", "analysis")
ESCAPE = "\x1b]0;owned\x07\x1b[2J\r\u202egnp.txt"
HTML = '<script>alert(1)</script><img src=x onerror=alert(1)>"\' onload="alert(1)'
MATH = r"$\frac{1}$ 10$ $x_{$ \badcommand$"
LATEX = r"\input{/etc/passwd}%&_#^~{}$"
#: A little of each, no longer than the name of a model may be.
SHORT = (
    '<script>alert(1)</script>"\'onload="x $\\frac{1}$ $x_{$ \\input{/etc/x}%&_#^~ \x1b[2J\r\u202e'
)


class Runs:
    """Runs a command where it is unpickled."""

    def __init__(self, canary: Path):
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.canary}",)


def replace(name: str, make: Callable[[Path, Path], object]) -> Craft:
    """Put something else in the place of a file."""

    def craft(run: Path, outside: Path) -> None:
        path = run / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        path.parent.mkdir(exist_ok=True)
        make(path, outside)

    return craft


def write(content: bytes) -> Callable[[Path, Path], object]:
    return lambda path, outside: path.write_bytes(content)


def make_socket(path: Path, outside: Path) -> None:
    with chdir(path.parent), socket.socket(socket.AF_UNIX) as opened:  # addresses are short
        opened.bind(path.name)


def make_device(path: Path, outside: Path) -> None:
    """``/dev/zero``, which never ends; a link to it for whom may not make one."""
    try:
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 5))
    except PermissionError:
        path.symlink_to("/dev/zero")


def make_giant(path: Path, outside: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**40)


def lock_out(path: Path, outside: Path) -> None:
    path.write_bytes(b"{}")
    path.chmod(0)


#: What may have a file's name.
KINDS: dict[str, Callable[[Path, Path], object]] = {
    "link": lambda path, outside: path.symlink_to(outside / path.name),
    "link to a secret": lambda path, outside: path.symlink_to(outside / "secret.txt"),
    "link to nothing": lambda path, outside: path.symlink_to(outside / "nothing"),
    "link to itself": lambda path, outside: path.symlink_to(path.name),
    "link to a folder": lambda path, outside: path.symlink_to(outside / "folder"),
    "folder": lambda path, outside: path.mkdir(),
    "pipe": lambda path, outside: os.mkfifo(path),
    "socket": make_socket,
    "device": make_device,
}
#: What may stand in a file beside what should.
CONTENTS: dict[str, Callable[[Path, Path], object]] = {
    "giant": make_giant,
    "locked": lock_out,
    "empty": write(b""),
    "zeros": write(bytes(4096)),
    "not UTF-8": write(b'{"status": "\xff\xfe"}'),
    "UTF-16": write('{"status": "x"}'.encode("utf-16")),
    "byte-order mark": write(b"\xef\xbb\xbf{}"),
    "list": write(b"[1, 2]"),
    "null": write(b"null"),
    "text": write(b'"text"'),
    "deep": write(b'{"a":' * 100_000),
    "deep lists": write(b'{"dataset": ' + b"[" * 400 + b"]" * 400 + b"}"),
    "half a character": write(b'{"status": "\\ud800", "experiment": "\\udfff"}'),
    "many digits": write(b'{"epochs": ' + b"9" * 5000 + b"}"),
    "other types": write(
        b'{"dataset": [], "model": 3, "training": "x", "status": {}, "scores": [], "split": 1,'
        b' "host": 1, "meta": [], "experiment": 7, "family": {}, "image_shape": {}, "held_in": 0}'
    ),
    "objects": write(
        b'{"py/object": "os.system", "py/reduce": [{"py/function": "os.system"}, {"py/tuple":'
        b' ["touch executed"]}], "dataset": {"py/object": "posix.system"}}'
    ),
}


def change(name: str, edit: Callable[[Any], object]) -> Craft:
    """Edit the plain data of a JSON file."""

    def craft(run: Path, outside: Path) -> None:
        content = json.loads((run / name).read_text(encoding="utf-8"))
        edit(content)
        (run / name).write_text(json.dumps(content), encoding="utf-8")

    return craft


def put(name: str, key: str, value: Any) -> Craft:
    """Set one key, with dots, of a JSON file."""

    def edit(content: Any) -> None:
        *sections, last = key.split(".")
        for section in sections:
            content = content.setdefault(section, {})
        content[last] = value

    return change(name, edit)


def drop(name: str, key: str) -> Craft:
    """Take one key, with dots, from a JSON file."""

    def edit(content: Any) -> None:
        *sections, last = key.split(".")
        for section in sections:
            content = content[section]
        content.pop(last, None)

    return change(name, edit)


def rewrite(name: str, edit: Callable[[str], str]) -> Craft:
    def craft(run: Path, outside: Path) -> None:
        (run / name).write_text(edit((run / name).read_text()))

    return craft


def list_images(path: str) -> Craft:
    """A run whose split is said to be listed in a file."""
    return change(
        "config.json",
        lambda content: content["dataset"].update(variant=None, held_in_file=path),
    )


NUMBERS = {"nan": float("nan"), "infinite": float("inf"), "negative": -1, "text": "many",
           "large": 10**400, "null": None, "list": [1], "bool": True}  # fmt: skip
KEYS = (
    ("config.json", "training.epochs"), ("config.json", "model.latent_size"),
    ("config.json", "seed"), ("config.json", "training.lr"),
    ("results.json", "scores.train.nll"), ("results.json", "scores.held_out.nll"),
    ("results.json", "epochs"), ("run.json", "heartbeat"),
)  # fmt: skip
NAMES = (
    ("config.json", "model.name"), ("config.json", "experiment"), ("run.json", "meta.comment"),
    ("run.json", "status"), ("run.json", "experiment.mainfile"),
    ("results.json", "data.label"), ("config.json", "dataset.held_out"),
    ("config.json", "training.loss.name"), ("config.json", "model.family"),
)  # fmt: skip
MANY = dict.fromkeys(map(str, range(50_000)), 1)
SETTINGS: dict[str, Craft] = {
    "unknown dataset": put("config.json", "dataset.name", "nothing"),
    "unknown version": put("config.json", "dataset.version", "nothing"),
    "unknown variant": put("config.json", "dataset.variant", "nothing"),
    "nested expression": put("config.json", "dataset.held_out", "~" * 3000 + "(shape == 1)"),
    "long expression": put("config.json", "dataset.held_out", f"shape == {'1' * 400}"),
    "list of images elsewhere": list_images("/etc/passwd"),
    "list of images in the run": list_images("config.json"),
    "list of images and a variant": put("config.json", "dataset.held_in_file", "/etc/passwd"),
    "family of splits as a path": put("config.json", "dataset.split", "os:system"),
    "parameters of no family": put("config.json", "dataset.split_params", MANY),
    "giant layers": put("config.json", "model.encoder", [["linear", [10**9, True]]] * 3),
    "giant latents": put("config.json", "model.latent_size", 10**15),
    "long name": put("config.json", "model.name", "x" * 10**6),
    "many settings": put("config.json", "training.loss.params", MANY),
    "settings called as columns": change(
        "config.json",
        lambda content: content.update(id=7, status="COMPLETED", path="/", problem="x"),
    ),
    "words": put("run.json", "meta.options.UPDATE", ["x\n; touch executed", "$(id)", "\x1b[A"]),
    "words of other types": put("run.json", "meta.options.UPDATE", [1, {}]),
    "program elsewhere": put("run.json", "experiment.mainfile", "../../../etc/passwd"),
    "host of another type": put("run.json", "host.hostname", ["a"]),
    "no held-out score": drop("results.json", "scores.held_out"),
    "no scores": drop("results.json", "scores"),
    "no data": drop("results.json", "data"),
    "no split": drop("results.json", "split"),
    "another digest": put("results.json", "model_sha256", "0" * 64),
    "many scores": put("results.json", "scores.x", MANY),
    "other sides": put("split.json", "held_in.sha256", ["x"]),
    "null weights": put("split.json", "weights", None),
    "negative count": put("split.json", "held_out.count", -1),
    "no expressions": drop("split.json", "expressions"),
    "other family": put("model.json", "family", "decoder"),
    "no factors": put("model.json", "factors", []),
    "other images": put("model.json", "image_shape", [3, 64, 64]),
    "giant images": put("model.json", "image_shape", [10**9, 10**9, 10**9]),
    "terabytes": put("model.json", "parameters.latent_size", 10**11),
    "too many": put("model.json", "parameters.latent_size", 10**30),
    "layers of other types": put("model.json", "parameters.encoder", [[1, 2], None, {}]),
    "unknown layer": put("model.json", "parameters.encoder", [["os.system", ["touch executed"]]]),
    "many layers": put("model.json", "parameters.encoder", [["relu", []]] * 20_000),
    "wide layers": put("model.json", "parameters.encoder", [["conv", [10**7, 3, 1, 1]]]),
    "ragged history": rewrite("history.csv", lambda text: text + "3,4\n"),
    "long row": rewrite("history.csv", lambda text: text.replace("\n1,", "\n1,7,7,7,", 1)),
    "text in history": rewrite("history.csv", lambda text: text.replace("\n1,", "\none,", 1)),
    "columns twice": rewrite("history.csv", lambda text: text.replace("step", "epoch", 1)),
    "head alone": rewrite("history.csv", lambda text: text.split("\n")[0]),
    "quotes": rewrite("history.csv", lambda text: text + '"\n'),
    "formula": rewrite("history.csv", lambda text: text.replace("train.loss", "=cmd|$x$", 1)),
    "history of a million digits": rewrite("history.csv", lambda text: text + "9" * 10**6 + "\n"),
}  # fmt: skip


def repack(
    edit: Callable[[str, bytes], bytes], how: int = zipfile.ZIP_STORED
) -> Callable[..., Any]:
    """Change members of an archive of tensors."""

    def make(path: Path, outside: Path) -> None:
        source = path.with_name("model.pt" if path.name == "checkpoint.pt" else "checkpoint.pt")
        with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w", how) as new:
            for member in old.infolist():
                new.writestr(member.filename, edit(member.filename, old.read(member)))

    return make


def run_in_archive(path: Path, outside: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Runs(outside / "executed"), 2))
        archive.writestr("archive/version", "3\n")


def claim_more(path: Path, outside: Path) -> None:
    """Weights whose storages are said to be larger than they are."""
    torch.save({"a": torch.zeros(1_000_003, dtype=torch.float32)}, path)
    content = path.read_bytes()
    path.write_bytes(content.replace(struct.pack("<i", 1_000_003), struct.pack("<i", 2**31 - 1)))


BINARIES: dict[str, Callable[[Path, Path], object]] = {
    "pickle": lambda path, outside: path.write_bytes(pickle.dumps(Runs(outside / "executed"))),
    "old pickle": lambda path, outside: path.write_bytes(
        pickle.dumps(Runs(outside / "executed"), 0)
    ),
    "pickle in an archive": run_in_archive,
    "torch.save of a pickle": lambda path, outside: torch.save(
        {"a": Runs(outside / "executed")}, path
    ),
    "legacy": lambda path, outside: torch.save(
        {"a": torch.zeros(3)}, path, _use_new_zipfile_serialization=False
    ),
    "cut off": lambda path, outside: path.write_bytes(b"PK\x03\x04" + bytes(1000)),
    "no dictionary": lambda path, outside: torch.save([torch.zeros(3)], path),
    "other weights": lambda path, outside: torch.save({"a": torch.zeros(3)}, path),
    "no tensors": lambda path, outside: torch.save({"model": 3, "history": "x"}, path),
    "larger storages": claim_more,
    "expanded": lambda path, outside: torch.save({"a": torch.zeros(1).expand(10**12)}, path),
    "sparse": lambda path, outside: torch.save({"a": torch.eye(3).to_sparse()}, path),
    "packed zeros": repack(
        lambda name, old: bytes(10**8) if "/data/" in name else old, zipfile.ZIP_DEFLATED
    ),
    "damaged pickle": repack(lambda name, old: old[: len(old) // 2] if "pkl" in name else old),
    "other numbers": repack(lambda name, old: old[::-1] if "/data/" in name else old),
    "short numbers": repack(lambda name, old: old[:8] if "/data/" in name else old),
}  # fmt: skip
ANALYSIS: dict[str, Craft] = {
    "linked pictures": lambda run, outside: [
        replace(f"analysis/{name}", KINDS["link to a secret"])(run, outside)
        for name in ("metrics.json", "pictures.json", "curves.png", "traversals.gif")
    ],
    "pipes as pictures": lambda run, outside: [
        replace(f"analysis/{name}", KINDS["pipe"])(run, outside)
        for name in ("metrics.json", "pictures.json", "curves.png", "errors.png", "errors_2000.npz")
    ],
    "objects as arrays": lambda run, outside: [
        replace(f"analysis/{name}", lambda path, outside: np.savez(
            path, stamp=np.array([Runs(outside / "executed")], dtype=object)
        ))(run, outside) for name in ("errors_2000.npz", "codes_train_2000.npz")
    ],
    "metrics of other types": replace("analysis/metrics.json", write(b'{"measured": {"mig": 7}}')),
    "sources beside it": lambda run, outside: replace(
        "_sources", KINDS["link to a folder"])(run.parent, outside),
    "template beside it": lambda run, outside: (run.parent / "template.html").write_text(
        f"<% import os; os.system('touch {outside / 'executed'}') %>"),
}  # fmt: skip


def plant(name: str, key: str, value: Any) -> Craft:
    """Name code in a JSON file, which may lie in the run's folder."""

    def craft(run: Path, outside: Path) -> None:
        put(name, key, value)(run, outside)
        text = f"import os\nos.system('touch {outside / 'executed'}')\n"
        (run / "planted.py").write_text(text)
        (run / "planted_package").mkdir()
        (run / "planted_package" / "__init__.py").write_text(text)

    return craft


#: Runs that name code: nothing of it is imported, be it there or not.
CODE: dict[str, Craft] = {
    "plugin os": plant("config.json", "plugins", ["os"]),
    "plugin in the run": plant("config.json", "plugins", ["planted", "planted_package"]),
    "plugin that acts on a terminal": plant("config.json", "plugins", [ESCAPE]),
    "plugins of another type": plant("config.json", "plugins", {"os": "system"}),
    "plugins of other types": plant("config.json", "plugins", [["os"], 3]),
    "long plugin": plant("config.json", "plugins", ["x" * 10**6]),
    "many plugins": plant("config.json", "plugins", [f"a{number}" for number in range(1000)]),
    "specification in the run": plant("config.json", "dataset.spec", "planted.py"),
    "specification that is a package": plant("config.json", "dataset.spec", "./planted_package"),
    "specification of another type": plant("config.json", "dataset.spec", ["planted.py"]),
    "encoder os:system": plant("config.json", "model.encoder", "os:system"),
    "layer os:system": plant("config.json", "model.encoder",
                             [["import", ["os:system", {"command": "touch executed"}]]]),
    "layer in the run": plant("config.json", "model.encoder", [["import", ["planted:Encoder"]]]),
    "layer of a dotted callable": plant("config.json", "model.encoder",
                                        [["import", ["os.system", {}]], ["os.system", []]]),
    "objective os.system": plant("config.json", "training.loss.name", "os.system"),
    "objective os:system": plant("config.json", "training.loss.name", "os:system"),
    "dataset planted:SPECS": plant("config.json", "dataset.name", "planted:SPECS"),
    "family os:system": plant("config.json", "model.family", "os:system"),
    "family of objects": plant("config.json", "model.family", "live"),
    "network os:system": plant("model.json", "parameters.encoder",
                               [["import", ["os:system", {"command": "touch executed"}]]]),
    "network in the run": plant("model.json", "parameters.encoder",
                                [["import", ["planted:Encoder"]]]),
    "network of objects": plant("model.json", "family", "live"),
}  # fmt: skip


def do_all(*names: str) -> Craft:
    """Do to one folder what is done to several."""

    def craft(run: Path, outside: Path) -> None:
        for name in names:
            CRAFTS[name](run, outside)

    return craft


def list_crafts() -> Iterator[tuple[str, Craft]]:
    """All that is done to folders, by name."""
    for name in (*TEXTS, *TENSORS, *WRITTEN):
        for kind, make in KINDS.items():
            yield f"{name} {kind}", replace(name, make)
    for name in TEXTS:
        for kind, make in CONTENTS.items():
            yield f"{name} {kind}", replace(name, make)
    for name in TENSORS:
        for kind in ("giant", "locked", "empty", "zeros"):
            yield f"{name} {kind}", replace(name, CONTENTS[kind])
        for kind, make in BINARIES.items():
            yield f"{name} {kind}", replace(name, make)
    for name, key in KEYS:
        for kind, value in NUMBERS.items():
            yield f"{key} {kind}", put(name, key, value)
    for name, key in NAMES:
        for kind, text in {"escape": ESCAPE, "html": HTML, "math": MATH, "latex": LATEX}.items():
            yield f"{key} {kind}", put(name, key, text)
    yield "all in a name", put("config.json", "model.name", SHORT)
    yield "all in a comment", put("run.json", "meta.comment", HTML + MATH + LATEX + ESCAPE)
    yield "all at once", do_all("all in a name", "all in a comment", "linked pictures")
    yield from SETTINGS.items()
    yield from ANALYSIS.items()
    yield from CODE.items()


CRAFTS = dict(list_crafts())


def make_outside(folder: Path) -> Path:
    """A folder that links lead to, and that nothing may change."""
    (folder / "folder").mkdir(parents=True)
    for name in ("secret.txt", "folder/secret.txt", *TEXTS, *TENSORS, *WRITTEN[:-1]):
        (folder / name).write_text(f"secret of {name}\n")
        os.utime(folder / name, (10**9, 10**9))
    return folder


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    """All that lies below a folder: times and contents."""
    return {
        str(path): (path.lstat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in sorted([folder, *folder.rglob("*")])
    }


def make_folder(run: Path, source: Path, outside: Path, name: str) -> Path:
    """A copy of a run, to which something is done.

    Args:
        run: the folder to be made.
        source: of a sound run.
        outside: that links lead to.
        name: of what is done.
    """
    shutil.copytree(source, run)
    CRAFTS[name](run, outside)
    return run
