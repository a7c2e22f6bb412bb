"""What the pages on models ask of the lake."""

import re

from werkzeug.exceptions import NotFound

from payoff.metadata import Metadata
from payoff.model import read_metadata
from webapp.serving import current_lake

_VERSION = re.compile(r"\w[\w.-]{0,63}", re.ASCII)


def described(version: str) -> Metadata:
    """The metadata of a version that was asked for.

    Raises
    ------
    NotFound
        There is none of that name.
    ModelError, LakeError
        It cannot be read.
    """
    lake = current_lake()
    if not _VERSION.fullmatch(version) or not lake.exists(f"models/{version}/metadata.json"):
        raise NotFound
    return read_metadata(lake, version)
