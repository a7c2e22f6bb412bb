"""The shared kernel: settings, errors, SQL dialects, warehouse, lake, the feature contract and model loading."""

__version__ = "0.1.0"
