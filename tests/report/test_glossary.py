"""Every term is defined where a page first uses it."""

import re

import pytest
from pages import Reader, build_tables, render_index

from disentgen.report.glossary import GLOSSARY, define_terms
from disentgen.report.rendering import render
from run_tables import make_runs

NEEDED = ("cell", "side", "control", "excess", "stand-in", "entropy floor")
PAGE = {
    "run": "disent/1", "label": "dSprites (rendered stand-in)", "unit": "nats per image",
    "comment": "", "command": "python -m experiments.disent with seed=1", "config": {"seed": 1},
    "scores": {"train": {"nll": 50.0, "nll_floor": 1.0, "excess": 49.0, "images": 64}},
    "remarks": [], "results": {}, "metrics": [],
}  # fmt: skip


def list_pages():
    tables = build_tables(make_runs({"recomb2range": 150.0}, control=60.0))
    relatives = {"Other runs of this cell": [("disent/2", "x")], "Control": [("disent/3", "y")]}
    return {
        "index": render_index(tables),
        "run": render(
            "run", page=PAGE, id="", back="../index.html", pictures=[], relatives=relatives
        ),
    }


@pytest.mark.parametrize("name", ["index", "run"])
def test_terms_are_defined_at_first_use(name):
    page = Reader(list_pages()[name])
    for term in NEEDED:
        words = re.compile(rf"(?<![\w-]){term.replace(' ', '[ -]')}s?(?!\w)", re.IGNORECASE)
        defined = next(inside for text, inside in page.text if words.search(text))
        assert defined, term
        assert GLOSSARY[term] in page.hints
    assert len(page.hints) == len(set(page.hints))


def test_the_index_holds_the_whole_glossary():
    page = render_index(build_tables(make_runs({"recomb2range": 150.0})))
    text = "".join(data for data, _ in Reader(page).text)
    for term, sentence in GLOSSARY.items():
        assert f"{term}{sentence}" in text, term


def test_only_the_first_use_is_marked_in_whatever_form_it_stands():
    page = define_terms("<p title='cells'>Cells, cell. Held-out sides; held out. Excellent.</p>")
    assert page == (
        f"<p title='cells'><abbr title=\"{GLOSSARY['cell']}\">Cells</abbr>, cell. "
        f'<abbr title="{GLOSSARY["held out"]}">Held-out</abbr> '
        f'<abbr title="{GLOSSARY["side"]}">sides</abbr>; held out. Excellent.</p>'
    )


def test_what_is_no_running_text_stays_as_it_is():
    page = "<style>.cell {}</style><pre>control</pre><script>a < side</script><title>run</title>"
    assert define_terms(page) == page


def test_a_longer_term_goes_before_one_that_it_holds():
    page = define_terms("gap to control, control")
    assert page.count("<abbr") == 2
    assert page.index(GLOSSARY["gap to control"]) < page.index(GLOSSARY["control"])


def test_sentences_are_sentences():
    for term, sentence in GLOSSARY.items():
        assert sentence[0].isupper(), term
        assert sentence.endswith("."), term
