"""Kernels that find the k nearest images exactly: for Minkowski metrics with p ≥ 1, the maximum metric and the cosine.

Squared Euclidean distances come from exact integer products (`integer_product`). Where the products are of truncated
queries, the distances are to slightly different queries, and every image that could be near is compared pixel by pixel.

For every other p, the squared distances bound S = Σ|d|ᵖ from below, d being the difference of a pixel, so only the few
images that could be near are compared pixel by pixel:

- p ≥ 2: S ≥ n^(1−p/2)·(Σd²)^(p/2) with n the number of pixels that differ (Hölder's inequality);
- p < 2: S ≥ 255^(p−2)·Σd², since |d| ≤ 255.

The nearest images of a query are kept in a heap until the end: with 1,000 of them, keeping a sorted list took longer
than everything else. Images at exactly the same distance are ordered as in the training set.

Shapes and names, the same in every kernel:

- `queries` (n_queries, n_pixels) uint8, `training` (n_images, n_pixels) uint8, both C-contiguous and read-only;
- `distances` (n_queries, k) float64 and `images` (n_queries, k) int64: each row is a max-heap by (distance, image),
  which begins with distances of infinity and `NO_IMAGE`. Kernels change both in place;
- `products` (n_queries, images of a block) int32, as `IntegerProduct.blocks` gives them, of the images from `start` on;
- `norms` ‖x‖² of those images, int32. With q the query, ‖q − x‖² = `query_terms` + ‖x‖² − `factor` · product, where
  `query_terms` is (n_queries,) int32. For truncated queries this is the distance to the truncated query, and
  `query_errors`, (n_queries,) float64, is an upper bound of the distance from there to the true query; else it is 0;
- `squares` (n_queries, n_images) int32: squared distances to the queries, or to the truncated queries.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from workers.engines.run import Values

NO_IMAGE = np.iinfo(np.int64).max
MAX_PIXEL = 255.0
MAX_EXACT_POWER = 5  # 784 × 255⁵ < 2⁵³: whole powers up to this one add up exactly in float64, in any order
STRIP = 64  # images or pixels that are looked at together, before a decision
IMAGES_PER_PASS = 1024  # that all queries are compared with, before any goes on to the next ones
ROUNDING_SLACK = 1 + 1e-9  # factor for a bound that was computed in floats
MAX_INT32 = 2**31 - 1

_compiled = njit(nogil=True, cache=True)
_compiled_reassociating = njit(nogil=True, cache=True, fastmath={"reassoc", "contract"})


@_compiled
def _sift_down(distance: float, image: int, distances: Values, images: Values, size: int) -> None:
    """Replace the root of one query's heap, its first `size` entries, and restore the heap's order."""
    place, child = 0, 1
    while child < size:
        other = child + 1
        if other < size and (
            distances[other] > distances[child]
            or (distances[other] == distances[child] and images[other] > images[child])
        ):
            child = other
        if distances[child] < distance or (distances[child] == distance and images[child] < image):
            break
        distances[place], images[place] = distances[child], images[child]
        place, child = child, 2 * child + 1
    distances[place], images[place] = distance, image


@_compiled
def heap_push_pop(distance: float, image: int, distances: Values, images: Values) -> None:
    """Add `image` to one query's heap, (k,) each, and drop the furthest, which may be `image` itself."""
    if distance < distances[0] or (distance == distances[0] and image < images[0]):
        _sift_down(distance, image, distances, images, len(distances))


@_compiled
def sort_heaps(distances: Values, images: Values) -> None:
    """Sort each query's heap in place, nearest first: the second half of a heapsort."""
    for query in range(distances.shape[0]):
        heap_distances, heap_images = distances[query], images[query]
        for last in range(heap_distances.shape[0] - 1, 0, -1):
            distance, image = heap_distances[last], heap_images[last]
            heap_distances[last], heap_images[last] = heap_distances[0], heap_images[0]
            _sift_down(distance, image, heap_distances, heap_images, last)


@_compiled
def squares_from_products(
    products: Values, norms: Values, query_terms: Values, factor: int, start: int, squares: Values
) -> None:
    """Write the squared distances of the images from `start` on into `squares`."""
    for query in range(products.shape[0]):
        for image in range(products.shape[1]):
            squares[query, start + image] = query_terms[query] + norms[image] - factor * products[query, image]


@_compiled_reassociating
def squared_distance(left: Values, right: Values) -> np.int32:
    """Σ(left − right)² of two (n_pixels,) uint8: exact, since it stays below 2³¹."""
    total = np.int32(0)
    for pixel in range(left.shape[0]):
        difference = np.int32(np.int32(left[pixel]) - np.int32(right[pixel]))
        total = np.int32(total + difference * difference)
    return total


@_compiled
def push_euclidean(
    queries: Values,
    training: Values,
    products: Values,
    norms: Values,
    query_terms: Values,
    factor: int,
    query_errors: Values,
    start: int,
    distances: Values,
    images: Values,
) -> None:
    """Push the images of a block onto the heaps, by their squared distances.

    Where a query was truncated, every image that could be near in spite of the error is compared pixel by pixel.
    """
    for query in range(products.shape[0]):
        heap_distances, heap_images = distances[query], images[query]
        limit = _score_limit(heap_distances[0], query_errors[query], query_terms[query])
        for first in range(0, products.shape[1], STRIP):
            last = min(first + STRIP, products.shape[1])
            least = np.int32(MAX_INT32)
            for image in range(first, last):  # without a branch, so that it is compiled to vector instructions
                least = min(least, np.int32(norms[image] - factor * products[query, image]))
            if least > limit:
                continue
            for image in range(first, last):
                score = norms[image] - factor * products[query, image]
                if score <= limit:
                    if query_errors[query] == 0:
                        square = score + query_terms[query]
                    else:
                        square = squared_distance(queries[query], training[start + image])
                    heap_push_pop(float(square), start + image, heap_distances, heap_images)
                    limit = _score_limit(heap_distances[0], query_errors[query], query_terms[query])


@_compiled
def _score_limit(square: float, query_error: float, query_term: int) -> np.int32:
    """The largest ‖x‖² − factor · product that an image may have whose true squared distance is at most `square`."""
    return np.int32(min((np.sqrt(square) + query_error) ** 2 * ROUNDING_SLACK + 1, float(MAX_INT32 // 2)) - query_term)


@_compiled
def push_squares(squares: Values, start: int, stop: int, distances: Values, images: Values) -> None:
    """Push the images from `start` to `stop` onto the heaps, by their squared distances in `squares`."""
    for query in range(squares.shape[0]):
        heap_distances, heap_images = distances[query], images[query]
        for first in range(start, stop, STRIP):
            last = min(first + STRIP, stop)
            least = np.int32(MAX_INT32)
            for image in range(first, last):  # without a branch, so that it is compiled to vector instructions
                least = min(least, squares[query, image])
            if least < heap_distances[0]:
                for image in range(first, last):
                    if squares[query, image] < heap_distances[0]:
                        heap_push_pop(float(squares[query, image]), image, heap_distances, heap_images)


@_compiled
def push_cosine(
    products: Values, lengths: Values, query_lengths: Values, start: int, distances: Values, images: Values
) -> None:
    """Push the images of a block onto the heaps, by 1 − q·x / (‖q‖‖x‖).

    `products` are here exact q·x; `lengths` (images of the block,) and `query_lengths` (n_queries,) are Euclidean,
    float64, and not 0.
    """
    for query in range(products.shape[0]):
        heap_distances, heap_images = distances[query], images[query]
        for image in range(products.shape[1]):
            cosine = products[query, image] / (query_lengths[query] * lengths[image])
            if 1.0 - cosine < heap_distances[0]:
                heap_push_pop(max(0.0, 1.0 - cosine), start + image, heap_distances, heap_images)


@_compiled
def push_chebyshev(queries: Values, training: Values, distances: Values, images: Values) -> None:
    """Push all training images onto the heaps, by the greatest difference of a pixel."""
    for query in range(queries.shape[0]):
        heap_distances, heap_images = distances[query], images[query]
        for image in range(training.shape[0]):
            greatest = np.uint8(0)
            for pixel in range(queries.shape[1]):
                left, right = queries[query, pixel], training[image, pixel]
                greatest = max(greatest, max(left, right) - min(left, right))
            if greatest < heap_distances[0]:
                heap_push_pop(float(greatest), image, heap_distances, heap_images)


@_compiled_reassociating
def whole_power_sum(left: Values, right: Values, power: int) -> float:
    """Σ|left − right|^power of two (n_pixels,) uint8, for 1, 3, 4 or 5: exact, since it stays below 2⁵³.

    Each power has a loop of its own without a branch: a loop over factors inside would keep vector instructions away.
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
    """Σ powers[|left − right|] of two (n_pixels,) uint8, added in the pixels' order as scikit-learn does.

    `powers` is (256,) float64. Once the sum exceeds `limit`, the rest may be left out.
    """
    total = 0.0
    for first in range(0, left.shape[0], STRIP):
        for pixel in range(first, min(first + STRIP, left.shape[0])):
            total += powers[abs(np.int32(left[pixel]) - np.int32(right[pixel]))]
        if total > limit:
            break
    return total


@_compiled
def minkowski_sum(left: Values, right: Values, powers: Values, whole_power: int, limit: float) -> float:
    """S = Σ|left − right|ᵖ of two (n_pixels,) uint8; once it exceeds `limit`, the rest may be left out.

    `whole_power` is p if it is a whole number up to `MAX_EXACT_POWER`, else 0, and then `powers` tells |d|ᵖ. For whole
    powers the middle pixels come first, where most of the ink is.
    """
    if not whole_power:
        return power_sum(left, right, powers, limit)
    first, last = left.shape[0] // 4, left.shape[0] - left.shape[0] // 4
    total = whole_power_sum(left[first:last], right[first:last], whole_power)
    if total <= limit:
        total += whole_power_sum(left[:first], right[:first], whole_power)
        total += whole_power_sum(left[last:], right[last:], whole_power)
    return total


@_compiled
def square_limits(limit: float, p: float, inked: int, pixels: int, query_error: float, limits: Values) -> None:
    """Set `limits[j]` to the squared distance beyond which S of an image with j inked pixels must exceed `limit`.

    An inked pixel is not 0; `inked` is their number in the query and `pixels` in an image at most. `limits` is
    (pixels + 1,) int32. The squared distance is to a query that is up to `query_error` away from the true one.
    """
    for others in range(limits.shape[0]):
        differing = max(1, min(pixels, inked + others))
        hoelder = (limit * float(differing) ** (p / 2 - 1)) ** (2 / p)
        bound = hoelder if p >= 2 else limit * MAX_PIXEL ** (2 - p)
        limits[others] = np.int32(min((np.sqrt(bound) + query_error) ** 2 * ROUNDING_SLACK + 1, float(MAX_INT32 - 1)))


@_compiled
def rerank_by_minkowski(
    queries: Values,
    training: Values,
    squares: Values,
    query_errors: Values,
    inked: Values,
    powers: Values,
    p: float,
    whole_power: int,
    distances: Values,
    images: Values,
) -> None:
    """Turn heaps of the nearest by squared distance into heaps of the nearest by S.

    `inked` is (n_images,) int64, the number of pixels of each training image that are not 0; `powers` and `whole_power`
    are as in `minkowski_sum`. Entries of `squares` are overwritten.

    All queries are compared with a few training images before any goes on to the next ones, which keeps the images in
    the cache.
    """
    limits = np.empty((queries.shape[0], queries.shape[1] + 1), np.int32)
    for query in range(queries.shape[0]):
        heap_distances, heap_images = distances[query], images[query]
        seeds = heap_images.copy()
        heap_distances[:], heap_images[:] = np.inf, NO_IMAGE
        for seed in seeds:
            heap_push_pop(
                minkowski_sum(queries[query], training[seed], powers, whole_power, np.inf),
                seed,
                heap_distances,
                heap_images,
            )
            squares[query, seed] = MAX_INT32
        query_inked = int(np.count_nonzero(queries[query]))
        square_limits(heap_distances[0], p, query_inked, queries.shape[1], query_errors[query], limits[query])
    for first in range(0, training.shape[0], IMAGES_PER_PASS):
        last = min(first + IMAGES_PER_PASS, training.shape[0])
        for query in range(queries.shape[0]):
            heap_distances, heap_images, query_limits = distances[query], images[query], limits[query]
            for image in range(first, last):
                if squares[query, image] <= query_limits[inked[image]]:
                    found = minkowski_sum(queries[query], training[image], powers, whole_power, heap_distances[0])
                    if found <= heap_distances[0]:
                        heap_push_pop(found, image, heap_distances, heap_images)
