"""Before a trial: power and sample size by simulation from a pilot table."""
