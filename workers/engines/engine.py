"""An engine: the libraries that do the arithmetic of a run."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType

from submissions.specs.engines import STOCK
from submissions.specs.families import Family, family_of
from submissions.specs.spec import Spec
from workers.engines.run import Estimator, Run

AS_STOCK = " (as stock)"  # in the version of a run that an engine left to the stock implementation


def versions_text(libraries: Mapping[str, str]) -> str:
    """The libraries with their versions, as the board shows them: `numba 0.61, onnxruntime 1.22`."""
    return ", ".join(f"{library} {version}" for library, version in libraries.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """An engine as the trainer uses it.

    `name` is the one under which `submissions.specs.engines` registers it. `builder` returns, for a family, the dotted
    path `module:callable` of what builds the family's estimator. An engine that leaves a family to stock returns the
    family's own `builder`.

    The module may list its libraries and their versions in `LIBRARIES`. It may have a function `warm()`, which prepares
    them for a first run and costs nothing when it is called again.
    """

    name: str
    builder: Callable[[Family], str]

    def as_stock(self, family: Family) -> bool:
        """Whether the engine leaves the family to stock; False for the stock engine itself."""
        return self.name != STOCK and self.builder(family) == family.builder

    def module(self, family: Family) -> ModuleType:
        """The module that builds the family's estimators; imports it with its libraries."""
        return importlib.import_module(self.builder(family).partition(":")[0])

    def build(self, spec: Spec, run: Run) -> Estimator:
        """An estimator for the spec, not yet fitted."""
        family = family_of(spec)
        estimator: Estimator = getattr(self.module(family), self.builder(family).partition(":")[2])(spec, run)
        return estimator

    def libraries(self, family: Family) -> dict[str, str]:
        """Library → version. An estimator that uses other libraries has an attribute of this name."""
        return dict(getattr(self.module(family), "LIBRARIES", {}))

    def warm(self, family: Family) -> None:
        """Prepare the family's libraries for a first run."""
        getattr(self.module(family), "warm", lambda: None)()
