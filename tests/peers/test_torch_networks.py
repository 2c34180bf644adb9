"""The known networks, built of torch's modules, have the shapes and the parameters of our tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from convmath.graphs import ARCHITECTURES, Network, network
from convmath.graphs.layer import Layer

torch = pytest.importorskip("torch", reason="torch is not installed (the extra convmath[torch] brings it)")
nn = torch.nn


def channels(layer: Layer) -> int:
    found = layer.inputs[0][1].constant
    assert found is not None
    return found


def conv(layer: Layer) -> Any:
    hyper = dict(layer.node.hyper)
    size, made = hyper.pop("kernel"), hyper.pop("out_channels")
    return nn.Conv2d(channels(layer), made, size, **{"bias": False, **hyper})


def pool(layer: Layer) -> Any:
    hyper = dict(layer.node.hyper)
    return nn.MaxPool2d(hyper.pop("kernel"), **hyper)


def normalised(layer: Layer) -> Any:
    hyper = layer.node.hyper
    return nn.LocalResponseNorm(hyper["size"], hyper["alpha"], hyper["beta"], hyper["k"])


MODULES: dict[str, Callable[[Layer], Any]] = {
    "conv": conv,
    "max_pool": pool,
    "linear": lambda layer: nn.Linear(channels(layer), layer.node.hyper["out_features"]),
    "batch_norm": lambda layer: nn.BatchNorm2d(channels(layer)),
    "adaptive_avg_pool": lambda layer: nn.AdaptiveAvgPool2d(layer.node.hyper["output_size"]),
    "global_avg_pool": lambda layer: nn.AdaptiveAvgPool2d(1),
    "local_response_norm": normalised,
    "flatten": lambda layer: nn.Flatten(),
    "relu": lambda layer: nn.ReLU(),
    "dropout": lambda layer: nn.Dropout(),
    "softmax": lambda layer: nn.Softmax(dim=1),
    "add": lambda layer: torch.add,
}


def run(net: Network) -> tuple[dict[str, tuple[int, ...]], int, int]:
    """The shape of every layer, and how many parameters and buffers there are; nothing is computed (device meta)."""
    arrays = {name: torch.empty(net.shape(name), device="meta") for name in net.inputs}
    parameters = buffers = 0
    for layer in net.layers:
        with torch.device("meta"):
            module = MODULES[layer.node.operator](layer)
        if isinstance(module, nn.Module):
            parameters += sum(one.numel() for one in module.parameters())
            buffers += sum(one.numel() for name, one in module.named_buffers() if name != "num_batches_tracked")
        arrays[layer.node.name] = module(*(arrays[name] for name in layer.node.inputs))
    return {layer.node.name: tuple(arrays[layer.node.name].shape) for layer in net.layers}, parameters, buffers


BUILT = [
    (name, variant)
    for name, known in ARCHITECTURES.items()
    for variant in known.variants
    if (name, variant) != ("lenet5", "paper")  # of which torch has no modules
]
SIDES = {("lenet5", "torchvision"): [(28, 31)], ("alexnet", "paper"): [(227, 258)]}


@pytest.mark.parametrize(("name", "variant"), BUILT, ids=" ".join)
def test_a_network_is_the_one_that_torch_runs(name: str, variant: str) -> None:
    some = [(224, 255)] if variant == "paper" else [(224, 224), (97, 130)]
    for height, width in SIDES.get((name, variant), some):
        net = network(name, variant=variant).at(N=2, H=height, W=width)
        shapes, parameters, buffers = run(net)
        assert {layer: net.shape(layer) for layer in shapes} == shapes
        assert (net.parameters, net.buffers) == (parameters, buffers)
