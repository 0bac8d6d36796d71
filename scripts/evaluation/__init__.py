"""The evaluation of bundles, row by row; one file per kind of evidence. See `__main__`."""
