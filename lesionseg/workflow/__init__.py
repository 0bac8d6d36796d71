"""One case from input to output folder, and what is built on it: the demo and the self-test."""
