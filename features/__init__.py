"""Point-in-time features: declared once, computed by SQL over the lake, derived in the same way for a form."""
