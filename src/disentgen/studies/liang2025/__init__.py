"""Liang et al. 2025: decoders of bumps fail in a held-out square, unless pictures are rendered.

``rows`` says what is trained, ``claims`` what is claimed; ``protocols.json`` holds the whole
configuration of every row. The publication has verdicts and no table of numbers.
"""

from pathlib import Path

from disentgen.studies.liang2025.claims import list_claims
from disentgen.studies.liang2025.rows import ENTRIES
from disentgen.studies.study import Study

BIBTEX = """\
@inproceedings{liang2025rendering,
  title     = {Compositional Generalization via Forced Rendering of Disentangled Latents},
  author    = {Liang, Qiyao and Qian, Daoyuan and Ziyin, Liu and Fiete, Ila R.},
  booktitle = {International Conference on Machine Learning},
  series    = {Proceedings of Machine Learning Research},
  volume    = {267},
  pages     = {37370--37395},
  year      = {2025},
  url       = {https://proceedings.mlr.press/v267/liang25n.html},
}
"""

STUDY = Study(
    name="liang2025",
    title="Liang et al. 2025",
    citation="Liang et al., Compositional Generalization via Forced Rendering of Disentangled "
    "Latents, ICML 2025",
    bibtex=BIBTEX,
    entries=ENTRIES,
    protocols=Path(__file__).parent / "protocols.json",
    claims=list_claims(),
)
