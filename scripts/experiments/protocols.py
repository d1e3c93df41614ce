"""Write how each row of the study is trained as data of the library, from the study's table.

To be run after a change of the table, of a default or of a named configuration:

    python -m experiments.protocols
"""

import contextlib
import importlib
import io
import json
from functools import cache
from typing import Any

from sacred.arg_parser import get_config_updates

from disentgen.dataset.build import build_dataset
from disentgen.runs import flatten
from disentgen.study.protocols import FILE, NOT_OF_A_ROW, format_packed, pack
from disentgen.study.table import TABLE, Row, Words


def collect_protocols() -> dict[Row, dict[str, Any]]:
    """Every row's configuration as its own experiment resolves it, and its number of steps."""
    return {
        row: describe_protocol(resolve_words(row.experiment, entry.words))
        for row, entry in TABLE.items()
    }


def resolve_words(experiment: str, words: Words) -> dict[str, Any]:
    """The configuration of a run with these words on its command line; nothing is trained."""
    command = importlib.import_module(f"experiments.{experiment}").experiment
    updates, named = get_config_updates(words)
    with contextlib.redirect_stdout(io.StringIO()):
        run = command.run("print_config", updates, named, options={"--loglevel": "ERROR"})
    return run.config


def describe_protocol(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration as flat plain data, without what is no part of a protocol, and its steps."""
    plain = json.loads(json.dumps(config))
    flat = {key: value for key, value in flatten(plain).items() if key not in NOT_OF_A_ROW}
    images = count_training_images(**{**plain["dataset"], "root": None, "source": "stand-in"})
    length = flat["training.epoch_length"] or images // flat["training.batch_size"]
    return {**flat, "steps": flat["training.epochs"] * length}


@cache
def count_training_images(**dataset: Any) -> int:
    """Images that a run with this ``dataset`` section trains on."""
    return int(build_dataset(**dataset).split.mask("train").sum())


def main() -> None:
    """Write ``protocols.json``."""
    FILE.write_text(format_packed(pack(collect_protocols())), encoding="utf-8")
    print(FILE)


if __name__ == "__main__":
    main()
