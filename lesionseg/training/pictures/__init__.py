"""Single slices kept as grey pictures, with and without outlines."""
