"""What a page is made of, as far as tests ask."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser

_VOID = ("meta", "img", "br", "link", "input")


class Elements(HTMLParser):
    """Tags that are open, every address that the page names, and the words beside its pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.alts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _VOID:
            self.open.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "srcset")]
        if tag == "img":
            self.alts.append(dict(attrs).get("alt") or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def elements_of(page: str) -> Elements:
    elements = Elements()
    elements.feed(page)
    return elements


def words_of(page: str) -> str:
    """What a reader sees, on one line."""
    shown = re.sub(r"<(script|style).*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", shown)).split())
