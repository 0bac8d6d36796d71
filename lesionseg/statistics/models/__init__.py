"""Models: covariance analysis and the mixed model for repeated measures."""
