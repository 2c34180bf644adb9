"""Elementary functions of rationals between two dyadic numbers, in whole numbers alone.

Each function gives (low, high, exponent) with low·2^exponent ≤ value ≤ high·2^exponent, apart by a little less than
2^-bits of the value. A number x stands as the whole number x·2^places; the unit of its last place is called ulp below.
Truncation always goes down, so that what is computed falls short of the truth, by as many ulps as the comment beside
it proves. The series are the usual ones: R. P. Brent and P. Zimmermann, Modern Computer Arithmetic, 2010, chapter 4.
"""

from __future__ import annotations

from functools import lru_cache
from math import isqrt

__all__ = ["Bounds", "erf_series", "exponential", "logarithm", "pi", "square_root"]

Bounds = tuple[int, int, int]


def exponential(number: int, divisor: int, bits: int) -> Bounds:
    """e^(number/divisor) = 2^k · (e^(r/2^s))^(2^s), x = k·log 2 + r, by Taylor's series and s squarings."""
    whole = max(0, number.bit_length() - divisor.bit_length() + 1)  # |x| < 2^whole, and |k| ≤ 2^(whole + 1)
    halvings = isqrt(bits) // 2
    places = bits + halvings + whole + bits.bit_length() + 8
    log_two = _log_two(places)
    k, r = divmod((number << places) // divisor, log_two)
    total = term = 1 << places
    n = 0
    while term:
        n += 1
        term = (term * r >> (places + halvings)) // n
        total += term
    # A term falls short by d_n ≤ (d_{n-1}·t + 1)/n + 1 < 3 with t = r/2^s < 1; so does the last, which came out as 0,
    # and those behind it are less than it together, since t/(n + 1) < 1/2: 3n + 3 in all.
    low, high = total, total + 3 * n + 3
    for _ in range(halvings):
        low, high = low * low >> places, (high * high >> places) + 1
    # What r stands for is at most drift = 2|k| + 1 ulps away: one for x, and two for log 2, k times.
    # e^-δ ≥ 1 - δ, and e^δ ≤ 1 + 2δ for δ ≤ 1.
    drift = 2 * abs(k) + 1
    return low - (low * drift >> places) - 1, high + (2 * high * drift >> places) + 1, k - places


def logarithm(number: int, divisor: int, bits: int) -> Bounds:
    """log(number/divisor) = k·log 2 + 2·artanh((m - 1)/(m + 1)), x = 2^k·m > 0 with 2/3 ≤ m ≤ 4/3."""
    k = number.bit_length() - divisor.bit_length()
    above, below = number << max(0, -k), divisor << max(0, k)  # 1/2 < m < 2
    if 3 * above > 4 * below:
        k, below = k + 1, 2 * below
    elif 3 * above < 2 * below:
        k, above = k - 1, 2 * above
    gap, both = above - below, above + below
    near = both.bit_length() - abs(gap).bit_length() if k == 0 else 0  # the first places of log(1 + tiny) are 0
    if not gap and not k:
        return 0, 0, 0
    places = bits + near + 2 * bits.bit_length() + 8
    low, high = _artanh(abs(gap), both, places)
    if gap < 0:
        low, high = -high, -low
    shift = k and k * _log_two(places)
    return shift + 2 * low - 2 * max(0, -k), shift + 2 * high + 2 * max(0, k), -places


def _artanh(number: int, divisor: int, places: int) -> tuple[int, int]:
    """artanh z = z + z³/3 + z⁵/5 + …, 0 ≤ z ≤ 1/3, between two whole numbers of ulps."""
    z = (number << places) // divisor
    square = z * z >> places
    total = power = z
    n = 1
    while power:
        power = power * square >> places
        n += 2
        total += power // n
    # z² falls short by 5/3 at most, a power by d ≤ d/9 + 5/9 + 1, so by less than 2, and a term, divided, by
    # less than 2 too. There are (n + 1)/2 of them; those behind the last are less than 1 together: n + 2 in all.
    return total, total + n + 2


@lru_cache(maxsize=64)
def _log_two(places: int) -> int:
    """log 2 = 2·artanh(1/3), short by less than 2 ulps."""
    guard = places.bit_length() + 2  # n < 2^(guard - 1), as each power has three places less than the one before it
    low, _ = _artanh(1, 3, places + guard)
    return low >> (guard - 1)


@lru_cache(maxsize=64)
def pi(bits: int) -> Bounds:
    """π = 16·arctan(1/5) - 4·arctan(1/239), by Machin's formula."""
    places = bits + bits.bit_length() + 8
    (fifth, off), (other, off_other) = (_arctan_of_inverse(q, places) for q in (5, 239))
    middle, error = 16 * fifth - 4 * other, 16 * off + 4 * off_other
    return middle - error, middle + error, -places


def _arctan_of_inverse(q: int, places: int) -> tuple[int, int]:
    """arctan(1/q) = 1/q - 1/(3q³) + 1/(5q⁵) - …, and how many ulps it may be off, either way."""
    total, power, n = 0, (1 << places) // q, 1
    while power:
        total += power // n if n % 4 == 1 else -(power // n)
        power, n = power // (q * q), n + 2
    # A power falls short by less than 2, a term by less than 3; what is left out is less than 2, as signs alternate.
    return total, 3 * n + 2


def square_root(number: int, divisor: int, bits: int) -> Bounds:
    """√(number/divisor) ≥ 0, by the whole root of x·4^places."""
    places = bits + 1 - (number.bit_length() - divisor.bit_length()) // 2
    scaled, rest = divmod(number << max(0, 2 * places), divisor << max(0, -2 * places))
    root = isqrt(scaled)
    return root, root + (rest > 0 or root * root < scaled), -places


def erf_series(number: int, divisor: int, bits: int) -> Bounds:
    """Σ_n y^n / (1·3·5·…·(2n + 1)) for y = number/divisor ≥ 0: erf x = 2/√π · x · e^(-x²) · this at y = 2x².

    All terms are positive, so nothing cancels (NIST Digital Library of Mathematical Functions, 7.6.2).
    """
    places = bits + 2 * bits.bit_length() + 8
    y = (number << places) // divisor
    low = high = low_total = high_total = 1 << places
    n = 0
    while low or y > n << places:
        n += 1
        low, high = (low * y >> places) // (2 * n + 1), (high * (y + 1) >> places) // (2 * n + 1) + 1
        low_total, high_total = low_total + low, high_total + high
    # From here on a term is at most y/(2n + 3) < 1/2 of the one before it: the rest is less than the last.
    return low_total, high_total + high, -places
