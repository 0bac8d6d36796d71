"""What every HTML report shares: one template environment, and pictures that lie within the page."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NOTICE = "Research use only. Not a medical device."
_HASH_SALT = "lesionseg"


@dataclass(frozen=True)
class Picture:
    """A picture within the page, and the words for who cannot see it."""

    uri: str
    words: str


def render_page(template: str, content: Mapping[str, Any]) -> str:
    """Fill a template of this room; every value is escaped and a missing one is an error.

    Reports extend ``base.html.j2``, which holds their common style and forbids the browser every request.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("lesionseg.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(content)


def svg_uri(svg: str) -> str:
    """Address under which a page carries an SVG within itself."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


def png_uri(png: bytes) -> str:
    """Address under which a page carries a PNG within itself."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def svg_of(figure: Figure) -> str:
    """Draw a matplotlib figure as SVG text; the same figure, the same text."""
    import io

    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    target = io.StringIO()
    FigureCanvasSVG(figure)
    # without salt and with a date the same figure would be another file on every run
    with rc_context({"svg.hashsalt": _HASH_SALT}):
        figure.savefig(target, format="svg", metadata={"Date": None, "Creator": None})
    return target.getvalue()
