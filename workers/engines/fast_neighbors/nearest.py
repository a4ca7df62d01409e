"""The k nearest images, exactly, for any Minkowski metric with p ≥ 1, the maximum metric and the cosine.

Squared Euclidean distances, or those of slightly different queries, come from exact integer products; whoever could be
near by the latter is compared pixel by pixel. For every other p they bound the sum S = Σ|d|ᵖ from below
– for p ≥ 2 by S ≥ n^(1−p/2)·(Σd²)^(p/2) with n the number of pixels that differ (Hölder), for p < 2 by
S ≥ 255^(p−2)·Σd², since |d| ≤ 255 – so that only the few images which could be near are looked at one by one.

While the nearest of a query are sought they are a heap: with 1,000 of them, keeping them in order took longer than
all else. Images at exactly the same distance stand in the order of the training set.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from workers.engines.run import Values

NOBODY = np.iinfo(np.int64).max
PIXEL_MOST = 255.0
LONGEST_EXACT_POWER = 5  # 784 × 255⁵ < 2⁵³: whole powers up to this one add up exactly, in whatever order
STRIP = 64
TOGETHER = 1024  # images
SLACK = 1 + 1e-9  # of a bound that floats computed
FAR = 2**31 - 1

_compiled = njit(nogil=True, cache=True)
_compiled_any_order = njit(nogil=True, cache=True, fastmath={"reassoc", "contract"})


@_compiled
def _sink(distance: float, image: int, distances: Values, images: Values, size: int) -> None:
    """Put the image in place of the heap's top; of its first `size` places none is further than the one above it."""
    place, below = 0, 1
    while below < size:
        other = below + 1
        if other < size and (
            distances[other] > distances[below]
            or (distances[other] == distances[below] and images[other] > images[below])
        ):
            below = other
        if distances[below] < distance or (distances[below] == distance and images[below] < image):
            break
        distances[place], images[place] = distances[below], images[below]
        place, below = below, 2 * below + 1
    distances[place], images[place] = distance, image


@_compiled
def insert(distance: float, image: int, distances: Values, images: Values) -> None:
    """Take `image` among the nearest, a heap with the furthest on top; it drops out, if it is not the new one."""
    if distance < distances[0] or (distance == distances[0] and image < images[0]):
        _sink(distance, image, distances, images, len(distances))


@_compiled
def in_order(distances: Values, images: Values) -> None:
    """Each query's heap, nearest first."""
    for query in range(distances.shape[0]):
        near, names = distances[query], images[query]
        for last in range(near.shape[0] - 1, 0, -1):
            distance, image = near[last], names[last]
            near[last], names[last] = near[0], names[0]
            _sink(distance, image, near, names, last)


@_compiled
def squares_from_products(
    products: Values, norms: Values, rests: Values, factor: int, start: int, squares: Values
) -> None:
    """‖q‖² + ‖x‖² − 2·q·x of the images from `start` on into `squares` (int32, queries × all images).

    2·q·x is factor·product + ‖q‖² − rest.
    """
    for query in range(products.shape[0]):
        for image in range(products.shape[1]):
            squares[query, start + image] = rests[query] + norms[image] - factor * products[query, image]


@_compiled_any_order
def square_of(left: Values, right: Values) -> np.int32:
    """Σ(left − right)²: exact, since it stays below 2³¹."""
    total = np.int32(0)
    for pixel in range(left.shape[0]):
        difference = np.int32(np.int32(left[pixel]) - np.int32(right[pixel]))
        total = np.int32(total + difference * difference)
    return total


@_compiled
def offer_near(
    queries: Values,
    training: Values,
    products: Values,
    norms: Values,
    rests: Values,
    factor: int,
    errors: Values,
    start: int,
    distances: Values,
    images: Values,
) -> None:
    """Let the images from `start` on compete for the nearest places by their squared distance.

    The products tell the squares to images as `squares_from_products` does, of queries that may be as far away as
    `errors` from the true ones; whoever could be near in spite of it is compared pixel by pixel.
    """
    for query in range(products.shape[0]):
        near, names = distances[query], images[query]
        cut = _cut(near[0], errors[query], rests[query])
        for first in range(0, products.shape[1], STRIP):
            last = min(first + STRIP, products.shape[1])
            least = np.int32(FAR)
            for image in range(first, last):  # without a branch, so that it is compiled to vector instructions
                least = min(least, np.int32(norms[image] - factor * products[query, image]))
            if least > cut:
                continue
            for image in range(first, last):
                seen = norms[image] - factor * products[query, image]
                if seen <= cut:
                    if errors[query] == 0:
                        square = seen + rests[query]
                    else:
                        square = square_of(queries[query], training[start + image])
                    insert(float(square), start + image, near, names)
                    cut = _cut(near[0], errors[query], rests[query])


@_compiled
def _cut(limit: float, error: float, rest: int) -> np.int32:
    """What ‖x‖² − factor·product must not exceed if the true squared distance is to be at most `limit`."""
    return np.int32(min((np.sqrt(limit) + error) ** 2 * SLACK + 1, float(FAR // 2)) - rest)


@_compiled
def offer_squares(squares: Values, start: int, end: int, distances: Values, images: Values) -> None:
    """Let the images from `start` to `end`, at these squared distances, compete for the nearest places."""
    for query in range(squares.shape[0]):
        near, names = distances[query], images[query]
        for first in range(start, end, STRIP):
            last = min(first + STRIP, end)
            least = np.int32(FAR)
            for image in range(first, last):  # without a branch, so that it is compiled to vector instructions
                least = min(least, squares[query, image])
            if least < near[0]:
                for image in range(first, last):
                    if squares[query, image] < near[0]:
                        insert(float(squares[query, image]), image, near, names)


@_compiled
def offer_cosines(
    products: Values, lengths: Values, query_lengths: Values, start: int, distances: Values, images: Values
) -> None:
    """The same by 1 − q·x / (‖q‖‖x‖)."""
    for query in range(products.shape[0]):
        near, names = distances[query], images[query]
        for image in range(products.shape[1]):
            cosine = products[query, image] / (query_lengths[query] * lengths[image])
            if 1.0 - cosine < near[0]:
                insert(max(0.0, 1.0 - cosine), start + image, near, names)


@_compiled
def offer_maxima(queries: Values, training: Values, distances: Values, images: Values) -> None:
    """The same by the greatest difference of a pixel, over the whole training set."""
    for query in range(queries.shape[0]):
        near, names = distances[query], images[query]
        for image in range(training.shape[0]):
            most = np.uint8(0)
            for pixel in range(queries.shape[1]):
                left, right = queries[query, pixel], training[image, pixel]
                most = max(most, max(left, right) - min(left, right))
            if most < near[0]:
                insert(float(most), image, near, names)


@_compiled_any_order
def whole_power_sum(left: Values, right: Values, power: int) -> float:
    """Σ|left − right|^power for a whole power from 1 to 5: exact, since it stays below 2⁵³.

    One loop a power, each without a branch: a loop over factors inside would keep vector instructions away.
    """
    total = 0.0
    if power == 1:
        short = np.int32(0)
        for pixel in range(left.shape[0]):
            short = np.int32(short + abs(np.int32(np.int32(left[pixel]) - np.int32(right[pixel]))))
        total = float(short)
    elif power == 3:
        for pixel in range(left.shape[0]):
            difference = float(abs(np.int32(left[pixel]) - np.int32(right[pixel])))
            total += difference * difference * difference
    elif power == 4:
        for pixel in range(left.shape[0]):
            square = float((np.int32(left[pixel]) - np.int32(right[pixel])) ** 2)
            total += square * square
    else:
        for pixel in range(left.shape[0]):
            difference = float(abs(np.int32(left[pixel]) - np.int32(right[pixel])))
            total += difference**5
    return total


@_compiled
def power_sum(left: Values, right: Values, powers: Values, limit: float) -> float:
    """Σ powers[|left − right|] in the pixels' order, as scikit-learn adds; beyond `limit` it need not be whole."""
    total = 0.0
    for first in range(0, left.shape[0], STRIP):
        for pixel in range(first, min(first + STRIP, left.shape[0])):
            total += powers[abs(np.int32(left[pixel]) - np.int32(right[pixel]))]
        if total > limit:
            break
    return total


@_compiled
def sum_of(left: Values, right: Values, powers: Values, whole: int, limit: float) -> float:
    """Beyond `limit` it need not be whole. Of whole powers the middle comes first, where most of the ink is."""
    if not whole:
        return power_sum(left, right, powers, limit)
    first, last = left.shape[0] // 4, left.shape[0] - left.shape[0] // 4
    total = whole_power_sum(left[first:last], right[first:last], whole)
    if total <= limit:
        total += whole_power_sum(left[:first], right[:first], whole)
        total += whole_power_sum(left[last:], right[last:], whole)
    return total


@_compiled
def reach(limit: float, p: float, inked: int, pixels: int, error: float, cut: Values) -> None:
    """For images with 0, 1, … inked pixels: the squared distance beyond which S must exceed `limit`.

    The distance is to a query as far away as `error` from the true one.
    """
    for others in range(cut.shape[0]):
        differing = max(1, min(pixels, inked + others))
        holder = (limit * float(differing) ** (p / 2 - 1)) ** (2 / p)
        bound = holder if p >= 2 else limit * PIXEL_MOST ** (2 - p)
        cut[others] = np.int32(min((np.sqrt(bound) + error) ** 2 * SLACK + 1, float(FAR - 1)))


@_compiled
def refine(
    queries: Values,
    training: Values,
    squares: Values,
    errors: Values,
    inked: Values,
    powers: Values,
    p: float,
    whole: int,
    distances: Values,
    images: Values,
) -> None:
    """Turn the nearest by squares into the nearest by S: `distances` and `images` are replaced.

    All queries look at a few training images before any looks at the next ones, which are in the cache so.
    """
    cuts = np.empty((queries.shape[0], queries.shape[1] + 1), np.int32)
    for query in range(queries.shape[0]):
        near, names = distances[query], images[query]
        seeds = names.copy()
        near[:], names[:] = np.inf, NOBODY
        for seed in seeds:
            insert(sum_of(queries[query], training[seed], powers, whole, np.inf), seed, near, names)
            squares[query, seed] = FAR
        inked_here = int(np.count_nonzero(queries[query]))
        reach(near[0], p, inked_here, queries.shape[1], errors[query], cuts[query])
    for first in range(0, training.shape[0], TOGETHER):
        last = min(first + TOGETHER, training.shape[0])
        for query in range(queries.shape[0]):
            near, names, cut = distances[query], images[query], cuts[query]
            for image in range(first, last):
                if squares[query, image] <= cut[inked[image]]:
                    found = sum_of(queries[query], training[image], powers, whole, near[0])
                    if found <= near[0]:
                        insert(found, image, near, names)
