"""Passwords: hashed with Argon2id, made at random, and refused where they would be guessed first."""

import re
import secrets
import string
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask_babel import gettext as _

from payoff.errors import StorageRefused

SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 256

#: RFC 9106's second choice, for memory-constrained machines: 64 MiB and three passes.
_hasher = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4)

#: Without what is mistaken for another: i and l, 0 and o, 1.
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP = 4, 5

#: From the top of the 100,000 most used passwords that the UK's National Cyber Security Centre published with Have I
#: Been Pwned in 2019. The first are refused with digits and signs around them, too; the others are long enough as
#: they are.
_WORDS = """
    abc abcd abcdef abcdefg alexander america andrea andrew angel anthony arsenal asdf asdfasdf asdfgh asdfghjkl
    ashley babygirl banana barcelona baseball basketball batman beautiful butterfly charlie chelsea chocolate chris
    christian christopher computer cookie daniel diamond dragon elizabeth family flower football forever freedom
    friends fuckyou hannah hello hunter iloveyou internet jasmine jennifer jessica jesus jordan joshua juventus
    killer letmein liverpool london love lovely loveme manchester master matthew michael michelle monkey mustang
    myspace naruto nicole pakistan passw0rd password patrick pepper pokemon princess purple qazwsx qazwsxedc qwaszx
    qweasd qweasdzxc qwer qwert qwerty qwertyu qwertyui qwertyuiop rainbow robert samantha samsung secret shadow
    soccer spiderman starwars summer sunshine superman taylor test thomas tigger trustno victoria welcome whatever
    william zxcvbn zxcvbnm admin
"""
_LONG = """
    123qweasdzxc 1q2w3e4r5t6y 1q2w3e4r5t6y7u8i9o0p 1qaz2wsx3edc justinbieber megaparol12345 polniypizdec0211
    polniypizdec110211 q1w2e3r4t5y6 qazwsxedcrfv startfinding telechargement
"""
#: What the site is called is tried first, too.
_SITE = "payoff"
_FEWEST_CHARACTERS = 5
#: What must stand beside a name.
_REST_OF_A_NAME = 8


def check(password: str, name: str) -> None:
    """Hold a new password of the user ``name`` to what passwords must be.

    Raises
    ------
    StorageRefused
        It is too short, too long, very common, or little more than the user's name.

    Notes
    -----
    Length and a list of known passwords, and no rule on kinds of characters: NIST SP 800-63B, section 5.1.1.2.
    """
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise StorageRefused(
            _("A password needs %(least)s to %(most)s characters.", least=SHORTEST_PASSWORD, most=LONGEST_PASSWORD)
        )
    if _is_common(password.casefold()):
        raise StorageRefused(_("This password is among the first that are tried. Choose another, of several words."))
    if any(_is_mostly(password.casefold(), word) for word in (name, _SITE)):
        raise StorageRefused(_("This password is little more than a name that anybody knows. Choose another."))


def hashed(password: str, name: str) -> str:
    """The Argon2id hash of a new password of the user ``name``. Raises StorageRefused as :func:`check`."""
    check(password, name)
    return _hasher.hash(password)


def fits(hash_: str, password: str) -> bool:
    """Whether ``password`` has that hash."""
    try:
        return _hasher.verify(hash_, password[: LONGEST_PASSWORD + 1])
    except (VerificationError, InvalidHashError):
        return False


def renewed(hash_: str, password: str) -> str:
    """The hash of a password that fits, made anew where it was made with weaker parameters."""
    return _hasher.hash(password) if _hasher.check_needs_rehash(hash_) else hash_


def generated() -> str:
    """A random password of 99 bits, in groups that can be read aloud."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))


@cache
def of_nobody() -> str:
    """Checked where there is no such user, so that the answer takes as long."""
    return _hasher.hash(secrets.token_hex(16))


def _is_common(password: str) -> bool:
    if password in _LONG.split() or len(set(password)) < _FEWEST_CHARACTERS:
        return True
    bare = password.strip(string.digits + string.punctuation + " ")
    # A word said over and over is as common as the word; figures alone are dates and telephone numbers.
    once = re.fullmatch(r"(.+?)\1*", bare)
    return once is None or not {bare, once[1]}.isdisjoint(_WORDS.split())


def _is_mostly(password: str, word: str) -> bool:
    return len(word) > 2 and word in password and len(password.replace(word, "")) < _REST_OF_A_NAME
