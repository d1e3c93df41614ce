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


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (("disent", "dsprites", "blank_side", "β-VAE 8"), "burgess_v2 or higgins; a rerun"),
        (("disent", "dsprites", "shape2tx", "β-VAE 8"), "burgess_v2 or higgins; .* outlier"),
        (("decoders", "dsprites", "leave1out", "ground-truth decoder"), "20,000 .* train NLL"),
        (("decoders", "shapes3d", "shape2ohue", "ground-truth decoder"), "of higgins and deep_bn"),
        (("decoders", "shapes3d", "leave1out", "ground-truth decoder"), "kim_bn or deep_bn"),
        (("composition", "shapes3d", "leave1out", "composer"), "not published"),
        (("composition", "mpi3d", "leave1out", "composer"), "not published"),
    ],
)
def test_uncertain_rows_say_so(row, words):
    assert re.search(words, TABLE[Row(*row)].note)


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
    assert STUDY.citation.startswith("Montero et al., ")
    fields = dict(re.findall(r"(\w+) += \{(.+)\}", STUDY.bibtex))
    assert fields["title"] in STUDY.citation
    assert fields["year"] == "2021"
    for author in ("Montero", "Ludwig", "Costa", "Malhotra", "Bowers"):
        assert f"{author}, " in STUDY.bibtex
    assert STUDY.bibtex.count("{") == STUDY.bibtex.count("}")
