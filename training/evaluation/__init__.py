"""Judging models: protocols, contenders, figures with intervals, pages."""
