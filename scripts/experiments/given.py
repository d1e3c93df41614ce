"""What a command line gives: a command, or a request for help; options and words."""

import pdb
import shlex
import sys
import traceback
from collections.abc import Mapping, Sequence
from typing import Any

from disentgen.command_line import CommandParser
from disentgen.errors import UsageError
from disentgen.plain_settings import read_words
from disentgen.registry import unknown, use_plugin
from sacred_compat import Experiment, help_for_command
from sacred_compat import Run as SacredRun

#: What becomes of options that may be given several times.
ACTIONS = {"--plugin": "append"}


def call_command(experiment: Experiment, words: Sequence[str]) -> SacredRun | None:
    """Run a command of an experiment as its command line gives it.

    Args:
        experiment: of Sacred.
        words: what was typed, without the program.

    Returns:
        The run; None where only help was asked for.

    Raises:
        UsageError: there is no such command, or words that cannot be read.
    """
    options = parse_options(experiment, words)
    commands = dict(experiment.gather_commands())
    command = options["COMMAND"]
    if command is not None and command not in commands:
        raise unknown("command", command, commands)
    if options["help"] or options["--help"]:
        usage = experiment.get_usage()[1]
        print(usage if command is None else help_for_command(commands[command]))
        return None
    updates, named_configs = read_words(options["UPDATE"])
    try:
        run: SacredRun = experiment.run(command, updates, named_configs, {}, {}, options)
    except Exception:
        if not options["--pdb"]:
            raise
        traceback.print_exc()
        pdb.post_mortem(sys.exc_info()[2])
        raise SystemExit(1) from None
    return run


def use_plugins(options: Mapping[str, Any]) -> None:
    """Have the plugins in use that options name: one of them, or several.

    Raises:
        UsageError: one cannot be used.
    """
    given = options.get("--plugin") or ()
    for plugin in [given] if isinstance(given, str) else given:
        use_plugin(plugin)


def parse_options(experiment: Experiment, words: Sequence[str]) -> dict[str, Any]:
    """A command line by the names that Sacred has for its parts, such as ``UPDATE``.

    Args:
        experiment: of Sacred.
        words: what was typed, without the program.

    Raises:
        UsageError: settings stand before ``with``, or there is more than one command.
    """
    parser = CommandParser(
        prog=f"python -m experiments.{experiment.path!s}", add_help=False, usage="see --help"
    )
    for option in experiment.all_cli_options:
        action = ACTIONS.get(option.get_flag(), "store" if option.arg else "store_true")
        parser.add_argument(*option.get_flags(), dest=option.get_flag(), action=action)
    parser.add_argument("words", nargs="*")
    given, left_over = parser.parse_known_intermixed_args(words)
    parser.refuse(left_over)
    options = vars(given)
    use_plugins(options)
    typed: list[str] = options.pop("words")
    there = "with" in typed
    before = typed[: typed.index("with")] if there else typed
    asked = before[:1] == ["help"]
    command: list[str] = before[int(asked) :]
    _check_command_words(experiment, command)
    return {
        **options, "help": asked, "with": there, "COMMAND": command[0] if command else None,
        "UPDATE": typed[typed.index("with") + 1 :] if there else [],
    }  # fmt: skip


def _check_command_words(experiment: Experiment, words: Sequence[str]) -> None:
    named_configs = dict(experiment.gather_named_configs())
    loose = [word for word in words if "=" in word or word in named_configs]
    if loose:
        raise UsageError(
            f"settings stand after 'with': python -m experiments.{experiment.path!s} with "
            f"{shlex.join(loose)}"
        )
    if len(words) > 1:
        raise UsageError(
            f"one command is run at a time; given: {shlex.join(words)}. Settings stand after "
            "'with'."
        )
