"""Readers' results: masks that people drew or corrected come in, are measured, recorded and adjudicated."""
