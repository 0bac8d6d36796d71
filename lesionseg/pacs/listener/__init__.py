"""A DICOM node that receives CT studies, segments those that have gone quiet, and sends the results back."""
