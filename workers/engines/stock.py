"""The stock engine: scikit-learn and Keras, called as a notebook would call them."""

from __future__ import annotations

from submissions.specs.engines import STOCK
from workers.engines.engine import Engine

ENGINE = Engine(name=STOCK, builder=lambda family: family.builder)
