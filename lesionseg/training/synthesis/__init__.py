"""Synthetic lesions, what resembles them, and scanners, on patches of lung."""
