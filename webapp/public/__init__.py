"""The pages for everyone: the form, its answer with the reasons, what would change it, and what this is."""
