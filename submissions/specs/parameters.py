"""Types of parameters that several families share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from submissions.specs.spec import Images

Count = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
Jobs = Annotated[int, Field(ge=1, le=64)] | Literal[-1]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(gt=0, le=1)]


def pixels(images: Images) -> int:
    return images.side**2
