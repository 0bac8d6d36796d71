"""Which scans a folder holds, and whose they are."""
