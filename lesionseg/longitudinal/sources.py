"""From which columns of a scan's measurements each parameter comes."""

from __future__ import annotations

from dataclasses import dataclass

from lesionseg.core.plan import LESION_PARAMETERS


@dataclass(frozen=True)
class Source:
    """Where a parameter's value stands.

    Attributes
    ----------
    value : str
        Column of the value, or the numerator of a ratio.
    over : str
        Column of the denominator of a ratio in %; empty where the column is the value itself.
    low, high : str
        Columns of its interval; empty where it has none.
    """

    value: str
    over: str = ""
    low: str = ""
    high: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns it needs, the interval apart."""
        return (self.value, self.over) if self.over else (self.value,)


def _sources() -> dict[str, Source]:
    sources = {
        "LESPCT": Source(
            "lesion_proportion_pct", low="lesion_proportion_low_pct", high="lesion_proportion_high_pct"
        ),
        "SOLPCT": Source(
            "solid_proportion_pct", low="solid_proportion_low_pct", high="solid_proportion_high_pct"
        ),
        "NSLPCT": Source("non_solid_ml", over="lung_ml"),
        "LESML": Source("lesion_ml"),
        "SOLML": Source("solid_ml"),
        "NSLML": Source("non_solid_ml"),
        "LUNGML": Source("lung_ml"),
        "DENPCT": Source("dense_lesion_proportion_pct"),
    }
    for suffix, lung in (("R", "right"), ("L", "left")):
        sources[f"LESPCT{suffix}"] = Source(f"{lung}_lesion_proportion_pct")
        sources[f"SOLPCT{suffix}"] = Source(f"{lung}_solid_proportion_pct")
        sources[f"NSLPCT{suffix}"] = Source(f"{lung}_non_solid_ml", over=f"{lung}_lung_ml")
    return sources


SOURCES = _sources()
"""By parameter code; the adjusted parameters are not among them, as they need two scans."""
MEASURED = tuple(parameter for parameter in LESION_PARAMETERS.values() if parameter.code in SOURCES)
"""Parameters that a single scan has."""
ADJUSTED = {"LESPCTA": "LESPCT", "SOLPCTA": "SOLPCT"}
"""Inspiration-adjusted parameters, and what they adjust."""
ADJUSTMENT_COLUMNS = ("lung_ml", "lung_mean_hu", "lesion_ml", "lesion_mean_hu", "non_solid_ml")
NUMBER_COLUMNS = tuple(
    dict.fromkeys(
        name
        for names in (
            *(source.columns for source in SOURCES.values()),
            *((source.low, source.high) for source in SOURCES.values() if source.low),
            ADJUSTMENT_COLUMNS,
            ("slice_spacing_mm",),
        )
        for name in names
    )
)
"""Every column of numbers that is read from the table of scans."""
