"""What the JSON files of a run hold: the shape of each, of which all else is accepted."""

import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    FiniteFloat,
    NonNegativeInt,
    Strict,
    StrictStr,
    model_validator,
)

from disentgen.schema import Name, flatten

#: Characters of a name, an expression or a comment.
LONGEST = 10_000
#: Settings of a configuration or scores, each of them a column of the table of runs.
SETTINGS = 1_000

#: The family of models that are objects of a program: no configuration describes them.
LIVE = "live"

Number = Annotated[float, Strict()]
#: What must be a number, be it one: scores that tables are made of.
Score = Annotated[FiniteFloat, Strict()]
#: Earlier versions saved some numbers as the text that was typed.
Scalar = bool | int | float | str | None
#: Sides that images of the training side are looked for on.
Duplicated = Literal["validation", "held_out"]
Text = Annotated[StrictStr, Field(max_length=LONGEST)] | None


def _require_moment(text: str) -> str:
    datetime.datetime.fromisoformat(text)
    return text


Moment = Annotated[StrictStr, AfterValidator(_require_moment)] | None


def _limit_settings(given: Any) -> Any:
    if isinstance(given, dict) and len(flatten(given)) > SETTINGS:
        raise ValueError(f"more than {SETTINGS:,} settings or scores")
    return given


class _DatasetSection(BaseModel):
    """What lists of runs read of the section ``dataset``."""

    name: Text = None
    spec: Text = None
    version: Text = None
    root: Text = None
    source: Text = None
    variant: Text = None
    held_out: Text = None
    held_in: Text = None
    split: Text = None
    held_in_file: Text = None
    held_out_file: Text = None
    control: Scalar = None


class _ModelSection(BaseModel):
    """What lists of runs read of the section ``model``."""

    family: Text = None
    name: Name | None = None
    latent_size: Scalar = None


class _LossSection(BaseModel):
    """The objective of a training."""

    name: Text = None
    params: dict[str, Any] = {}


class _TrainingSection(BaseModel):
    """What lists of runs read of the section ``training``."""

    epochs: Scalar = None
    loss: _LossSection = _LossSection()


class SavedConfig(BaseModel):
    """``config.json``: what lists of runs read of it; :class:`Config` reads all settings.

    Args:
        experiment: that the run is of.
        dataset: the section of that name.
        model: likewise.
        training: likewise.
        seed: of the run.
        plugins: packages of somebody's own that its settings need.
    """

    experiment: Text = None
    _limit = model_validator(mode="before")(_limit_settings)
    dataset: _DatasetSection = _DatasetSection()
    model: _ModelSection = _ModelSection()
    training: _TrainingSection = _TrainingSection()
    seed: Scalar = None
    plugins: Annotated[list[Name], Field(max_length=100)] = []


class SavedModel(BaseModel):
    """``model.json``: what ``model.pt`` is to be loaded into.

    Args:
        family: of the model.
        image_shape: channels, height, width.
        factors: names of the dataset's factors.
        parameters: of the family's builder.
        factor_values: by factor, the values of its classes, of models that need them.
    """

    family: StrictStr
    image_shape: Annotated[
        list[Annotated[int, Strict(), Field(gt=0)]], Field(min_length=3, max_length=3)
    ]
    factors: Annotated[list[Any], Field(min_length=1)]
    parameters: dict[str, Any]
    factor_values: dict[str, Annotated[list[Number], Field(min_length=1)]] | None = None


class _SideCounts(BaseModel):
    """One side of a split."""

    count: Annotated[NonNegativeInt, Strict()]
    sha256: StrictStr


class _Weights(BaseModel):
    """What training images are drawn by."""

    sha256: StrictStr


class _SplitExpressions(BaseModel):
    """What a split was made from."""

    held_out: Text
    held_in: Text = None
    thin: Text = None
    set_aside: Text = None


class SavedSplit(BaseModel):
    """``split.json``: counts and hashes of each side.

    Args:
        held_in: the side of that name.
        held_out: likewise.
        train: likewise.
        validation: likewise.
        expressions: that the split was made from.
        weights: that training images are drawn by, where they are not drawn alike.
        set_aside: the side of that name, where there is one.
    """

    held_in: _SideCounts
    held_out: _SideCounts
    train: _SideCounts
    validation: _SideCounts
    expressions: _SplitExpressions
    weights: _Weights | None = None
    set_aside: _SideCounts | None = None


class _SideScores(BaseModel):
    """Scores of a side; others may stand beside them."""

    nll: Score
    images: Annotated[NonNegativeInt, Strict()] | None = None
    nll_standard_error: Number | None = None
    nll_floor: Number | None = None
    kl: Number | None = None
    kl_per_latent: list[Number] | None = None
    elbo: Number | None = None
    elbo_standard_error: Number | None = None
    iw_nll: Number | None = None
    iw_nll_standard_error: Number | None = None
    active_units: Number | None = None
    samples: Number | None = None
    sampled_images: Number | None = None
    r2: Number | None = None
    joint_accuracy: Number | None = None


class _AllScores(BaseModel):
    """Scores of every side; a side without images has none."""

    _limit = model_validator(mode="before")(_limit_settings)
    train: _SideScores
    validation: _SideScores | None
    held_out: _SideScores | None


class SavedImages(BaseModel):
    """``images.json``: which images a run is of.

    Args:
        name: of the dataset.
        label: of the images, in tables and figures.
        source: ``original`` or ``standin``.
        hash: of the published file; none of a stand-in, nor of what earlier versions saved.
    """

    name: StrictStr
    label: StrictStr
    source: StrictStr
    hash: Text = None


class _SelectedEpoch(BaseModel):
    """The epoch that a rule of selection chooses, and its scores by name."""

    epoch: Annotated[NonNegativeInt, Strict()]
    validation: dict[str, Number] = {}
    set_aside: dict[str, Number] = {}
    held_out: dict[str, Number]


class SavedResults(BaseModel):
    """``results.json``; much else stands in it that nothing computes with.

    Args:
        data: which images the run is of.
        scores: of each side.
        epochs: that were finished.
        parameters: of the model, their number.
        split: as in ``split.json``; it can be computed again.
        duplicates: images of a side that are identical to training images; None where not counted.
        model_sha256: of the ``model.pt`` that was scored; runs of earlier versions do not say it.
        selection: by rule, of runs whose epochs were scored held out.
    """

    data: SavedImages
    scores: _AllScores
    epochs: Annotated[NonNegativeInt, Strict()]
    parameters: Annotated[NonNegativeInt, Strict()]
    split: SavedSplit | None = None
    duplicates: dict[Duplicated, Annotated[NonNegativeInt, Strict()]] | None = None
    model_sha256: Text = None
    selection: dict[StrictStr, _SelectedEpoch] | None = None


class _RecordedProgram(BaseModel):
    """The program that was run."""

    mainfile: Text = None
    name: Text = None


class _RecordedHost(BaseModel):
    """The machine that it was run on."""

    hostname: Text = None


class _RecordedOptions(BaseModel):
    """The command line."""

    UPDATE: list[StrictStr] | None = None


class _RecordedMeta(BaseModel):
    """What the user gave beside the configuration."""

    comment: Text = None
    options: _RecordedOptions = _RecordedOptions()


class SavedRecord(BaseModel):
    """``run.json``, which Sacred writes.

    Args:
        status: what Sacred wrote last.
        experiment: the program that was run.
        host: the machine.
        meta: what the user gave beside the configuration.
        start_time: as ISO 8601, in UTC.
        stop_time: likewise.
        heartbeat: the last sign of life, likewise.
        fail_trace: lines of the traceback of a run that has failed.
    """

    status: StrictStr
    experiment: _RecordedProgram = _RecordedProgram()
    host: _RecordedHost = _RecordedHost()
    meta: _RecordedMeta = _RecordedMeta()
    start_time: Moment = None
    stop_time: Moment = None
    heartbeat: Moment = None
    fail_trace: list[str] | None = None


class SavedStarts(BaseModel):
    """``starts.json``: who has started the run or gone on with it; nothing computes with it.

    Args:
        starts: the first one first.
    """

    starts: list[dict[str, Any]]
