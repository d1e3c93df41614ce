"""The sections of a configuration, each read on its own: checked and normalised."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from disentgen.dataset.build import build_dataset, choose_source, name_dataset
from disentgen.dataset.originals.find import raw_folder
from disentgen.dataset.own.choose import choose_spec, read_request
from disentgen.dataset.split import Split
from disentgen.dataset.splits import check_split_params
from disentgen.dataset.splitting import build_split
from disentgen.errors import UsageError
from disentgen.models import FAMILIES
from disentgen.models.outputs import Output
from disentgen.paths import expand
from disentgen.registry import choose, unknown
from disentgen.schema import check, defaults, describe_keys
from disentgen.text import shorten
from disentgen.training.losses import PairKL, check_judged, losses
from disentgen.training.optimizers import resolve_optimizer
from disentgen.training.rates import resolve_rates
from disentgen.training.settings import ProcessSettings, TrainingSettings

SECTIONS = ("dataset", "model", "training")
#: Keys that are no settings of the process.
NOT_OF_THE_PROCESS = (*SECTIONS, "experiment", "plugins")
KEYS = (*NOT_OF_THE_PROCESS, *describe_keys(ProcessSettings))


def open_split(section: Mapping[str, Any]) -> Split:
    """The split that a checked ``dataset`` section means."""
    keys = describe_keys(build_dataset)
    words = {name: value for name, value in section.items() if keys[name].split}
    return build_split(choose_spec(section), **words)


def check_sections(given: Mapping[str, Any]) -> None:
    """Check that a configuration has no keys but those that there are, and sections where due.

    Raises:
        UsageError: it has others.
    """
    for name in given:
        if name not in KEYS:
            raise unknown("configuration key", name, KEYS)
    for section in SECTIONS:
        section_given = given.get(section, {})
        if not isinstance(section_given, Mapping):
            shown = shorten(str(section_given))
            advice = f"; write {section}.{shown}" if isinstance(section_given, str) else ""
            raise UsageError(f"{section}={shown}: '{section}' is a section of settings{advice}.")


def section_defaults(section: str, family: str) -> dict[str, Any]:
    """The defaults of a section as plain data."""
    if section == "model":
        return {"family": family, **defaults(choose("model family", family, FAMILIES).build)}
    targets: dict[str, Callable[..., Any]] = {
        "dataset": build_dataset,
        "training": TrainingSettings,
    }
    return defaults(targets[section])


def read_dataset(given: Mapping[str, Any]) -> dict[str, Any]:
    """The ``dataset`` section, and which images it means here and now."""
    checked = check("dataset", build_dataset, given)
    checked["root"] = checked["root"] and str(raw_folder(checked["root"]))
    if checked["spec"] is not None:
        checked["spec"] = str(expand(checked["spec"]))
        checked["name"] = name_dataset(checked["name"], checked["spec"])
    for name in ("held_in_file", "held_out_file"):
        checked[name] = checked[name] and str(expand(checked[name]))
    if checked["split"] is not None:
        params = check_split_params(checked["split"], checked["split_params"] or {})
        checked["split_params"] = params
    if checked["file"] is not None:
        return checked | read_file(checked)
    if checked["name"] is not None:
        spec = choose_spec(checked)
        source = choose_source(spec, checked["root"], checked["source"])
        # Originals have none, which is said as before there were several.
        drawing = checked["drawing"] or (spec.drawing if source != "original" else 1)
        checked |= {"version": spec.version, "source": source, "drawing": drawing}
    return checked


def read_file(checked: Mapping[str, Any]) -> dict[str, Any]:
    """What a ``dataset`` section says of a user's file, here and now.

    The file itself is only looked at where no version says yet which images it holds.
    """
    request = read_request(checked)
    version = checked["version"] or choose_spec(checked).version
    source = "stand-in" if checked["source"] == "stand-in" else "original"
    return {
        "file": str(request.file), "name": request.name, "version": version, "source": source,
        "drawing": 1,
    }  # fmt: skip


def read_training(given: Mapping[str, Any], family: str) -> TrainingSettings:
    """The ``training`` section, the parameters of its objective filled in."""
    settings = resolve_rates(TrainingSettings(**check("training", TrainingSettings, given)))
    output = FAMILIES[family].output
    check_judged(settings.loss.name, output)
    loss = replace(
        settings.loss, params=settings.resolve_loss(), pair_kl=_read_pair_kl(settings, output)
    )
    return replace(settings, loss=loss, optimizer_params=resolve_optimizer(settings))


def _read_pair_kl(settings: TrainingSettings, output: type[Output]) -> PairKL | None:
    """How the KL of a pair of images counts; None where no target has a pair, or no KL counts."""
    given = settings.loss.pair_kl
    if output.encoded_images < 2:
        if given is not None:
            raise UsageError(
                f"training.loss.pair_kl={given} is for composers and others that encode two "
                "images for each target; leave it away here."
            )
        return None
    return (given or "sum") if losses()[settings.loss.name].counts_kl else None
