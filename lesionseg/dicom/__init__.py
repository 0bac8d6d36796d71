"""DICOM in and out: series found, chosen, checked and decoded; phantom series written."""
