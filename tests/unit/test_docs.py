"""The pages: what they link to is there, and decisions are numbered without gaps."""

import re
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]
PAGES = [REPO / "README.md", REPO / "CHANGELOG.md", *sorted((REPO / "docs").rglob("*.md"))]
_LINK = re.compile(r"\]\((?!https?://|mailto:)([^)#\s]*)(#[^)\s]+)?\)")
_CODE = re.compile(r"```.*?```", re.DOTALL)


def anchors(page):
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", _CODE.sub("", page.read_text()), re.MULTILINE)
    return {"#" + re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPO)))
def test_every_link_leads_somewhere(page):
    for path, anchor in _LINK.findall(_CODE.sub("", page.read_text())):
        target = (page.parent / path).resolve() if path else page

        assert target.exists(), path
        assert not anchor or target.suffix != ".md" or anchor in anchors(target), f"{path}{anchor}"


def test_decisions_are_numbered_without_gaps_as_their_titles_say():
    pages = sorted((REPO / "docs" / "adr").glob("*.md"))

    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    for page in pages:
        assert page.read_text().startswith(f"# {int(page.name[:4])}. ")


def test_the_readme_leads_to_every_page_of_the_docs_by_at_most_two_steps():
    def linked(page):
        links = (page.parent / path for path, _ in _LINK.findall(_CODE.sub("", page.read_text())) if path)
        return {link.resolve() for link in links if link.suffix == ".md" and link.exists()}

    first = linked(REPO / "README.md")
    reached = first.union(*(linked(page) for page in first))

    assert {page for page in (REPO / "docs").glob("*.md") if page not in reached} == set()
