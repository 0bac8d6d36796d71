"""The phantom trial."""
