"""A finished case as files that other programs open, from its folder or from memory."""
