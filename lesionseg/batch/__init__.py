"""Many scans on one machine: a work list, a ledger that outlives the process, and a pipeline over cases."""
