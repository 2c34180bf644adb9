"""The known networks have the figures that are known of them; each is also counted here, from its paper's table."""

from __future__ import annotations

import pytest

from convmath.errors import HyperparameterError, ShapeError, UnknownNameError
from convmath.graphs import ARCHITECTURES, network, resnet, vgg

EVERY = [(name, variant) for name, known in ARCHITECTURES.items() for variant in known.variants]

# torchvision's documentation; LeCun 1998, section II.B; Krizhevsky 2012, of which caffenet's layers have the sum
PARAMETERS = {
    ("lenet5", "torchvision"): 61_706,
    ("lenet5", "paper"): 60_000,
    ("alexnet", "torchvision"): 61_100_840,
    ("alexnet", "paper"): 60_965_224,
    ("vgg11", "torchvision"): 132_863_336,
    ("vgg13", "torchvision"): 133_047_848,
    ("vgg16", "torchvision"): 138_357_544,
    ("vgg19", "torchvision"): 143_667_240,
    ("resnet18", "torchvision"): 11_689_512,
    ("resnet34", "torchvision"): 21_797_672,
    ("resnet50", "torchvision"): 25_557_032,
}

# in thousand millions, for one image of 224×224
MACS = {
    ("alexnet", "torchvision"): "0.714",
    ("vgg16", "torchvision"): "15.5",
    ("resnet18", "torchvision"): "1.81",
    ("resnet50", "torchvision"): "4.09",
}


@pytest.mark.parametrize(("name", "variant"), PARAMETERS, ids=" ".join)
def test_parameters(name: str, variant: str) -> None:
    assert network(name, variant=variant).parameters == PARAMETERS[name, variant]


@pytest.mark.parametrize(("name", "variant"), MACS, ids=" ".join)
def test_multiply_accumulates(name: str, variant: str) -> None:
    found = network(name, variant=variant, input=(1, 3, 224, 224))
    assert f"{found.macs / 10**9:.3g}" == MACS[name, variant]
    assert found.macs_inside < found.macs


@pytest.mark.parametrize(("name", "variant"), EVERY, ids=" ".join)
def test_it_tells_its_classes_apart(name: str, variant: str) -> None:
    for classes, said in ((ARCHITECTURES[name].classes, None), (7, 7)):
        net = network(name, variant=variant, classes=said)
        assert [net.shape(output) for output in net.outputs] == [(net.symbols["N"], classes)]


# --- counted once more --------------------------------------------------------------------------------------------


def convolution(before: int, after: int, kernel: int, side: int, groups: int = 1) -> tuple[int, int]:
    """Weights and multiply-accumulates of a convolution without a bias, with an output of side×side."""
    weights = after * (before // groups) * kernel**2
    return weights, weights * side**2


@pytest.mark.parametrize("depth", vgg.DEPTHS)
def test_vgg_from_its_table(depth: int) -> None:
    columns = {
        11: "64 M 128 M 256 256 M 512 512 M 512 512 M",
        13: "64 64 M 128 128 M 256 256 M 512 512 M 512 512 M",
        16: "64 64 M 128 128 M 256 256 256 M 512 512 512 M 512 512 512 M",
        19: "64 64 M 128 128 M 256 256 256 256 M 512 512 512 512 M 512 512 512 512 M",
    }
    parameters = macs = 0
    channels, side = 3, 224
    for word in columns[depth].split():
        if word == "M":
            side //= 2
            continue
        weights, products = convolution(channels, int(word), 3, side)
        channels, parameters, macs = int(word), parameters + weights + int(word), macs + products
    for before, after in ((channels * side**2, 4096), (4096, 4096), (4096, 1000)):
        parameters, macs = parameters + (before + 1) * after, macs + before * after
    for variant in ("torchvision", "paper"):
        net = network(f"vgg{depth}", variant=variant, input=(1, 3, 224, 224))
        assert (net.parameters, net.macs) == (parameters, macs)


@pytest.mark.parametrize("depth", resnet.DEPTHS)
def test_resnet_from_its_table(depth: int) -> None:
    """Every convolution with the two numbers a channel of its normalisation; 16 or 8 blocks, and a dense layer."""
    stem = convolution(3, 64, 7, 112)
    parameters, macs, channels, side = stem[0] + 2 * 64, stem[1], 64, 56
    for stage, blocks in enumerate(resnet.DEPTHS[depth]):
        width = 64 * 2**stage
        made = 4 * width if depth == 50 else width
        for block in range(blocks):
            after = side // 2 if stage and not block else side
            if depth == 50:
                laid = [(channels, width, 1, side), (width, width, 3, after), (width, made, 1, after)]
            else:
                laid = [(channels, width, 3, after), (width, width, 3, after)]
            if channels != made:
                laid.append((channels, made, 1, after))
            for one in laid:
                weights, products = convolution(*one)
                parameters, macs = parameters + weights + 2 * one[1], macs + products
            channels, side = made, after
    net = network(f"resnet{depth}", input=(1, 3, 224, 224))
    assert (net.parameters, net.macs) == (parameters + 1000 * (channels + 1), macs + 1000 * channels)


def test_lenet_from_its_paper() -> None:
    """What section II.B says of each layer: its size, its trainable parameters, and its connections."""
    net = network("lenet5", variant="paper", input=(1, 1, 32, 32))
    said = {
        "C1": ((6, 28, 28), 156, 122_304),
        "S2": ((6, 14, 14), 12, None),
        "C3": ((16, 10, 10), 1_516, 151_600),
        "S4": ((16, 5, 5), 32, None),
        "C5": ((120, 1, 1), 48_120, 48_120),
        "F6": ((84,), 10_164, 10_164),
    }
    for row in net.table().rows:
        if row.layer in said:
            shape, parameters, connections = said[row.layer]
            assert (net.shape(row.layer), row.parameters) == ((1, *shape), parameters)
            if connections is not None:  # a connection is a product, or a bias
                positions = 1 if row.layer == "F6" else shape[1] * shape[2]
                assert row.macs + shape[0] * positions == connections
    assert net.buffers == 10 * 84


def test_where_the_stride_is_changes_the_products_and_not_the_weights() -> None:
    ours, paper = (network("resnet50", variant=variant, input=(1, 3, 224, 224)) for variant in ("torchvision", "paper"))
    assert ours.parameters == paper.parameters
    # three blocks whose 1×1 convolution makes a quarter of the positions, and whose 3×3 one the same as before
    saved = sum(before * width * (side**2 - (side // 2) ** 2) for before, width, side in STRIDED)
    assert ours.macs - paper.macs == saved


STRIDED = ((256, 128, 56), (512, 256, 28), (1024, 512, 14))


# --- sizes that go ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "variant", "conditions"),
    [
        ("resnet50", "torchvision", ["1 ≤ H", "1 ≤ W"]),
        ("alexnet", "torchvision", ["63 ≤ H", "63 ≤ W"]),
        ("vgg16", "torchvision", ["32 ≤ H", "32 ≤ W"]),
        ("alexnet", "paper", ["67 ≤ H", "67 ≤ W", "H₄·W₄ = 36"]),
        ("vgg16", "paper", ["32 ≤ H", "32 ≤ W", "H₅·W₅ = 49"]),
        ("lenet5", "torchvision", ["12 ≤ H", "12 ≤ W", "H₃·W₃ = 25"]),
    ],
)
def test_conditions(name: str, variant: str, conditions: list[str]) -> None:
    assert [str(guard)[1:-1] for guard in network(name, variant=variant).conditions] == conditions


@pytest.mark.parametrize(
    ("name", "variant", "sides"),
    [
        ("alexnet", "torchvision", {62: False, 63: True, 64: True, 224: True, 227: True}),
        ("alexnet", "paper", {226: False, 227: True, 258: True, 259: False, 224: False}),
        ("vgg11", "paper", {223: False, 224: True, 255: True, 256: False}),
        ("lenet5", "torchvision", {27: False, 28: True, 31: True, 32: False}),
        ("resnet18", "torchvision", {0: False, 1: True, 7: True}),
    ],
)
def test_a_size_goes_exactly_where_the_conditions_say(name: str, variant: str, sides: dict[int, bool]) -> None:
    net = network(name, variant=variant)
    for side, goes in sides.items():
        if goes:
            assert net.at(H=side, W=side).conditions == ()
        else:
            with pytest.raises(ShapeError, match=r" \[layer '\w+': \w+ of \(N, "):
                net.at(H=side, W=side)


def test_of_square_inputs_the_paper_s_take_an_interval() -> None:
    said = {name: network(name, variant="paper").square for name in ("alexnet", "vgg16", "resnet50")}
    assert {name: [str(guard)[1:-1] for guard in guards] for name, guards in said.items()} == {
        "alexnet": ["227 ≤ H", "H ≤ 258"],
        "vgg16": ["224 ≤ H", "H ≤ 255"],
        "resnet50": [],
    }


# --- what is refused ----------------------------------------------------------------------------------------------


def test_what_is_not_there_is_said() -> None:
    with pytest.raises(UnknownNameError, match=r"^there is no network 'resnet5'; the nearest are resnet50, "):
        network("resnet5")
    with pytest.raises(UnknownNameError, match=r"^there is no variant of resnet18 'paper'; there are \(torchvision\)$"):
        network("resnet18", variant="paper")
    with pytest.raises(HyperparameterError, match=r"^classes is 0, but it must be at least 1 \[resnet18\]$"):
        network("resnet18", classes=0)
