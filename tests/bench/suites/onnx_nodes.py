"""The backend tests of ONNX (package onnx, `onnx.backend.test`) that are one node of an operator of ours.

They are the node tests, and those that were converted from PyTorch long ago: unlike the node tests of Conv, these
have channels, groups, dilation and weights that are not all ones.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from convmath.errors import ConvmathError

from .agreement import Bound, Difference, compared
from .onnx_calls import TRANSLATIONS, Answer, Node
from .tally import Outcome, Refused

__all__ = ["KINDS", "Test", "held", "left_out", "tests"]

KINDS = ("node", "simple", "pytorch-converted", "pytorch-operator")


@dataclass(frozen=True)
class Test:
    """A test of ONNX whose model is one node, with the arrays of its first data set."""

    name: str
    kind: str
    node: Node

    __test__ = False  # not one of pytest's


def _models() -> Iterator[tuple[Any, Any]]:
    """Every test with its model."""
    import onnx
    from onnx.backend.test.loader import load_model_tests

    np.random.seed(0)  # the data are made at the first loading, and some are random
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # making the data overflows and divides by 0 on purpose
        found = [case for kind in KINDS for case in load_model_tests(kind=kind)]
    for case in found:
        yield case, case.model or onnx.load(f"{case.model_dir}/model.onnx")


def tests() -> Iterator[Test]:
    """Those that are one node of an operator that there is a translation of."""
    for case, model in _models():
        nodes = model.graph.node
        if len(nodes) == 1 and not nodes[0].domain and nodes[0].op_type in TRANSLATIONS:
            yield Test(case.name, case.kind, _node(case, model))


def left_out() -> Counter[str]:
    """What the other tests are, and how many."""
    found = Counter[str]()
    for case, model in _models():
        nodes = model.graph.node
        if len(nodes) > 1:
            spelled = case.name.endswith(("_expanded", "_expanded_ver18"))
            found["of the same data with the operator spelled out" if spelled else "graphs of several nodes"] += 1
        elif nodes[0].domain or nodes[0].op_type not in TRANSLATIONS:
            found["tests of operators that convmath does not have"] += 1
    return found


def _node(case: Any, model: Any) -> Node:
    from onnx import defs, helper, numpy_helper

    node = model.graph.node[0]
    arrays, outputs = _data(case)
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    named = weights | dict(zip((i.name for i in model.graph.input if i.name not in weights), arrays, strict=False))
    version = next(opset.version for opset in model.opset_import if opset.domain in ("", "ai.onnx"))
    names = [output.name for output in defs.get_schema(node.op_type, version).outputs]
    return Node(
        node.op_type,
        version,
        {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute},
        tuple(named[name] if name else None for name in node.input),
        tuple(outputs),
        tuple(names[: len(outputs)]),
    )


def _data(case: Any) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """What goes in and what comes out, of the first data set."""
    if case.data_sets is not None:
        return tuple(map(list, case.data_sets[0]))  # type: ignore[return-value]
    folder = Path(case.model_dir) / "test_data_set_0"
    return _read(folder, "input"), _read(folder, "output")


def _read(folder: Path, kind: str) -> list[np.ndarray]:
    import onnx
    from onnx import numpy_helper

    found = []
    for place in range(len(list(folder.glob(f"{kind}_*.pb")))):
        tensor = onnx.TensorProto()
        tensor.ParseFromString((folder / f"{kind}_{place}.pb").read_bytes())
        found.append(numpy_helper.to_array(tensor))
    return found


# How far off the numbers are that ONNX wrote down by hand. Here they have four decimals, the input of a mean as well as
# its output, and either adds at most half a unit of the last.
_WRITTEN = {"test_averagepool_2d_ceil_last_window_starts_on_pad": 1e-4}


def held(test: Test) -> Outcome:
    """What comes of a test: its outputs beside those of `functional`."""

    def outcome(verdict: str, said: str = "", beside: tuple[str, ...] = ()) -> Outcome:
        return Outcome(f"ONNX, {test.kind}", test.node.name, test.name, verdict, said, beside)

    try:
        answers = [(answer, answer.call.value()) for answer in TRANSLATIONS[test.node.name](test.node)]
    except (Refused, ConvmathError) as refusal:
        return outcome("refused", str(refusal))
    written = _WRITTEN.get(test.name, 0.0)
    try:
        verdicts = {verdict for answer, values in answers for verdict in _verdicts(answer, values, test.node, written)}
    except Difference as difference:
        return outcome("differing", str(difference))
    given = {place for answer, _ in answers for place in answer.gives}
    beside = tuple(name for place, name in enumerate(test.node.output_names) if place not in given)
    return outcome("within" if "within" in verdicts else "equal", beside=beside)


def _verdicts(answer: Answer, values: tuple[np.ndarray | None, ...], node: Node, written: float) -> Iterator[str]:
    """Of each output that a call gives; `written` is how far off the numbers are that ONNX wrote down."""
    for number, (place, value) in enumerate(zip(answer.gives, values, strict=False)):
        assert value is not None

        def allowed(number: int = number, place: int = place, value: np.ndarray = value) -> np.ndarray:
            bound = Bound(answer.call, value.dtype).of_output(number, value.shape)
            return answer.laid(bound, place) + written

        yield compared(answer.laid(value, place), node.outputs[place], allowed, node.output_names[place])
