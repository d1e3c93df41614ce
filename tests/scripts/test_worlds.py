"""``experiments.disent`` on every dataset under every published held-out condition."""

import pytest

from disentgen.dataset import build_dataset
from disentgen.dataset.spec import load_specs
from disentgen.runs import open_run

#: One of each dataset runs in the default set of tests.
FAST_ONES = {("dsprites", None, "leave1out"), ("shapes3d", None, "ohue+whue2fhue"),
             ("mpi3d", "real", "horz_gt20")}  # fmt: skip

CELLS = [
    pytest.param(
        spec,
        variant,
        id=f"{spec.words.replace(' --version ', '-')}-{variant}",
        marks=() if (spec.name, spec.version, variant) in FAST_ONES else pytest.mark.slow,
    )
    for versions in load_specs().values()
    for spec in versions
    if not spec.is_drawn  # of images of another size, which none of the study's models takes
    for variant in spec.variants
]

SCORED = 64


@pytest.mark.parametrize(("spec", "variant"), CELLS)
def test_each_condition_of_each_dataset_trains(disent, data, spec, variant):
    version = () if spec.version is None else (f"dataset.version={spec.version}",)
    done = disent(
        "with", f"dataset.{spec.name}", *version, f"dataset.variant={variant}", "model.kim",
        "training.beta", "training.epochs=1", "training.epoch_length=3",
        f"training.score_images={SCORED}", f"training.validation_images={SCORED}",
        "training.find_duplicates=False", "threads=1",
    )  # fmt: skip
    assert f"{spec.title} (rendered stand-in)" in done.stdout
    folder = data / "sims" / "disent" / "1"
    run = open_run(folder)
    assert run.status == "COMPLETED"
    assert run.config["dataset"]["name"] == spec.name
    assert run.config["dataset"]["version"] == spec.version
    assert run.results["data"]["source"] == "stand-in"
    split = build_dataset(spec.name, spec.version, source="stand-in", variant=variant).split
    for side in ("held_in", "held_out"):
        assert run.results["split"][side]["count"] == split.mask(side).sum()
    for side in ("train", "validation", "held_out"):
        scores = run.results["scores"][side]
        assert scores["images"] == min(SCORED, split.mask(side).sum())
        assert (scores["nll_floor"] > 0) == (spec.maximum > 1)
        assert scores["nll"] > scores["nll_floor"]
    assert run.model.image_shape == spec.image_shape
    assert (folder / "reconstructions.png").read_bytes().startswith(b"\x89PNG")
    assert len(run.history) == 1
