"""scikit-learn and Keras, called as a notebook would call them."""

from __future__ import annotations

from workers.engines.engine import Engine

ENGINE = Engine(name="stock", label="scikit-learn and Keras as they come", builder=lambda family: family.trainer)
