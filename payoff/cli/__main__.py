"""`python -m payoff.cli` is `payoff`."""

from payoff.cli import main

main()
