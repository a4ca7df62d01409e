"""On processors and platforms without the faster libraries, the stock libraries compute, and the version says so."""

from __future__ import annotations

import sys
import time

import pytest

from submissions.families.network import dense
from submissions.specs.families import family_named
from submissions.specs.knn import KNN
from tests.trainers import job
from workers.engines import accelerated
from workers.engines.fast_neighbors import knn
from workers.engines.registry import engine_named
from workers.trainer import scoring

pytestmark = pytest.mark.trains


@pytest.fixture(autouse=True)
def digits(digits_home, monkeypatch):
    monkeypatch.setenv("QUEST_DATA_HOME", str(digits_home))


@pytest.fixture
def without(monkeypatch):
    """Simulate a platform without a wheel of a library."""

    def without(library: str, *ours: str) -> None:
        monkeypatch.setitem(sys.modules, library, None)
        for module in ours:
            monkeypatch.delitem(sys.modules, module, raising=False)
        accelerated.is_importable.cache_clear()

    yield without
    monkeypatch.undo()
    accelerated.is_importable.cache_clear()


def scored(spec, **changes):
    model = spec.model_dump(mode="json")
    return scoring.score(job(model, engine="accelerated", **changes), since=time.monotonic(), report=lambda _: None)


def test_a_processor_without_exact_integer_products_has_its_runs_scored_as_stock(monkeypatch):
    monkeypatch.setattr(knn, "fastest_lossless_encoding", lambda: None)
    knn.warm.cache_clear()

    result = scored(KNN(n_neighbors=3))

    assert result["engine_version"].startswith("scikit-learn")
    assert result["engine_version"].endswith("(as stock)")
    assert result["public"]["correct"] > 0.9 * result["public"]["total"]
    assert result["stock_predicted_s"] == pytest.approx(
        result["timing"]["train_s"] + result["timing"]["predict_s"], abs=1e-3
    )


@pytest.mark.parametrize("library", ["onnx", "onnxruntime", "numba"])
def test_a_platform_without_a_library_has_its_neighbours_scored_as_stock(without, library):
    stock = scored(KNN(n_neighbors=3))["errors"]
    without(
        library,
        "workers.engines.fast_neighbors.knn",
        "workers.engines.fast_neighbors.integer_product",
        "workers.engines.fast_neighbors.nearest",
    )

    result = scored(KNN(n_neighbors=3))

    assert result["engine_version"].startswith("scikit-learn")
    assert result["engine_version"].endswith("(as stock)")
    assert result["errors"] == stock


def test_a_platform_without_numba_has_its_networks_scored_as_stock(without):
    without("numba", "workers.engines.fast_cnn.cnn")

    result = scored(dense(8, pixels=64).model_copy(update={"epochs": 1}))

    assert result["engine_version"].startswith("keras")
    assert result["engine_version"].endswith("(as stock)")


def test_an_engines_own_implementation_does_not_count_as_stock():
    assert not engine_named("stock").as_stock(family_named("knn"))
    assert not engine_named("accelerated").as_stock(family_named("forest"))
