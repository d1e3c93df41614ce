"""Tables of runs made by hand."""

import numpy as np
import pandas as pd

from disentgen.analysis.tables import add_gaps
from disentgen.run_files import families_by_experiment

VARIANTS = {
    "dsprites": {"recomb2element": "leave1out", "recomb2range": "shape2tx", "extrp": "blank_side"},
    "shapes3d": {"recomb2element": "leave1out", "recomb2range": "shape2ohue",
                 "extrp": "fhue_gt50"},
}  # fmt: skip
MODELS = [("VAE", "beta=1", "disent", 0.2), ("FactorVAE", "gamma=20", "disent", 0.3),
          ("FactorVAE", "gamma=50", "disent", 0.4), ("FactorVAE", "gamma=100", "disent", 0.5),
          ("β-VAE", "beta=8", "disent", 0.6), ("β-VAE", "beta=12", "disent", 0.7),
          ("ground-truth decoder", "", "decoders", 1.0)]  # fmt: skip


def make_runs(held_out, dataset="dsprites", seeds=(1, 2, 3), floors=(0.0, 0.0), control=None):
    """Runs that follow the study: excess of held-out images by condition, the same for all models.

    Floors are of training and of held-out images.
    """
    rows = []
    rng = np.random.default_rng(0)
    for condition, score in held_out.items():
        for place, (model, parameters, experiment, disentanglement) in enumerate(MODELS):
            strength = parameters.partition("=")[2]
            label = model if model == "VAE" or not strength else f"{model} {strength}"
            for seed in seeds:
                for is_control in (False, True) if control is not None else (False,):
                    found = (control if is_control else score) + rng.normal(0, 0.1) + 0.1 * place
                    rows.append(
                        {
                            "run": f"{experiment}/{len(rows)}", "experiment": experiment,
                            "dataset": dataset, "version": "", "source": "stand-in",
                            "condition": condition, "variant": VARIANTS[dataset][condition],
                            "model": model, "parameters": parameters, "label": label,
                            "row": label, "protocol": "", "architecture": "kim",
                            "cell": f"{condition}{place}", "control": is_control, "seed": seed,
                            "steps": 10, "nll_train": 50.0 + floors[0],
                            "nll_held_out": found + floors[1], "floor_train": floors[0],
                            "floor_held_out": floors[1], "excess_train": 50.0,
                            "excess_held_out": found, "excess_constant": 600.0,
                            "side_difference": found - 50, "disentanglement": disentanglement,
                            "informativeness": 0.5, "metric_images": 50_000,
                            "family": families_by_experiment()[experiment],
                        }
                    )  # fmt: skip
    return add_gaps(pd.DataFrame(rows))
