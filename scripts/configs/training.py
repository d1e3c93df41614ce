"""Objectives with the values that the published study gives them, and protocols."""

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
}

#: Protocols; they may stand beside an objective.
PROTOCOLS: dict[str, dict[str, Any]] = {
    # For tests and for trying things out.
    "fast": {
        "epochs": 2,
        "epoch_length": 5,
        "validation_images": 64,
        "score_images": 128,
    },
}
