"""From a feature table to a published model: split, fit, evaluate, publish."""
