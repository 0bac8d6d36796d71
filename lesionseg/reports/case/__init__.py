"""The page of one scan, with a slice viewer."""
