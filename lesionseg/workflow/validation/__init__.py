"""Label maps against references, from folders to a page."""
