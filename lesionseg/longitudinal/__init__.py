"""Visits: which scan is which visit, whether two scans can be compared, and by how much lesions changed."""
