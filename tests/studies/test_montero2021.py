"""The study's table beside the published ones."""

import re

import pytest

from disentgen.analysis.cells import Cell
from disentgen.dataset.spec import load_specs
from disentgen.studies.montero2021 import STUDY
from disentgen.studies.montero2021.claims import CONDITIONS
from disentgen.studies.montero2021.rows import MODELS, VARIANTS
from disentgen.studies.rows import Row
from disentgen.studies.verdicts.published import load_published

TABLE = STUDY.entries


def label(model: str, parameters: str) -> str:
    cell = ("", "disent", "", None, "", "", "", model, parameters, "", False)
    return Cell(*cell).label


def words_of(*row):
    return " ".join(TABLE[Row(*row)].words)


def test_every_published_cell_is_a_row():
    published = {
        (row.dataset, row.variant, label(row.model, row.parameters))
        for row in load_published(STUDY).itertuples()
    }
    rows = [row for row in TABLE if row.experiment != "composition" and row.dataset != "mpi3d"]
    assert {row[1:] for row in rows} == published
    assert len(rows) == len(published)


def test_table_names_published_conditions_alone():
    specs = load_specs()
    for dataset, variants in VARIANTS.items():
        assert set(variants) <= set(specs[dataset][0].variants)
        held_out = [specs[dataset][0].variants[name].condition for name in variants]
        assert dataset == "mpi3d" or tuple(held_out) == CONDITIONS
    assert all(set(models) == set(VARIANTS) for models in MODELS.values())


def test_words_say_the_row():
    entry = TABLE[Row("disent", "mpi3d", "cyl2horz", "FactorVAE 100")]
    assert entry.words == (
        "dataset.mpi3d", "dataset.variant=cyl2horz", "model.kim", "training.factor",
        "training.loss.params.gamma=100",
    )  # fmt: skip
    assert (entry.note, entry.seed) == ("", None)


BETA = "training.beta training.loss.params.beta"
GAMMA = "training.factor training.loss.params.gamma"


@pytest.mark.parametrize(
    ("model", "objective"),
    [
        ("VAE", "training.vae"),
        ("β-VAE 8", f"{BETA}=8"),
        ("β-VAE 12", f"{BETA}=12"),
        ("FactorVAE 20", f"{GAMMA}=20"),
        ("FactorVAE 50", f"{GAMMA}=50"),
        ("FactorVAE 100", f"{GAMMA}=100"),
    ],
)
def test_objectives_are_the_same_on_all_datasets_and_dsprites_has_two_architectures(
    model, objective
):
    place = "dataset.dsprites dataset.variant=shape2tx"
    architecture = "kim" if model.startswith("Factor") else "burgess_v2"
    words = words_of("disent", "dsprites", "shape2tx", model)
    assert words == f"{place} model.{architecture} {objective}"
    for dataset, variant in (("shapes3d", "fhue_gt50"), ("mpi3d", "objc_gt3")):
        place = f"dataset.{dataset} dataset.variant={variant}"
        assert words_of("disent", dataset, variant, model) == f"{place} model.kim {objective}"


@pytest.mark.parametrize(
    ("dataset", "decoder", "epochs", "composer"),
    [
        ("dsprites", "higgins", 200, "burgess_v2"),
        ("shapes3d", "higgins", 50, "kim"),
        ("mpi3d", "deep_bn", 50, "kim"),
    ],
)
def test_decoders_and_composers_of_each_dataset(dataset, decoder, epochs, composer):
    place = f"dataset.{dataset} dataset.variant=leave1out"
    assert words_of("decoders", dataset, "leave1out", "ground-truth decoder") == (
        f"{place} model.{decoder} training.epochs={epochs} training.epoch_length=100 "
        "training.validation_images=6400"
    )
    words = words_of("composition", dataset, "leave1out", "composer")
    assert words == f"{place} model.{composer}"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (("decoders", "mpi3d", "horz_gt20", "ground-truth decoder"), "^as the .* no result is st"),
        (("composition", "shapes3d", "leave1out", "composer"), "kim as in disent$"),
        (("decoders", "shapes3d", "fhue_gt50", "ground-truth decoder"), "^architecture not .*the "
         "same for leave1out and fhue_gt50$"),
        (("disent", "dsprites", "shape2tx", "β-VAE 8"), "; seed of the published run: 716011605$"),
        (("disent", "dsprites", "blank_side", "β-VAE 8"), "^architecture not published: "
         r"burgess_v2 or higgins; a rerun \(run 69\)$"),
        (("disent", "dsprites", "blank_side", "β-VAE 8"), "burgess_v2 or higgins; a rerun"),
        (("disent", "dsprites", "shape2tx", "β-VAE 8"), "burgess_v2 or higgins; .* outlier"),
        (("decoders", "dsprites", "leave1out", "ground-truth decoder"), "20,000 .* train NLL"),
        (("decoders", "shapes3d", "shape2ohue", "ground-truth decoder"), "of higgins and deep_bn"),
        (("decoders", "shapes3d", "leave1out", "ground-truth decoder"), "kim_bn or deep_bn"),
        (("composition", "shapes3d", "leave1out", "composer"), "not published"),
        (("composition", "mpi3d", "leave1out", "composer"), "not published"),
    ],
)  # fmt: skip
def test_uncertain_rows_say_so(row, words):
    assert re.search(words, TABLE[Row(*row)].note)


def test_all_other_rows_are_published_whole():
    sure = {row for row, entry in TABLE.items() if not entry.note}
    assert sure == {
        row for row in TABLE
        if (row.experiment == "disent" and not (row.dataset == "dsprites" and
            row[2:] in {("blank_side", "β-VAE 8"), ("shape2tx", "β-VAE 8"),
                        ("shape2tx", "β-VAE 12")}))
        or row[:2] == ("composition", "dsprites")
    }  # fmt: skip


def test_known_seeds_stand_in_data_and_notes():
    seeds = {row: entry.seed for row, entry in TABLE.items() if entry.seed is not None}
    assert seeds == {
        Row("disent", "dsprites", "shape2tx", "β-VAE 8"): 716011605,
        Row("disent", "dsprites", "shape2tx", "β-VAE 12"): 145395029,
    }
    assert all(str(seed) in TABLE[row].note for row, seed in seeds.items())


def test_notes_are_single_lines():
    assert not any("\n" in entry.note for entry in TABLE.values())


def test_citation_and_bibtex_name_the_paper():
    assert (STUDY.name, STUDY.title) == ("montero2021", "Montero et al. 2021")
    assert STUDY.citation.startswith("Montero et al., ")
    fields = dict(re.findall(r"(\w+) += \{(.+)\}", STUDY.bibtex))
    assert fields["title"] in STUDY.citation
    assert fields["year"] == "2021"
    for author in ("Montero", "Ludwig", "Costa", "Malhotra", "Bowers"):
        assert f"{author}, " in STUDY.bibtex
    assert STUDY.bibtex.count("{") == STUDY.bibtex.count("}")
