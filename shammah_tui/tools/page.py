"""A web page as readable Markdown. Its scripts, styles and pictures are left out; links are made whole."""

from __future__ import annotations

import codecs
import re
from urllib.parse import urljoin

from shammah_tui.tools.encoding import detect

_DROPPED = ["script", "style", "noscript", "template", "svg", "iframe", "object", "canvas", "head", "link", "meta"]
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?([a-z0-9_-]{2,30})", re.IGNORECASE)
_BLANK_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*)+\n")
_SNIFFED_BYTES = 4_096
# Parsing takes about a second for each million; what is shown of a page is far less.
_PARSED_CHARACTERS = 2_000_000


def decoded(body: bytes, charset: str) -> str:
    """The text of a body: by the charset of the header, of the page itself, else as it looks."""
    meta = _META_CHARSET.search(body[:_SNIFFED_BYTES])
    encoding = detect(body, is_whole=False)
    body = body[len(encoding.mark) :]
    for name in (encoding.name if encoding.mark else "", charset, meta[1].decode("ascii") if meta else ""):
        if name and _is_text_encoding(name):
            return body.decode(name, "replace")
    return body.decode(encoding.name, "replace")


def to_markdown(html: str, url: str) -> tuple[str, str]:
    """Title and text of a page. Imports its library when it is first needed: it is slow to load."""
    from bs4 import BeautifulSoup
    from markdownify import MarkdownConverter

    soup = BeautifulSoup(html[:_PARSED_CHARACTERS], "html.parser")
    title = " ".join(soup.title.get_text(" ").split()) if soup.title else ""
    for element in soup(_DROPPED):
        element.decompose()
    for image in soup("img"):
        image.replace_with(str(image.get("alt") or ""))
    for link in soup("a", href=True):
        link["href"] = urljoin(url, str(link["href"]))
    try:
        text = MarkdownConverter(heading_style="ATX", bullets="-").convert_soup(soup)
    except RecursionError:  # nested deeper than any page that is meant to be read
        text = soup.get_text("\n")
    return title, _BLANK_LINES.sub("\n\n", text).strip()


def _is_text_encoding(name: str) -> bool:
    try:
        return codecs.lookup(name)._is_text_encoding
    except LookupError:
        return False
