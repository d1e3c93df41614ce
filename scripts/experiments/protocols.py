"""Write how each row of a study is trained as data of the library, from the study's entries.

To be run after a change of the entries, of a default or of a named configuration:

    python -m experiments.protocols
"""

import importlib
from typing import TYPE_CHECKING, Any

from disentgen.command_line import CommandParser
from disentgen.plain_settings import read_words
from disentgen.streams import run_command
from disentgen.studies import Study, load_studies
from disentgen.studies.protocols import NOT_OF_A_ROW, format_packed, pack
from disentgen.studies.rows import Row, Words

if TYPE_CHECKING:
    from disentgen.training.config import Config
    from experiments.call import Call
    from experiments.experiment import TrainingExperiment


def collect_protocols(study: Study) -> dict[Row, dict[str, Any]]:
    """Every row's configuration as its own experiment reads it, and its number of steps."""
    return {
        row: describe_protocol(read_protocol(row.experiment, entry.words))
        for row, entry in study.entries.items()
    }


def read_protocol(experiment: str, words: Words) -> "Config":
    """The configuration of a run with these words on its command line; nothing is trained."""
    return read_call(experiment, words).config


def read_call(experiment: str, words: Words) -> "Call":
    """The same, with what was given of it."""
    command: TrainingExperiment = importlib.import_module(f"experiments.{experiment}").experiment
    return command.read(*read_words(words))


def describe_protocol(config: "Config") -> dict[str, Any]:
    """What distinguishes runs of a configuration from others, as flat data, and their steps."""
    from disentgen.training.identity import cell_settings

    split = config.split.describe()
    settings = cell_settings(config, split)
    images, training = split["train"]["count"], config.training
    length = training.epoch_length or images // training.batch_size
    own = {key: value for key, value in settings.items() if key not in NOT_OF_A_ROW}
    return {**own, "steps": training.epochs * length}


def main() -> None:
    """Write ``protocols.json`` of every study."""
    CommandParser(prog="python -m experiments.protocols", description=main.__doc__).parse_args()
    for study in load_studies().values():
        text = format_packed(pack(collect_protocols(study)))
        study.protocols.write_text(text, encoding="utf-8")
        print(study.protocols)


if __name__ == "__main__":
    run_command(main)
