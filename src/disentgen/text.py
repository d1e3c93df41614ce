"""Text that others have written, made safe to be shown on a terminal, a page or a figure."""

import unicodedata

#: Kinds of characters that show nothing themselves, and act on a terminal or on other text:
#: controls, formats such as a change of direction, halves of characters, and ends of lines.
ACTING = ("Cc", "Cf", "Cs", "Zl", "Zp")


def make_visible(text: object, keep: str = "") -> str:
    r"""A text with each character that shows nothing as an escape, such as ``\x1b``.

    Args:
        text: of a run's files or name, say.
        keep: characters that stay, such as the ends of lines of a page.
    """
    shown = str(text)
    if shown.isprintable():
        return shown
    return "".join(
        character.encode("unicode_escape").decode("ascii")
        if character not in keep and unicodedata.category(character) in ACTING
        else character
        for character in shown
    )


def join_lines(text: object, limit: int = 300) -> str:
    """A text in one line, cut where it is longer than a limit; see :func:`make_visible`."""
    line = make_visible(" ".join(str(text).split()))
    return line if len(line) <= limit else f"{line[:limit]} …"


def shorten(text: str, limit: int = 100) -> str:
    """A text for a message, cut where it is longer than a limit."""
    return text if len(text) <= limit else f"{text[:limit]}…"
