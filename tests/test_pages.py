"""Pages of documentation: links lead somewhere, and a term is linked where a page first uses it."""

import re

import pytest

from conftest import REPOSITORY
from disentgen.report.glossary import GLOSSARY

#: The project's own words; the others are known from the field.
OWN = ("cell", "side", "held in", "held out", "own split", "stand-in", "entropy floor", "excess",
       "control", "gap to control")  # fmt: skip
PAGES = [*sorted(REPOSITORY.glob("*.md")), *sorted((REPOSITORY / "docs").rglob("*.md")),
         REPOSITORY / "data" / "README.md"]  # fmt: skip
#: A changelog is no introduction, and the glossary is where links lead.
EXPLAINED = [page for page in PAGES if page.name not in ("CHANGELOG.md", "glossary.md")]
CODE = re.compile(r"^```.*?^```|^ {4}.*?$|`[^`\n]*`", re.M | re.S)
NOT_TEXT = re.compile(r"^#.*$|!\[[^\]]*\]\([^)]*\)|<[^>]*>", re.M)
TERM = re.compile(
    r"(?<![\w#-])("
    + "|".join(re.sub(r"[ -]", r"[\\s-]", term) for term in sorted(OWN, key=len, reverse=True))
    + r")s?(?!\w)",
    re.I,
)


def name(page):
    return page.relative_to(REPOSITORY).as_posix()


def make_anchor(heading):
    """The anchor that GitHub gives a heading or a term."""
    return re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", heading.strip().lower()))


def list_anchors(page):
    text = page.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), re.M)
    return {*map(make_anchor, headings), *re.findall(r'<a id="([^"]+)">', text)}


def find_unexplained(text):
    """Terms that are no link to their entry where a text first uses them."""
    text = NOT_TEXT.sub("", CODE.sub("", text))
    first = {}
    for match in TERM.finditer(text):
        first.setdefault(make_anchor(re.sub(r"[\s-]", " ", match[1])), match)
    return [
        anchor
        for anchor, match in first.items()
        if text[match.start() - 1] != "["
        or not re.match(rf"\]\((\S*/)?glossary\.md#{anchor}\)", text[match.end() :])
    ]


@pytest.mark.parametrize("page", EXPLAINED, ids=name)
def test_terms_are_linked_to_the_glossary_at_first_use(page):
    assert find_unexplained(page.read_text(encoding="utf-8")) == []


def test_only_the_first_use_counts_and_code_is_no_use():
    text = (
        "# Cells\n\n`cell`\n\n    control\n\n[Held-out](docs/glossary.md#held-out) cells, held out"
    )
    assert find_unexplained(text) == ["cell"]
    assert find_unexplained("[side](glossary.md#cell), [gap to control](glossary.md)") == [
        "side", "gap-to-control",
    ]  # fmt: skip


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page):
    text = CODE.sub("", page.read_text(encoding="utf-8"))
    for link in re.findall(r"\]\(([^)\s]+)\)|<img src=\"([^\"]+)\"", text):
        address, _, anchor = "".join(link).partition("#")
        if address.startswith("http"):
            continue
        target = page.parent / address if address else page
        assert target.exists(), link
        assert not anchor or anchor in list_anchors(target), link


def test_every_term_has_an_entry_of_its_own():
    assert {make_anchor(term) for term in GLOSSARY} <= list_anchors(
        REPOSITORY / "docs" / "glossary.md"
    )
