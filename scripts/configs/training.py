"""Objectives with the values that the published study gives them, and protocols.

Values stand here as a record of what was published, even where an objective has them by default.
"""

from typing import Any

#: Objectives; a run takes one of them.
LOSSES: dict[str, dict[str, Any]] = {
    "vae": {"loss": {"name": "vae"}},
    "beta": {"loss": {"name": "beta", "params": {"beta": 4.0}}},
    # β times a weight that falls from 1 to 0.1 as max(1 - t / 10⁶, 0.1)
    "banneal": {
        "loss": {
            "name": "beta",
            "params": {"beta": 10.0, "schedule": {"start": 1.0, "stop": 0.1, "steps": 900_000}},
        }
    },
    # β times a weight that rises from 0 to 1 as min(t / 10⁶, 1)
    "bsched": {
        "loss": {
            "name": "beta",
            "params": {"beta": 10.0, "schedule": {"start": 0.0, "stop": 1.0, "steps": 1_000_000}},
        }
    },
    "cci": {
        "loss": {
            "name": "cci",
            "params": {"gamma": 50.0, "capacity": {"start": 0.0, "stop": 20.0, "steps": 10_000}},
        }
    },
    "factor": {"loss": {"name": "factor", "params": {"gamma": 100.0}}, "batch_size": 128},
    "waegan": {
        "loss": {
            "name": "waegan",
            "params": {"weight": 10.0, "prior_variance": 2.0},
            "reconstruction": "mse",
        },
        "lr": 3e-4,
    },
    "waemmd": {
        "loss": {
            "name": "waemmd",
            "params": {"weight": 100.0, "prior_variance": 2.0},
            "reconstruction": "mse",
        },
        "lr": 1e-3,
    },
    # Not of the study: defaults of their papers.
    "btcvae": {"loss": {"name": "btcvae", "params": {"beta": 6.0}}},
    "dip1": {"loss": {"name": "dip1", "params": {"off_diagonal": 10.0, "diagonal": 100.0}}},
    "dip2": {"loss": {"name": "dip2", "params": {"off_diagonal": 10.0, "diagonal": 10.0}}},
}

#: Objectives on pairs of images, for models that take single ones.
PAIRED: dict[str, dict[str, Any]] = {"adagvae": {"loss": {"name": "adagvae"}}}

#: Objectives of models that encode single images, not of the study: by squared error and with
#: λ = 1, as the code of its paper has it.
CONSISTENT: dict[str, dict[str, Any]] = {
    "consistency": {
        "loss": {"name": "consistency", "params": {"weight": 1.0}, "reconstruction": "mse"},
    },
}

#: Of ground-truth decoders; ``loss.reconstruction=mse`` trains by squared error.
GENERATION: dict[str, dict[str, Any]] = {
    "generation": {
        "loss": {"name": "nll"}, "epochs": 500, "epoch_length": 10, "batch_size": 64, "lr": 1e-3,
        "validation_images": 6_400,
    },
}  # fmt: skip

#: Of supervised encoders, which are not of the study: as in its follow-up (Montero et al. 2022,
#: "Lost in Latent Space", NeurIPS 2022).
INFERENCE: dict[str, dict[str, Any]] = {
    "inference": {"loss": {"name": "nll"}, "epochs": 100, "batch_size": 64, "lr": 1e-3},
    # Camposampiero et al. 2025, with heads of classes (model.heads=classes); of ResNets batches are
    # smaller.
    "classification": {
        "loss": {"name": "nll"}, "epochs": 5, "batch_size": 1024, "lr": 1e-3, "optimizer": "adamw",
    },
}  # fmt: skip

#: Protocols; they may stand beside an objective.
PROTOCOLS: dict[str, dict[str, Any]] = {
    # For tests and for trying things out.
    "fast": {
        "epochs": 2,
        "epoch_length": 5,
        "validation_images": 64,
        "score_images": 128,
        "find_duplicates": False,
    },
}
