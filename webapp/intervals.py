"""How sure a share of a count is. Said with each answer, so without scipy, which takes half a second to import."""

from math import sqrt
from statistics import NormalDist

_Z = NormalDist().inv_cdf(0.975)


def wilson(part: int, whole: int) -> tuple[float, float]:
    """Wilson's 95 % interval of the share that ``part`` is of ``whole``.

    Notes
    -----
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. JASA 22, 209-212.
    """
    share = part / whole
    centre = share + _Z**2 / (2 * whole)
    reach = _Z * sqrt(share * (1 - share) / whole + (_Z / (2 * whole)) ** 2)
    scale = 1 + _Z**2 / whole
    low = (centre - reach) / scale if part else 0.0
    high = (centre + reach) / scale if part < whole else 1.0
    return low, high
