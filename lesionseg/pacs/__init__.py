"""Scans from a PACS and results back to it: DICOMweb, and a listener that segments what is sent to it."""
