"""Factor grids, held-out splits and images."""

from disentgen.dataset.build import Dataset, build_dataset
from disentgen.dataset.splitting import build_split

__all__ = ["Dataset", "build_dataset", "build_split"]
