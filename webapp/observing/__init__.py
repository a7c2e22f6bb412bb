"""What is told of the app while it runs: figures for Prometheus, the id of each request, a log for programs."""
