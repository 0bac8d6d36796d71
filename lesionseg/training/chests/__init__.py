"""Chests to learn from: read, prepared, and cut into patches."""
