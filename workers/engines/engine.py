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

AS_STOCK = " (as stock)"  # what a version says of work that an engine leaves to the family's own trainer


def named(libraries: Mapping[str, str]) -> str:
    """Libraries with their versions, as the board names the engine."""
    return ", ".join(f"{library} {version}" for library, version in libraries.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """`name` is that of `submissions.specs.engines`; `builder` gives the dotted path `module:callable` that builds a
    family's estimator on this engine – the family's own `trainer` where the engine leaves it to stock.

    The module may name its libraries with their versions in `LIBRARIES`, and have a function `warm()` that gets
    them ready for a first run, and costs nothing when called again.
    """

    name: str
    builder: Callable[[Family], str]

    def as_stock(self, family: Family) -> bool:
        """Whether this other engine than stock leaves the family to the family's own trainer."""
        return self.name != STOCK and self.builder(family) == family.builder

    def module(self, family: Family) -> ModuleType:
        """The module that builds `family`'s estimators; imports the libraries it needs."""
        return importlib.import_module(self.builder(family).partition(":")[0])

    def build(self, spec: Spec, run: Run) -> Estimator:
        family = family_of(spec)
        estimator: Estimator = getattr(self.module(family), self.builder(family).partition(":")[2])(spec, run)
        return estimator

    def libraries(self, family: Family) -> dict[str, str]:
        """Library → version; an estimator that is computed by others says so in an attribute of this name."""
        return dict(getattr(self.module(family), "LIBRARIES", {}))

    def warm(self, family: Family) -> None:
        getattr(self.module(family), "warm", lambda: None)()
