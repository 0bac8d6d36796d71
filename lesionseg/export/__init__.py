"""Results as files that other programs open: DICOM SEG, SR and secondary capture, 3D Slicer, ITK-SNAP."""
