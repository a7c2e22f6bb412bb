"""From the bank's tables to Parquet: source, load, transform, checks, export."""
