"""lesionseg: lung lesion volumes on chest CT as trial endpoints."""

__version__ = "0.1.0"
