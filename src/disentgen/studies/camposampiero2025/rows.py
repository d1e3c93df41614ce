"""The rows of the published study whose numbers are known, and how each was trained.

Splits, networks and protocol are those of the published code; every row's note says what of them is
not followed here, or is not known.
"""

from disentgen.studies.rows import Entry, Row, Words

EXPERIMENT = "supervised"
#: Factors that are split by, and asked for; orientation and MPI3D's size are not.
FACTORS = {
    "dsprites": ("shape", "scale", "posX", "posY"),
    "shapes3d": ("floor_hue", "wall_hue", "object_hue", "scale", "shape"),
    "mpi3d": (
        "object_color", "object_shape", "camera_height", "background_color",
        "horizontal_axis", "vertical_axis",
    ),
}  # fmt: skip
#: Of codebooks, factors whose neighbouring classes are hardly alike.
NOMINAL = {"dsprites": "shape", "mpi3d": "object_shape"}
NETWORKS = ("resnet18", "densenet121", "ed", "mlp")
#: Images in a batch, where they are fewer than the datasets' 1,024.
BATCH_SIZES = {"resnet18": 256}

#: By dataset and c, the networks whose numbers are known; of c = 0 one each, to say why it decides
#: nothing.
RUNGS: dict[tuple[str, int], tuple[str, ...]] = {
    **{(dataset, c): NETWORKS if c else ("resnet18",) for dataset in FACTORS for c in (0, 1, 2)},
    **{("mpi3d", c): ("resnet18",) for c in (3, 4, 5)},
}

UNSEEN = (
    "some values are never trained on at c = 0, so that no image held out can be right about all "
    "factors: joint accuracy is 0 by construction"
)
#: What is not followed, of all rows.
NOTE = (
    "published: half precision on a GPU, its scaled gradients clipped to a norm of 1,000; one "
    "combination kept out of training; images blurred by 0.1 to 0.3 pixels; the same order of "
    "images in every epoch; the epoch with the best accuracy on held-in validation images. Here: "
    "single precision, no clipping, all held-in combinations, no blur, a new order in every epoch, "
    "the epoch with the best validation NLL"
)
#: What is not followed or not known besides, of a network.
NOTES = {
    "resnet18": "batch size that of the published resnet.yml; its own resnet18.yml was not seen, "
    "nor what stands between features and heads",
    "densenet121": "initial weights scaled by the inputs of a convolution, not by its outputs",
    "ed": "a linear layer between the features of each ResNet-18 and its codebook is inferred",
    "mlp": "",
}


def list_words(dataset: str, c: int, network: str) -> Words:
    """The words of a row's command line.

    Args:
        dataset: its name.
        c: how many factors at once may be late.
        network: the name of its architecture.
    """
    nominal = NOMINAL.get(dataset)
    return (
        f"dataset.{dataset}",
        f"dataset.variant=orthotopic_c{c}",
        "dataset.validation=0.1",
        f"model.{network}",
        *(f"model.heads.{factor}=classes" for factor in FACTORS[dataset]),
        *([f"model.nominal=[{nominal}]"] if network == "ed" and nominal else []),
        "training.classification",
        *([f"training.batch_size={BATCH_SIZES[network]}"] if network in BATCH_SIZES else []),
    )


def list_entries() -> dict[Row, Entry]:
    """All rows, in the order of the tables."""
    return {
        Row(EXPERIMENT, dataset, f"orthotopic_c{c}", network): Entry(
            list_words(dataset, c, network),
            "; ".join(filter(None, (NOTE, NOTES[network]))),
            undecidable="" if c else UNSEEN,
        )
        for (dataset, c), networks in sorted(RUNGS.items(), key=lambda rung: order(*rung[0]))
        for network in networks
    }


def order(dataset: str, c: int) -> tuple[int, int]:
    """Where a rung stands in the tables.

    Args:
        dataset: its name.
        c: how many factors at once may be late.
    """
    return list(FACTORS).index(dataset), c


#: Every row of the study whose numbers are known.
ENTRIES = list_entries()
