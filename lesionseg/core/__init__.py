"""Words every room shares: errors, labels, files, provenance. Imports no other room."""
