"""Keyed, counter-based draws: chance without state.

Every random number of the model is a hash of *what it is for*: the run's seed, a purpose, and the
identities involved (an idea, a post, a visit). Nothing is read from a shared stream, so the order
in which agents act cannot matter, and the same idea by the same person meets the same luck under
two policies: common random numbers, taken down to the single idea.

The hash is a chain of SplitMix64 finalisers (Steele, Lea & Flood 2014, "Fast splittable
pseudorandom number generators", OOPSLA), one for each key absorbed; counter-based generation is
described by Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3", SC11.

The functions accept Python integers (one draw) or ``numpy`` arrays of unsigned 64-bit integers
(many draws at once) and give the same bits either way.
"""

from __future__ import annotations

import hashlib
import math
from bisect import bisect_left
from enum import IntEnum, unique
from functools import lru_cache
from typing import TYPE_CHECKING, Final, overload

from innovation_abm.errors import InnovationAbmError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MASK: Final = 0xFFFFFFFFFFFFFFFF
GOLDEN: Final = 0x9E3779B97F4A7C15
QUANTILES: Final = 512
"""Intervals in a table of quantiles; see :func:`beta_quantiles`."""
END: Final = 0.125 / QUANTILES
"""Probability that stands for 0 in such a table, and 1 - :data:`END` for 1.

The quantiles at 0 and 1 are 0 and 1 however alike people are; interpolating from there would make
outliers of the first and last. With an eighth of an interval left out at each end, the mean over
the outermost intervals comes out right where the tails fall exponentially (e**-2 would be exact).
"""

MAX_POISSON: Final = 500.0
"""Greatest mean of a Poisson number."""


@unique
class Stream(IntEnum):
    """The four groups of draws; each may have its own seed."""

    PEOPLE = 0
    IDEAS = 1
    DECISIONS = 2
    CONTEXT = 3


@unique
class Purpose(IntEnum):
    """What a draw is for. The hundreds digit is the :class:`Stream` it belongs to."""

    # who people are, and how long they stay
    RISK_AVERSION = 1
    PERMISSION_SEEKING = 2
    STORYTELLING = 3
    NORM_THRESHOLD = 4
    TURNOVER = 5
    SILO = 6
    CHANNELS = 7
    TRAIT = 8
    # what ideas are
    CONCEPTION = 100
    VALUE = 101
    NOVELTY = 102
    FACET = 103
    TOPIC = 104
    DEALING = 106
    IDEA_TRAIT = 107
    # what happens to them
    OWN_JUDGEMENT = 200
    VOICE = 201
    PERMISSION = 202
    POSTING = 203
    MISROUTE = 204
    WRONG_POST = 205
    GRANT = 223
    NOISE = 224
    REVIEW = 206
    PILOT = 207
    PANEL = 208
    REWORK = 209
    DOOR = 210
    OTHER_POST = 211
    ARRIVAL_ORDER = 212
    LAPSE = 213
    LAPSE_ASKING = 225
    ORPHAN = 214
    DROP = 215
    OUTCOME = 216
    UPHOLD = 217
    READERS = 218
    READER = 219
    ATTENTION = 220
    JOIN = 221
    REUSE = 222
    OWN_NOISE = 230
    CANCEL = 231
    REVIVAL = 240
    SECOND_LOOK = 241
    IMPROVEMENT = 242
    # what the world does, week by week
    JUMP = 300
    SIGNAL = 301
    BUSINESS = 302
    SLOT_FRACTION = 303
    SLOT_CHOICE = 304

    @property
    def stream(self) -> Stream:
        """The group of draws this purpose belongs to."""
        return Stream(self // 100)


@overload
def mix(z: int) -> int: ...
@overload
def mix(z: NDArray[np.uint64]) -> NDArray[np.uint64]: ...
def mix(z):  # type: ignore[no-untyped-def]
    """Scramble 64 bits so that each input bit moves half of the output bits (a bijection)."""
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
    return z ^ (z >> 31)


@overload
def fold(key: int, part: int) -> int: ...
@overload
def fold(key: int, part: NDArray[np.uint64]) -> NDArray[np.uint64]: ...
@overload
def fold(key: NDArray[np.uint64], part: int | NDArray[np.uint64]) -> NDArray[np.uint64]: ...
def fold(key, part):  # type: ignore[no-untyped-def]
    """Absorb one more key ``part`` (a non-negative integer below 2**64) into a hash."""
    return mix((key + ((part + 1) * GOLDEN & MASK)) & MASK)


@overload
def unit(key: int) -> float: ...
@overload
def unit(key: NDArray[np.uint64]) -> NDArray[np.float64]: ...
def unit(key):  # type: ignore[no-untyped-def]
    """Turn a hash into a number in the open interval (0, 1); 52 bits, neither end is reached."""
    return ((key >> 12) + 0.5) * 2.220446049250313e-16


def uniform(key: int, *parts: int) -> float:
    """Draw one uniform number in (0, 1) for ``parts`` under ``key``."""
    for part in parts:  # fold(key, part), written out because this is the hottest line of all
        key = key + (part + 1) * GOLDEN & MASK
        key = (key ^ (key >> 30)) * 0xBF58476D1CE4E5B9 & MASK
        key = (key ^ (key >> 27)) * 0x94D049BB133111EB & MASK
        key = key ^ (key >> 31)
    return ((key >> 12) + 0.5) * 2.220446049250313e-16


@lru_cache(maxsize=256)
def name_key(name: str) -> int:
    """Return the part of a key for a name: 64 bits of its SHA-256 hash."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")


def uniforms(key: int, parts: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Draw one uniform number in (0, 1) for each of ``parts``; the bits of :func:`uniform`."""
    return unit(fold(key, parts))


def group_seed(seed: int, stream: Stream) -> int:
    """Return the hash that all draws of one group start from."""
    return fold(mix((seed * 2 + 1) & MASK), stream)


def purpose_keys(seeds: tuple[int, int, int, int]) -> dict[Purpose, int]:
    """Return the key of every purpose, from the seeds of the :class:`Stream` groups in order."""
    start = [group_seed(seed, stream) for seed, stream in zip(seeds, Stream, strict=True)]
    return {purpose: fold(start[purpose.stream], purpose) for purpose in Purpose}


# Coefficients of AS 241 (Wichura 1988), highest power first: numerator and denominator in the
# centre, between centre and tail, and in the far tail.
CENTRE: Final = (
    (2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4,
     4.5921953931549871457e4, 1.3731693765509461125e4, 1.9715909503065514427e3,
     1.3314166789178437745e2, 3.3871328727963666080e0),
    (5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4,
     2.1213794301586595867e4, 5.3941960214247511077e3, 6.8718700749205790830e2,
     4.2313330701600911252e1, 1.0),
)  # fmt: skip
SHOULDER: Final = (
    (7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1,
     1.27045825245236838258e0, 3.64784832476320460504e0, 5.76949722146069140550e0,
     4.63033784615654529590e0, 1.42343711074968357734e0),
    (1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2,
     1.48103976427480074590e-1, 6.89767334985100004550e-1, 1.67638483018380384940e0,
     2.05319162663775882187e0, 1.0),
)  # fmt: skip
TAIL: Final = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3,
     2.65321895265761230930e-2, 2.96560571828504891230e-1, 1.78482653991729133580e0,
     5.46378491116411436990e0, 6.65790464350110377720e0),
    (2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5,
     7.86869131145613259100e-4, 1.48753612908506148525e-2, 1.36929880922735805310e-1,
     5.99832206555887937690e-1, 1.0),
)  # fmt: skip


def polynomial(coefficients: tuple[float, ...], x: float) -> float:
    """Evaluate a polynomial, highest power first, by Horner's rule."""
    total = 0.0
    for coefficient in coefficients:
        total = total * x + coefficient
    return total


def normal(u: float) -> float:
    """Standard normal quantile of ``u`` in (0, 1), to about 16 digits.

    Algorithm AS 241, routine PPND16 (Wichura 1988, Applied Statistics 37, 477-484). Written with
    ``log`` and ``sqrt`` only, so that every engine gives the same bits.
    """
    q = u - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        return q * polynomial(CENTRE[0], r) / polynomial(CENTRE[1], r)
    r = math.sqrt(-math.log(u if q < 0.0 else 1.0 - u))
    if r <= 5.0:
        x = polynomial(SHOULDER[0], r - 1.6) / polynomial(SHOULDER[1], r - 1.6)
    else:
        x = polynomial(TAIL[0], r - 5.0) / polynomial(TAIL[1], r - 5.0)
    return -x if q < 0.0 else x


@lru_cache(maxsize=256)
def poisson_table(mean: float) -> tuple[float, ...]:
    """Tabulate the Poisson distribution function for ``mean`` in [0, 500], as far as it rises."""
    if not 0.0 <= mean <= MAX_POISSON:  # beyond, exp(-mean) is nothing; for nan there is no end
        raise InnovationAbmError(f"mean = {mean} of a Poisson number: must be from 0 to 500")
    term = math.exp(-mean)
    table = [term]
    while True:
        term = term * mean / len(table)
        if table[-1] + term == table[-1]:
            return tuple(table)
        table.append(table[-1] + term)


def poisson(u: float, mean: float) -> int:
    """Poisson quantile of ``u`` for ``mean`` in [0, 500]."""
    table = poisson_table(mean)
    return min(bisect_left(table, u), len(table) - 1)


@lru_cache(maxsize=256)
def beta_quantiles(mean: float, concentration: float) -> tuple[float, ...]:
    """Tabulate the quantile function of a Beta distribution.

    A table makes a draw from one uniform number both fast and the same in every engine, and moves
    each person's trait smoothly with the mean (a monotone coupling), which keeps comparisons
    paired when a mean is changed.

    Args:
        mean: mean of the distribution, in [0, 1]; 0 and 1 mean everybody is alike.
        concentration: sum of the two shape parameters, > 0; larger means people are more alike.

    Returns:
        :data:`QUANTILES` + 1 quantiles, at the probabilities :data:`END`, 1/:data:`QUANTILES`,
        2/:data:`QUANTILES`, ..., 1 - :data:`END`.
    """
    return tuple(beta_table(mean, concentration).tolist())


def beta_table(mean: float, concentration: float) -> NDArray[np.float64]:
    """Return the table of :func:`beta_quantiles` as an array."""
    import numpy as np

    if not 1e-12 < mean < 1.0 - 1e-12:  # nearer to the ends the inverse is not to be trusted
        return np.full(QUANTILES + 1, float(round(mean)))
    from scipy.special import betaincinv

    grid = np.linspace(0.0, 1.0, QUANTILES + 1)
    grid[0], grid[-1] = END, 1.0 - END
    table: NDArray[np.float64] = betaincinv(
        mean * concentration, (1.0 - mean) * concentration, grid
    )
    return table


def quantile(table: tuple[float, ...], u: float) -> float:
    """Look ``u`` in (0, 1) up in a table of equally spaced quantiles, interpolating linearly."""
    place = u * QUANTILES
    step = int(place)
    low = table[step]
    return low + (place - step) * (table[step + 1] - low)
