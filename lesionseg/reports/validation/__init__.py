"""The page of agreement with reference masks."""
