"""Trial statistics: tidy tables in, estimates out. Imports `core` alone, so that it can be audited alone."""
