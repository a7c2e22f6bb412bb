"""What can be chosen by name, for the command line, training and metadata alike; imports nothing heavy."""

from typing import Literal, get_args

#: How much training spends: ``training.presets`` says on what.
Preset = Literal["fast", "good", "best"]
PRESETS: tuple[Preset, ...] = get_args(Preset)

#: All loans, or those already finished, whose end is settled.
Population = Literal["all", "finished"]
POPULATIONS: tuple[Population, ...] = get_args(Population)

#: Stratified five-fold cross-validation; early loans to train on and later ones to test with; a stratified 70/30 split.
Protocol = Literal["cv", "time", "holdout"]
PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)

#: What the challenger does while the champion serves: nothing, score unseen, or answer a share of the applications.
Challenger = Literal["off", "shadow", "split"]

#: How the log is written: for people, or an object a line for programs.
LogFormat = Literal["text", "json"]

#: How a loan is predicted to end.
Verdict = Literal["paid_off", "default"]

#: What a member of staff may do: look; look up and score; promote, manage users and delete.
Role = Literal["viewer", "officer", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
