"""The page of one patient over the visits."""
