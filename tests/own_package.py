"""A package as a user writes it, outside the repository: a dataset, an objective, a layer, …"""

from pathlib import Path

FILES = {
    "__init__.py": "",
    "data.py": '''
import numpy as np
from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.spec import DatasetSpec, OriginalFile
from disentgen.dataset.variants import Variant

GRID = FactorGrid({"level": tuple(range(1, 9)), "column": tuple(range(16)), "row": (0, 1, 2, 3)})

def render(indices):
    level, column, row = GRID.values(indices).T[..., None, None]
    y, x = np.mgrid[:16, :16]
    return (30 * level * ((x == column) | (y // 4 == row))).astype(np.uint8)[..., None]

SPECS = (
    DatasetSpec(
        "crosses", "Crosses", GRID, (16, 16, 1), 255, {"high": Variant("extrp", "level > 6")},
        OriginalFile("crosses", ("crosses.npz",), "https://example.org/crosses.npz", "md5:0",
                     "none", "images", dict),
        render,
    ),
)
''',
    "losses.py": '''
from disentgen.training.losses.base import Loss, kl_terms

class Sparse(Loss):
    """NLL + KL + λ·Σ|μ|."""

    name = "sparse"
    named_by = "penalty"

    def __init__(self, penalty: float = 0.5):
        super().__init__()
        self.penalty = penalty

    def forward(self, output, target, step):
        cost, terms = self.judge(output, target)
        terms |= kl_terms(output)
        size = output.posterior.mean.abs().sum(dim=1).mean()
        loss = cost + self.cost_kl(output, terms["kl"]) + self.penalty * size
        return {"loss": loss, **terms, "size": size}

LOSSES = (Sparse,)
''',
    "layers/__init__.py": "",
    "layers/mish.py": '''
from dataclasses import dataclass
from torch import nn
from disentgen.models.layers.base import Layer

@dataclass(frozen=True)
class Mish(Layer):
    """x·tanh(softplus(x))."""

    name = "mish"

    def module(self, shape):
        return nn.Mish()

LAYERS = (Mish,)
''',
    "scores.py": '''
from disentgen.analysis.metrics import Metric
from disentgen.analysis.metrics.arrays import metric_of_arrays

@metric_of_arrays()
def measure_spread(codes, classes):
    return {"score": 0.25}

METRICS = (Metric("spread", "spread", measure_spread, "nobody 2000"),)
''',
    "pictures.py": '''
from disentgen.analysis.figures.figure import Figure
from disentgen.drawing import COLUMN, make_figure

def draw(scores):
    figure = make_figure(COLUMN, 2.0)
    figure.subplots().bar(range(1, len(scores) + 1), scores)
    return figure

FIGURE = Figure(
    name="learning", title="Learning", of="run", applies=lambda measured: True, draw=draw,
    caption=lambda scores: f"Validation NLL of {len(scores)} epochs.",
    data=lambda measured: list(measured.run.history["validation.nll"]),
)
''',
    "nets.py": '''
from torch import nn, zeros

class Encoder(nn.Module):
    def __init__(self, width: int = 2):
        super().__init__()
        self.conv = nn.Conv2d(1, width, 4, 4)
        nn.init.constant_(self.conv.weight, 0.5)

    def forward(self, images):
        return self.conv(images).relu().flatten(1)

class Decoder(nn.Module):
    def __init__(self, latents: int = 3):
        super().__init__()
        self.linear = nn.Linear(latents, 256)

    def forward(self, latents):
        return self.linear(latents).view(-1, 1, 16, 16)

class Merging(nn.Module):
    def forward(self, images):
        return images.sum(dim=0)
''',
    "tests/test_own.py": "raise AssertionError('tests are not imported')\n",
}  # fmt: skip
#: A network of the package's layer, as words of a command line.
MISH = "model.encoder=[['conv',[2,4,4]],['mish'],['flatten']]"


def write_package(folder: Path, name: str, **changed: str) -> Path:
    """Write the package into a folder; its own folder.

    Args:
        folder: that it lies in.
        name: of the package; each test has one of its own, since Python imports a name once.
        changed: texts of other modules, by name.
    """
    files = FILES | {f"{module}.py": text for module, text in changed.items()}
    for path, text in files.items():
        file = folder / name / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder / name
