"""Rank tests: Wilcoxon with the Hodges-Lehmann shift, and van Elteren, exact and in little memory."""
