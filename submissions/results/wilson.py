"""Wilson's confidence interval for a model's accuracy."""

from __future__ import annotations

from math import sqrt

Z_95 = 1.959963984540054  # the normal distribution's 0.975 quantile


def wilson(correct: int, total: int, z: float = Z_95) -> tuple[float, float]:
    """The 95% score interval of `correct` out of `total`, as (low, high); (0, 1) if `total` is 0.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927), 209–212.
    Unlike p ± z·√(p(1−p)/n) it stays within 0 and 1, and has a width at p = 1 too.
    """
    if not total:
        return 0.0, 1.0
    share, shrink = correct / total, z * z / total
    middle = (share + shrink / 2) / (1 + shrink)
    half = z * sqrt(share * (1 - share) / total + shrink / (4 * total)) / (1 + shrink)
    return max(0.0, middle - half), min(1.0, middle + half)
