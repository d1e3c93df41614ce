"""The study's claims, each beside what is compared for it and what decides it."""

from dataclasses import FrozenInstanceError, fields, is_dataclass

import pytest

from disentgen.studies import claims, rows, study
from disentgen.studies.montero2021 import STUDY
from disentgen.studies.montero2021.rows import MODELS
from disentgen.studies.rows import Entry, Row
from disentgen.studies.verdicts import correlation, decisions, estimates

VAES = ("VAE", "β-VAE 8", "β-VAE 12", "FactorVAE 20", "FactorVAE 50", "FactorVAE 100")
DECODER = "ground-truth decoder"
#: Number, dataset, kind, models, variants in the claimed order, score, bound, claimed to be above.
CLAIMS = [
    ("1", "dsprites", "ratio", VAES, ["leave1out"], "nll", 1.2, False),
    ("2", "dsprites", "ratio", VAES, ["shape2tx"], "nll", 1.2, True),
    ("2", "shapes3d", "ratio", VAES, ["shape2ohue"], "excess", 1.2, True),
    ("3", "dsprites", "ratio", VAES, ["blank_side"], "nll", 1.2, True),
    ("3", "shapes3d", "ratio", VAES, ["fhue_gt50"], "excess", 1.2, True),
    ("4", "shapes3d", "share", VAES, ["leave1out"], "excess", 0.1, False),
    ("5", "dsprites", "ordering", (*VAES, DECODER), ["leave1out", "shape2tx", "blank_side"],
     "nll", 1.0, True),
    ("5", "shapes3d", "ordering", VAES, ["leave1out", "shape2ohue", "fhue_gt50"], "excess", 1.0,
     True),
    *(("6", "dsprites", "correlation", VAES, [variant], "nll", -0.5, True)
      for variant in ("leave1out", "shape2tx", "blank_side")),
    *(("6", "shapes3d", "correlation", VAES, [variant], "nll", -0.5, True)
      for variant in ("leave1out", "shape2ohue", "fhue_gt50")),
    ("7a", "dsprites", "ratio", (DECODER,), ["shape2tx"], "nll", 1.2, True),
    ("7a", "dsprites", "ratio", (DECODER,), ["blank_side"], "nll", 1.2, True),
    ("7b", "dsprites", "best", (*VAES, DECODER), ["shape2tx"], "nll", 1.0, False),
    ("7b", "dsprites", "best", (*VAES, DECODER), ["blank_side"], "nll", 1.0, False),
    ("8", "dsprites", "ratio", ("composer",), ["shape2tx"], "nll", 1.2, True),
]  # fmt: skip
EXPERIMENTS = {DECODER: "decoders", "composer": "composition"}


@pytest.mark.parametrize(("claim", "expected"), list(zip(STUDY.claims, CLAIMS, strict=True)))
def test_what_is_compared_for_each_claim(claim, expected):
    number, dataset, kind, models, variants, *decided_by = expected
    assert (claim.number, claim.dataset, claim.kind) == (number, dataset, kind)
    assert [claim.score, claim.bound, claim.above] == decided_by
    assert claim.some == (kind == "best")
    for model in models:
        own = [row for row in claim.cells if row.model == model]
        assert own == [Row(EXPERIMENTS.get(model, "disent"), dataset, variant, model)
                       for variant in variants]  # fmt: skip
    assert len(claim.cells) == len(models) * len(variants)
    assert kind != "best" or claim.cells[-1].model == DECODER


@pytest.mark.parametrize(
    ("kind", "dataset", "quantity"),
    [
        ("ratio", "dsprites", "held-out over train NLL"),
        ("ratio", "shapes3d", "held-out over train excess NLL"),
        ("ordering", "dsprites", "held-out NLL over that of the easier condition"),
        ("ordering", "shapes3d", "held-out excess NLL over that of the easier condition"),
    ],
)
def test_quantities_name_the_score_that_decides(kind, dataset, quantity):
    named = {claim.quantity for claim in STUDY.claims
             if (claim.kind, claim.dataset) == (kind, dataset)}  # fmt: skip
    assert named == {quantity}


def test_texts_say_which_conditions_and_models_are_meant():
    texts = [claim.text for claim in STUDY.claims]
    assert texts == [
        "recombination to element works",
        *["recombination to range fails"] * 2,
        *["extrapolation fails"] * 2,
        "element: the sides' difference is the images', not the models'",
        "element < range < extrapolation (disent and decoders)",
        "element < range < extrapolation (disent)",
        *[f"disentanglement does not buy generalisation ({condition})"
          for condition in ("recomb2element", "recomb2range", "extrp")] * 2,
        "perfect factors are not enough: range",
        "perfect factors are not enough: extrapolation",
        "the ground-truth decoder is not the best model (recomb2range)",
        "the ground-truth decoder is not the best model (extrp)",
        "composition fails in recombination to range",
    ]  # fmt: skip
    assert [claim.number for claim in STUDY.claims if claim.remark] == ["1"]


def test_a_study_lists_the_rows_of_each_experiment():
    assert STUDY.experiments == ("disent", "decoders", "composition")
    for experiment, datasets in MODELS.items():
        listed = STUDY.list_rows(experiment)
        assert {(row.dataset, row.model) for row in listed} == {
            (dataset, model) for dataset, models in datasets.items() for model in models
        }
        assert [row for row in STUDY.entries if row.experiment == experiment] == listed


def test_an_entry_is_published_whole_unless_it_says_otherwise():
    assert Entry(("training.vae",)) == Entry(("training.vae",), note="", seed=None)


KINDS = [
    kind
    for module in (claims, rows, study, correlation, decisions, estimates)
    for kind in vars(module).values()
    if is_dataclass(kind) and kind.__module__ == module.__name__
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_records_are_not_changed_by_who_reads_them(kind):
    first, *_ = fields(kind)
    with pytest.raises(FrozenInstanceError):
        setattr(object.__new__(kind), first.name, None)
