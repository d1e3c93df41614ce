"""The study's protocols as data, beside what its table's words mean."""

from dataclasses import replace

import pytest

from configs.cnnvae import ARCHITECTURES
from configs.decoders import DECODERS
from disentgen.errors import DataFileError
from disentgen.models.layers import normalise_layers
from disentgen.studies.montero2021 import STUDY
from disentgen.studies.protocols import NOT_OF_A_ROW, format_packed, load_protocols, pack, unpack
from disentgen.studies.rows import Row
from experiments.protocols import collect_protocols


@pytest.fixture(scope="module")
def protocols():
    return load_protocols(STUDY)


def test_data_is_what_the_experiments_make_of_the_table(protocols):
    """Where it is not: python -m experiments.protocols, inside scripts, writes it anew."""
    collected = collect_protocols(STUDY)
    assert list(collected) == list(protocols) == list(STUDY.entries)
    for row, config in collected.items():
        assert protocols[row] == config, row


def test_protocols_are_of_training_alone(protocols):
    for config in protocols.values():
        assert not set(config) & {*NOT_OF_A_ROW, "seed", "dataset.root", "dataset.variant"}
        assert {"dataset.name", "split.held_out", "model.decoder", "training.loss.name"} <= {
            *config
        }


@pytest.mark.parametrize(
    ("row", "held_in", "batch"),
    [
        (("dsprites", "leave1out", "VAE"), 731_472, 64),
        (("dsprites", "leave1out", "FactorVAE 50"), 731_472, 128),
        (("shapes3d", "fhue_gt50", "β-VAE 8"), 240_000, 64),
        # Images at 20 are on neither side.
        (("mpi3d", "horz_gt20", "FactorVAE 100"), 518_400, 128),
    ],
)
def test_steps_are_full_passes_over_the_training_images(protocols, row, held_in, batch):
    config = protocols[Row("disent", *row)]
    assert config["steps"] == 30 * ((held_in - round(0.05 * held_in)) // batch)
    assert config["training.batch_size"] == batch


def test_decoders_and_composers_make_as_many_steps_as_published(protocols):
    expected = {"dsprites": 20_000, "shapes3d": 5_000, "mpi3d": 5_000}
    for row, config in protocols.items():
        if row.experiment != "disent":
            assert config["training.validation_images"] == 6_400
            steps = 4_680 if row.experiment == "composition" else expected[row.dataset]
            assert config["steps"] == steps


def test_layers_are_those_of_the_named_architectures(protocols):
    vae = protocols[Row("disent", "dsprites", "shape2tx", "VAE")]
    assert vae["model.name"] == "burgess_v2"
    assert normalise_layers("", ARCHITECTURES["burgess_v2"]["encoder"]) == vae["model.encoder"]
    assert vae["model.decoder"] is None
    for dataset, name in {"dsprites": "higgins", "shapes3d": "higgins", "mpi3d": "deep_bn"}.items():
        decoder = protocols[Row("decoders", dataset, "leave1out", "ground-truth decoder")]
        assert decoder["model.name"] == name
        assert normalise_layers("", DECODERS[name]["decoder"]) == decoder["model.decoder"]


def test_packing_loses_nothing_where_rows_differ():
    rows = [Row("disent", "dsprites", "leave1out", model) for model in ("VAE", "other")]
    config = {"model.name": "kim", "model.encoder": [["relu"]], "lr": 1, "steps": 2, "params": {}}
    protocols = {rows[0]: config, rows[1]: {**config, "lr": 3, "gamma": None}}
    assert unpack(pack(protocols)) == protocols
    assert pack(protocols)["experiments"][0]["config"] == {"steps": 2, "params": {}}


def test_protocols_of_other_entries_are_refused(tmp_path):
    study = replace(STUDY, protocols=tmp_path / "protocols.json")
    with pytest.raises(DataFileError, match=r"is missing; python -m experiments.protocols"):
        load_protocols(study)
    rows = dict(list(load_protocols(STUDY).items())[:2])
    study.protocols.write_text(format_packed(pack(rows)))
    with pytest.raises(
        DataFileError, match=r"other rows, composition dsprites blank_side composer"
    ):
        load_protocols(study)
