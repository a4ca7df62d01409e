"""Layers over images of (height, width, channels): convolution, pooling and padding."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, GetCoreSchemaHandler, GetPydanticSchema
from pydantic_core import CoreSchema, core_schema

from submissions.specs.layers import (
    Activation,
    DropoutSeed,
    Initializer,
    Layer,
    LayerOutput,
    Rate,
    Shape,
    ShapeMismatch,
)


def _converted(written: Any, normal: Any) -> GetPydanticSchema:
    """A field that accepts the type `written` and stores it as converted by the function `normal`."""

    def schema(_source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(normal, handler.generate_schema(written))

    return GetPydanticSchema(schema)


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value


def _sides(value: int | tuple[Any, Any]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Keras' padding: one number, (rows, columns), or ((top, bottom), (left, right))."""
    rows, columns = (value, value) if isinstance(value, int) else value
    return _pair(rows), _pair(columns)


_Extent = Annotated[int, Field(ge=1, le=32)]
_Border = Annotated[int, Field(ge=0, le=32)]

Pair = Annotated[tuple[int, int], _converted(_Extent | tuple[_Extent, _Extent], _pair)]
Sides = Annotated[
    tuple[tuple[int, int], tuple[int, int]],
    _converted(_Border | tuple[_Border | tuple[_Border, _Border], _Border | tuple[_Border, _Border]], _sides),
]
Padding = Literal["valid", "same"]
Filters = Annotated[int, Field(ge=1, le=4096)]


class ImageLayer(Layer):
    """A layer over (height, width, channels)."""

    def build(self, shape: Shape) -> LayerOutput:
        if len(shape) != 3:
            raise ShapeMismatch(f"{self.kind} takes height, width and channels, not {shape}.")
        return self.build_image(*shape)

    def build_image(self, height: int, width: int, channels: int) -> LayerOutput:
        raise NotImplementedError

    def slide(self, sides: Shape, window: Shape, strides: Shape, padding: Padding, dilation: Shape = (1, 1)) -> Shape:
        """The number of window positions along each side of the image."""
        if padding == "same":
            return tuple(-(-side // stride) for side, stride in zip(sides, strides, strict=True))
        spans = [step * (size - 1) + 1 for size, step in zip(window, dilation, strict=True)]
        if any(span > side for span, side in zip(spans, sides, strict=True)):
            raise ShapeMismatch(
                f"{self.kind}'s window of {spans[0]}×{spans[1]} is larger than its input of {sides[0]}×{sides[1]}."
            )
        return tuple((side - span) // stride + 1 for side, span, stride in zip(sides, spans, strides, strict=True))


class _Convolution(ImageLayer):
    kernel_size: Pair
    strides: Pair = (1, 1)
    padding: Padding = "valid"
    dilation_rate: Pair = (1, 1)
    activation: Activation | None = None
    use_bias: bool = True
    bias_initializer: Initializer = "zeros"
    # TensorFlow's depthwise kernels take one stride for both directions.
    square_strides: ClassVar[bool] = False

    def places(self, height: int, width: int) -> Shape:
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ShapeMismatch(f"{self.kind} takes strides or dilation_rate above 1, not both.")
        if self.square_strides and self.strides[0] != self.strides[1]:
            raise ShapeMismatch(f"{self.kind} takes the same stride in both directions, not {self.strides}.")
        return self.slide((height, width), self.kernel_size, self.strides, self.padding, self.dilation_rate)


class Conv2D(_Convolution):
    kind: Literal["Conv2D"] = "Conv2D"
    filters: Filters
    kernel_initializer: Initializer = "glorot_uniform"
    POSITIONAL = (
        "filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate", "groups", "activation",
        "use_bias", "kernel_initializer", "bias_initializer",
    )  # fmt: skip

    def build_image(self, height: int, width: int, channels: int) -> LayerOutput:
        kernel = self.kernel_size[0] * self.kernel_size[1] * channels * self.filters
        return LayerOutput((*self.places(height, width), self.filters), kernel + self.use_bias * self.filters)


class DepthwiseConv2D(_Convolution):
    kind: Literal["DepthwiseConv2D"] = "DepthwiseConv2D"
    depth_multiplier: Annotated[int, Field(ge=1, le=64)] = 1
    depthwise_initializer: Initializer = "glorot_uniform"
    square_strides = True
    POSITIONAL = (
        "kernel_size", "strides", "padding", "depth_multiplier", "data_format", "dilation_rate", "activation",
        "use_bias", "depthwise_initializer", "bias_initializer",
    )  # fmt: skip

    def build_image(self, height: int, width: int, channels: int) -> LayerOutput:
        made = channels * self.depth_multiplier
        kernel = self.kernel_size[0] * self.kernel_size[1] * made
        return LayerOutput((*self.places(height, width), made), kernel + self.use_bias * made)


class SeparableConv2D(_Convolution):
    kind: Literal["SeparableConv2D"] = "SeparableConv2D"
    filters: Filters
    depth_multiplier: Annotated[int, Field(ge=1, le=64)] = 1
    depthwise_initializer: Initializer = "glorot_uniform"
    pointwise_initializer: Initializer = "glorot_uniform"
    square_strides = True
    POSITIONAL = (
        "filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate", "depth_multiplier",
        "activation", "use_bias", "depthwise_initializer", "pointwise_initializer", "bias_initializer",
    )  # fmt: skip

    def build_image(self, height: int, width: int, channels: int) -> LayerOutput:
        deep = channels * self.depth_multiplier
        kernels = self.kernel_size[0] * self.kernel_size[1] * deep + deep * self.filters
        return LayerOutput((*self.places(height, width), self.filters), kernels + self.use_bias * self.filters)


class _Pooling(ImageLayer):
    pool_size: Pair = (2, 2)
    strides: Pair | None = None
    padding: Padding = "valid"
    POSITIONAL = ("pool_size", "strides", "padding", "data_format")

    def build_image(self, height: int, width: int, channels: int) -> LayerOutput:
        strides = self.strides or self.pool_size
        return LayerOutput((*self.slide((height, width), self.pool_size, strides, self.padding), channels))


class MaxPooling2D(_Pooling):
    kind: Literal["MaxPooling2D"] = "MaxPooling2D"


class AveragePooling2D(_Pooling):
    kind: Literal["AveragePooling2D"] = "AveragePooling2D"


class _GlobalPooling(ImageLayer):
    keepdims: bool = False
    POSITIONAL = ("data_format", "keepdims")

    def build_image(self, height: int, width: int, channels: int) -> LayerOutput:
        return LayerOutput((1, 1, channels) if self.keepdims else (channels,))


class GlobalMaxPooling2D(_GlobalPooling):
    kind: Literal["GlobalMaxPooling2D"] = "GlobalMaxPooling2D"


class GlobalAveragePooling2D(_GlobalPooling):
    kind: Literal["GlobalAveragePooling2D"] = "GlobalAveragePooling2D"


class ZeroPadding2D(ImageLayer):
    kind: Literal["ZeroPadding2D"] = "ZeroPadding2D"
    padding: Sides = ((1, 1), (1, 1))
    POSITIONAL = ("padding", "data_format")

    def build_image(self, height: int, width: int, channels: int) -> LayerOutput:
        return LayerOutput((height + sum(self.padding[0]), width + sum(self.padding[1]), channels))


class SpatialDropout2D(ImageLayer):
    kind: Literal["SpatialDropout2D"] = "SpatialDropout2D"
    rate: Rate
    seed: DropoutSeed | None = None
    POSITIONAL = ("rate", "data_format", "seed")

    def build_image(self, height: int, width: int, channels: int) -> LayerOutput:
        return LayerOutput((height, width, channels))
