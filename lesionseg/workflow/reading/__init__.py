"""Readers' results: taken in, compared, and made final by the plan's rule."""
