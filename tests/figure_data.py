"""Data of every figure, made by hand: small, and each number another. Runs to take them from."""

from functools import cache
from types import SimpleNamespace

import numpy as np
import pandas as pd
import torch

from conftest import REPOSITORY
from disentgen.analysis.figures.comparison import Comparison
from disentgen.analysis.figures.curves import Curves
from disentgen.analysis.figures.errors import ErrorGrid
from disentgen.analysis.figures.generalisation import collect_generalisation
from disentgen.analysis.figures.hintons import Hintons
from disentgen.analysis.figures.importances import Hinton, Importances
from disentgen.analysis.figures.placement import Placement
from disentgen.analysis.figures.predictions import Points, Predictions
from disentgen.analysis.figures.predictors import collect_predictors
from disentgen.analysis.figures.readouts import collect_readouts, list_scores
from disentgen.analysis.figures.reconstructions import Reconstructions
from disentgen.analysis.figures.samples import Samples
from disentgen.analysis.figures.scores import collect_scores
from disentgen.analysis.figures.subjects import RunGroup
from disentgen.analysis.figures.traversals import Traversals
from disentgen.analysis.tables import tabulate_cells
from disentgen.models import Examples
from disentgen.runs import open_run
from run_tables import make_runs

HEADING = "dSprites · kim · vae · run disent/1 · seed 1"
SIDES = ("held in", "held out")


EARLIER = REPOSITORY / "tests" / "fixtures" / "earlier_runs"
#: Runs whose models have hardly been trained.
FAMILIES = {"lgm": "disent/1", "decoder": "decoders/1", "composer": "composition/unbroken",
            "encoder": "supervised/1"}  # fmt: skip


@cache
def open_earlier(name):
    """A run of a family, or one by its name, opened once for all tests, which leave it as it is."""
    return open_run(EARLIER / FAMILIES.get(name, name))


def make_subject(name):
    """What is measured on such a run, as far as figures of its model need it."""
    return SimpleNamespace(run=open_earlier(name))


def make_images(*shape):
    """Images (*shape, 1, 4, 4) in 0..1, every pixel another."""
    return torch.linspace(0, 1, int(np.prod(shape)) * 16).reshape(*shape, 1, 4, 4)


def make_curves(terms=("NLL, nats", "KL, nats"), epochs=3):
    """Curves that rise by 1 in an epoch, from 10 and 20 for the first term, 30 and 40 … ."""
    tables = {
        term: pd.DataFrame({"train": np.arange(epochs) + 20.0 * number + 10,
                            "validation": np.arange(epochs) + 20.0 * number + 20})
        for number, term in enumerate(terms)
    }  # fmt: skip
    labels = {
        term: {"train": "train, over the epoch", "validation": "validation"} for term in terms
    }
    return Curves(HEADING, pd.Series(range(1, epochs + 1)), tables, labels)


def make_errors(sizes=(2, 3, 5)):
    """Means of factors with so many values; the last pair of values is held out."""
    names = ["shape", "pos_x", "orientation_of_the_sprite"][: len(sizes)]
    pairs = [(row, column) for row in range(len(sizes)) for column in range(row)]
    held_out = {pair: np.zeros([sizes[place] for place in pair], dtype=bool) for pair in pairs}
    for mask in held_out.values():
        mask[-1, 0] = True
    return ErrorGrid(
        HEADING,
        {name: [f"v{value}" for value in range(size)] for name, size in zip(names, sizes,
                                                                          strict=True)},
        {side: [np.arange(size) + start for size in sizes]
         for side, start in zip(SIDES, (1.0, 30.0), strict=True)},
        {(row, column): np.arange(sizes[row] * sizes[column]).reshape(sizes[row], -1) + 10.0 * row
         for row, column in pairs},
        held_out,
        (2.0, 40.0),
        {"held in": 5_000, "held out": 60},
    )  # fmt: skip


def make_hinton(title="lasso", latents=10, factors=5):
    """Importances 0, 1, 2 … of the factors by the latents."""
    names = ("shape", "scale", "orientation", "pos_x", "pos_y", "floor_hue", "wall_hue")[:factors]
    importances = np.arange(latents * factors, dtype=float).reshape(latents, factors)
    return Hinton(title, "D 0.50, C 0.25, informativeness 0.12, n 6,000", importances, names)


def make_hintons(count=3, factors=5):
    """Diagrams of so many models."""
    return Hintons(HEADING, [make_hinton(f"VAE, seed {seed}", 10, factors)
                             for seed in range(count)])  # fmt: skip


def make_probes(factors=("shape", "pos_x")):
    """Probes of three sides: 0.01, 0.02 … standard errors of 25 times as large errors."""
    sides = ("train", "validation", "held_out")
    table = pd.DataFrame([(factor, side) for side in sides for factor in factors],
                         columns=["factor", "side"])  # fmt: skip
    errors = 0.01 * np.arange(1, len(table) + 1)
    images = table["side"].map({"train": 5_000, "validation": 400, "held_out": 60})
    return table.assign(squared_error=25 * errors, standard_error=errors, images=images)


def make_placement(factors=("shape", "pos_x")):
    """Probes of two kinds, the second with 10 times the errors, and a few codes."""
    linear = make_probes(factors)
    scaled = linear[["squared_error", "standard_error"]] * 10
    places = {"train": np.array([[1.0, 2.0], [3.0, 4.0]]), "held_out": np.array([[5.0, 6.0]])}
    return Placement(HEADING, {"linear": linear, "mlp": linear.assign(**scaled)}, places)


def make_predictions(factors=("shape", "pos_$x")):
    """Predictions of three and two images, of factors with four values 0, 10, 20, 30."""
    values = {f"v{value}": 10.0 * value for value in range(4)}
    points = {
        factor: {
            "held in": Points(np.array([0.0, 10.0, 20.0]), np.array([1.0, 12.0, 23.0]) + number),
            "held out": Points(np.array([20.0, 30.0]), np.array([-4.0, -5.0]) - number),
        }
        for number, factor in enumerate(factors)
    }
    return Predictions(HEADING, points, dict.fromkeys(factors, values))


def make_reconstructions(rows=("original", "reconstruction"), captions=(), sides=SIDES):
    """Rows of three images of each side."""
    images = make_images(len(sides), len(rows), 3)
    examples = [Examples(dict(zip(rows, part, strict=True)), list(captions)) for part in images]
    return Reconstructions(HEADING, dict(zip(sides, examples, strict=True)))


def make_comparison(models=2, sides=SIDES, count=6):
    """Originals and what so many models make of them."""
    images = make_images(len(sides), models + 1, count)
    titles = ["original", *(f"VAE, seed {seed}" for seed in range(models))]
    rows = [list(part) for part in images]
    return Comparison(HEADING, titles, dict(zip(sides, rows, strict=True)))


def make_samples(count=24):
    """Samples of so many latents."""
    return Samples(HEADING, torch.zeros(count, 10), make_images(count))


def make_traversals(latents=2, steps=3):
    """Traversals of so many latents."""
    names = [f"z{latent} (1.00)" for latent in range(latents)]
    places = torch.linspace(-2.5, 2.5, steps)
    return Traversals(HEADING, make_images(latents, steps), names, places)


CONDITIONS = {"recomb2element": 80.0, "recomb2range": 150.0, "extrp": 300.0}


def make_group(conditions=1, **given):
    """Runs of the study's models on splits of so many conditions."""
    chosen = dict(list(CONDITIONS.items())[:conditions])
    runs = make_runs(chosen, floors=(20.0, 35.0), control=70.0, **given)
    return RunGroup(runs, tabulate_cells(runs))


def make_predictors():
    """Of the study's models on two splits, trained for long enough."""
    group = make_group(2)
    runs = group.runs.assign(steps=1_000, kl_train=np.linspace(10, 20, len(group.runs)))
    return collect_predictors(RunGroup(runs, group.cells))


@cache
def make_readouts():
    """A group with read-outs: 0.4, 0.6 and 0.8 by number of labels, half of that held out."""
    group = make_group()
    columns = {
        name: {"100": 0.4, "500": 0.6, "1000": 0.8}[name.rpartition("_")[2]]
        * (0.5 if "held_out" in name else 1)
        + 0.01 * group.runs["seed"]
        for name in list_scores()
    }
    runs = group.runs.assign(**columns)
    return RunGroup(runs, tabulate_cells(runs))


def make_all():
    """Data of each figure, by the module that it stands in."""
    return {
        "curves": make_curves(),
        "errors": make_errors(),
        "importances": Importances(HEADING, [make_hinton("lasso"), make_hinton("boosted trees")]),
        "placement": make_placement(),
        "predictions": make_predictions(),
        "reconstructions": make_reconstructions(),
        "samples": make_samples(),
        "traversals": make_traversals(),
        "readouts": collect_readouts(make_readouts()),
        "scores": collect_scores(make_group()),
        "generalisation": collect_generalisation(make_group()),
        "predictors": make_predictors(),
        "hintons": make_hintons(),
        "comparison": make_comparison(),
    }
