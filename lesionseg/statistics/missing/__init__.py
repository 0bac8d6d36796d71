"""What is missing: worst case, multiple imputation, tipping point."""
