"""The rows of the study, called by their architectures, and how each is trained.

Numbers are those of the authors' code (qiyaoliang/DisentangledCompGen).
"""

from disentgen.studies.rows import Entry, Row, Words

#: What decoders are given of x and y: the numbers, or a code of each.
ENCODINGS = ("scalar", "one_hot", "bump")
DEPTHS = tuple(range(2, 11))

#: One image of the held-in side is held back, since none cannot be.
_SHARED: Words = ("dataset.bumps", "dataset.validation=0.001")
_DRAWS = (
    "63 batches an epoch go through the held-in images; the published code goes through 2,000 "
    "draws of them, made once"
)


def name_row(
    version: str, variant: str, model: str, training: str, note: str = _DRAWS
) -> tuple[Row, Entry]:
    """A row, and how it is trained.

    Args:
        version: of the dataset.
        variant: of that version, which no other has.
        model: named configuration.
        training: likewise.
        note: what is our reading.
    """
    words = (f"dataset.version={version}", f"dataset.variant={variant}")
    entry = Entry((*_SHARED, *words, f"model.{model}", f"training.{training}"), note)
    return Row("decoders", "bumps", variant, model), entry


#: Every row of the study.
ENTRIES: dict[Row, Entry] = dict(
    [
        *(
            name_row("dark", "square_6_22", f"{encoding}_cnn{depth}", "bumps")
            for encoding in ENCODINGS
            for depth in DEPTHS
        ),
        name_row("stripes", "square_12_28", "stripes_cnn8", "bumps_stripes"),
        name_row("bright", "corner_12", "rendering", "bumps_rendering", note=""),
    ]
)
