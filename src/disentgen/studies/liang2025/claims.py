"""The study's verdicts as claims, each decided by the squared error of held-out images.

A decoder fails if it is no better than what composes nothing: the nearest training image of each
held-out one, or the mean training image, whichever is better. The publication judges by pictures
and curves, and names no bound; this one is ours.
"""

from disentgen.studies.claims import Claim
from disentgen.studies.liang2025.rows import DEPTHS, ENCODINGS
from disentgen.studies.rows import Row

TITLES = {"scalar": "numbers", "one_hot": "one-hot codes", "bump": "Gaussian codes"}
#: The depth of the published code's default.
USUAL = 4


def claim(number: str, text: str, variant: str, models: tuple[str, ...], fails: bool) -> Claim:
    """That decoders fail in the held-out square, or that one succeeds.

    Args:
        number: of the claim.
        text: what is claimed.
        variant: held out.
        models: by architecture.
        fails: whether failing is claimed.
    """
    return Claim(
        number=number,
        text=text,
        dataset="bumps",
        kind="uncomposed",
        cells=tuple(Row("decoders", "bumps", variant, model) for model in models),
        score="nll",
        bound=1.0,
        above=fails,
        quantity="held-out squared error over that of the nearest training image, or of their mean "
        "where it is better",
        reason="what composes nothing does as well",
        remark="" if fails else "shows that the split can be solved, not how a VAE would do",
    )


def list_claims() -> tuple[Claim, ...]:
    """All claims, by number."""
    return (
        *(
            claim(
                f"1{letter}", f"a CNN of {TITLES[encoding]} fails", "square_6_22",
                (f"{encoding}_cnn{USUAL}",), fails=True,
            )
            for letter, encoding in zip("abc", ENCODINGS, strict=True)
        ),
        *(
            claim(
                f"2{letter}", f"CNNs of {TITLES[encoding]} fail at every depth", "square_6_22",
                tuple(f"{encoding}_cnn{depth}" for depth in DEPTHS), fails=True,
            )
            for letter, encoding in zip("abc", ENCODINGS, strict=True)
        ),
        claim("3", "a CNN trained on stripes too succeeds", "square_12_28", ("stripes_cnn8",),
              fails=False),
        claim("4", "a rendering layer succeeds", "corner_12", ("rendering",), fails=False),
    )  # fmt: skip
