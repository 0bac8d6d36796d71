"""Learning a network from chests and synthetic lesions."""
