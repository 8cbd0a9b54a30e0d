"""A page of charts and tables that stand still: one HTML file, no script, nothing fetched."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files

_STYLES = ("base.css", "sheet.css")


def sheet(
    title: str,
    body: str,
    *,
    headline: str = "",
    warnings: Sequence[str] = (),
    footer: str = "",
) -> str:
    """The page. Light or dark as the reader's system is.

    Args:
        title: what the page is of; this and all that follows but `body` is escaped here.
        body: HTML of `section`s, `svg` figures and `table`s, its texts escaped already.
        headline: one plain sentence without its full stop.
        warnings: one line each.
        footer: how it was made.
    """
    style = "".join(files("affekt.report").joinpath(name).read_text(encoding="utf-8") for name in _STYLES)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    said = "".join(f"<li>{escape(line)}</li>" for line in warnings)
    parts = [
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="generator" content="affekt">',
        f"<title>{escape(title)} · affekt</title>\n<style>{style}</style>\n</head>\n<body>\n<main>\n<header>",
        '<p class="brand"><span aria-hidden="true"></span>affekt</p>',
        f"<h1>{escape(title)}</h1>",
        f'<p class="headline">{escape(headline)}.</p>' if headline else "",
        f'<ul class="warnings">{said}</ul>' if said else "",
        f"</header>\n{body}",
        f"<footer>{escape(footer or 'Made on this machine; nothing was sent anywhere.')}</footer>",
        "</main>\n</body>\n</html>\n",
    ]
    return "\n".join(part for part in parts if part)


def section(title: str, body: str, note: str = "") -> str:
    """A part of a page; title and note are escaped, the body is HTML."""
    said = f'<p class="note">{escape(note)}</p>' if note else ""
    return f"<section>\n<h2>{escape(title)}</h2>{said}\n{body}\n</section>\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Cells are escaped; the first of a row names it. On a narrow screen it scrolls by itself."""
    top = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    lines = "".join(
        f'<tr><th scope="row">{escape(first)}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in rest)}</tr>'
        for first, *rest in rows
    )
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table></div>'
