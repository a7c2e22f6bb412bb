"""What an examination says of one part."""

from typing import Literal, NamedTuple

#: Good; doubtful, where it works but may not as meant; bad, where something will fail.
State = Literal["good", "doubtful", "bad"]


class Finding(NamedTuple):
    """What was found; ``advice`` says what to do, and is empty where nothing is."""

    state: State
    found: str
    advice: str = ""
