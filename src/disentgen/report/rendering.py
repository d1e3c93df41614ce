"""Pages from templates."""

from functools import cache
from typing import TYPE_CHECKING, Any

import disentgen
from disentgen.report.formatting import DASH, format_number
from disentgen.report.glossary import GLOSSARY, define_terms
from disentgen.text import make_visible

if TYPE_CHECKING:
    from jinja2 import Environment


@cache
def open_templates() -> "Environment":
    """The templates of the package; what stands in double braces is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("disentgen.report"),
        autoescape=True,
        finalize=show_text,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = format_number
    environment.globals |= {
        "dash": DASH,
        "glossary": GLOSSARY,
        "version": disentgen.__version__,
    }
    return environment


def show_text(value: Any) -> Any:
    """A value that stands in braces; of a text, which may be anybody's, all is visible.

    Args:
        value: of any type; HTML and lines stay as they are.
    """
    plain = isinstance(value, str) and not hasattr(value, "__html__")
    return make_visible(value, keep="\n\t") if plain else value


def render(template: str, **content: Any) -> str:
    """A page, or a part of one, with every term of the glossary marked at its first use.

    Args:
        template: its file's name, without endings.
        content: what the template shows.
    """
    page = open_templates().get_template(f"{template}.html.jinja").render(**content)
    return define_terms(page)
