"""A trial from its DICOM files to its report."""
