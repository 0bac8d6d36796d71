"""Lungs and lesions on a CT volume: model bundles, preprocessing, inference runtimes, post-processing."""
