"""How the trial report writes figures: a real minus sign, units, P values, intervals of one precision."""

from __future__ import annotations

from collections.abc import Sequence

MINUS, NOTHING = "\N{MINUS SIGN}", "\N{EN DASH}"
_MOST_DIGITS = 4


def plain(value: float) -> str:
    """Write a figure as short as it is, as on an axis."""
    text = f"{value:,.10g}" if abs(value) < 1e-4 and value else f"{value:,.4f}".rstrip("0").rstrip(".")
    return _minus(text)


def fixed(value: float, digits: int) -> str:
    """Write a figure with so many decimals."""
    return _minus(f"{value:,.{digits}f}")


def signed_fixed(value: float, digits: int) -> str:
    """Write a figure with so many decimals and with its sign, unless it rounds to zero."""
    text = fixed(value, digits)
    return f"+{text}" if value > 0 and text.strip("0.,") else text


def digits_for(values: Sequence[float | None]) -> int:
    """Return how many decimals suit figures that stand together; none but zero itself is written as zero."""
    sizes = [abs(value) for value in values if value is not None]
    largest, nonzero = max(sizes, default=0.0), [size for size in sizes if size > 0]
    digits = 0 if largest >= 1000 else 1 if largest >= 10 else 2
    while digits < _MOST_DIGITS and any(round(size, digits) == 0 for size in nonzero):
        digits += 1
    return digits


def amount(value: float | None) -> str:
    """Write one figure with decimals that suit its size; a missing one as a dash."""
    return NOTHING if value is None else fixed(value, digits_for([value]))


def interval(low: float | None, high: float | None, digits: int) -> str:
    """Write the ends of an interval; one that is open on a side says so."""
    if low is None and high is None:
        return NOTHING
    if low is None and high is not None:
        return f"up to {signed_fixed(high, digits)}"
    if high is None and low is not None:
        return f"from {signed_fixed(low, digits)}"
    return f"{signed_fixed(low or 0.0, digits)} to {signed_fixed(high or 0.0, digits)}"


def p_text(p_value: float | None, alpha: float = 0.05) -> str:
    """Write a P value with its sign of relation, never rounded across `alpha`; a missing one as a dash.

    Three decimals below 0.1 and two above, as journals ask for.
    """
    if p_value is None:
        return NOTHING
    if p_value < 0.001:
        return "< 0.001"
    if p_value > 0.99:
        return "> 0.99"
    digits = 3 if p_value < 0.0995 else 2
    while digits < 6 and (round(p_value, digits) >= alpha) != (p_value >= alpha):
        digits += 1
    return f"= {p_value:.{digits}f}"


def p_cell(p_value: float | None, alpha: float = 0.05) -> str:
    """Write a P value for a table, where an equals sign is noise."""
    return p_text(p_value, alpha).removeprefix("= ")


def counted(number: int, one: str, many: str = "") -> str:
    """Write a number with its noun."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def as_sentence(words: str) -> str:
    """Return a remark with a capital and a full stop."""
    closed = words if words.endswith((".", "!", "?")) else f"{words}."
    return closed[:1].upper() + closed[1:]


def _minus(text: str) -> str:
    """Without the minus of a figure that rounds to zero; otherwise with a real minus sign."""
    return text.replace("-", MINUS if text.strip("-0.,") else "")
