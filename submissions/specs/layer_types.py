"""The list of layers that a network can have."""

from __future__ import annotations

from typing import Annotated, get_args

from pydantic import Field

from submissions.specs import image_layers, layers

AnyLayer = Annotated[
    layers.Input
    | image_layers.Conv2D
    | image_layers.DepthwiseConv2D
    | image_layers.SeparableConv2D
    | image_layers.MaxPooling2D
    | image_layers.AveragePooling2D
    | image_layers.GlobalMaxPooling2D
    | image_layers.GlobalAveragePooling2D
    | image_layers.ZeroPadding2D
    | layers.Flatten
    | layers.Dense
    | layers.Dropout
    | image_layers.SpatialDropout2D
    | layers.BatchNormalization
    | layers.ActivationLayer
    | layers.ReLU
    | layers.LeakyReLU
    | layers.ELU
    | layers.Rescaling
    | layers.RBF,
    Field(discriminator="kind"),
]

MAX_LAYERS = 64

LAYERS: dict[str, type[layers.Layer]] = {
    str(layer.model_fields["kind"].default): layer for layer in get_args(get_args(AnyLayer)[0])
}
