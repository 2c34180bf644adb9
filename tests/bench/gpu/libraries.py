"""torch, JAX and CuPy on a GPU: their arrays, our calls on them, and their own operators.

Every call ends when the device is done. "Forward and back" is the value and the gradients by all arrays, as the library
differentiates; CuPy does not, so there it is the call and its `vjp`. float32 is computed in float32: TF32 is off.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Protocol

import numpy as np

from ..measure import Call
from .work import Work

__all__ = ["LIBRARIES", "Library"]

Calls = tuple[Call, Call]  # forward, and forward and back; each returns its results
Function = Callable[[Mapping[str, Any]], Any]


class Library(Protocol):
    said: str  # the library and the device, with the version and the model

    def given(self, array: np.ndarray) -> Any: ...
    def back(self, array: Any) -> np.ndarray: ...
    def place(self, array: Any) -> Any: ...
    def ours(self, work: Work, arrays: Mapping[str, Any], g: Any) -> Calls: ...

    def theirs(self, work: Work, arrays: Mapping[str, Any], g: Any) -> Mapping[str, Calls]:
        """By layout, or by the name of the function; empty where the library has none."""
        ...

    def peak(self, call: Call) -> int | None:
        """The bytes that a call takes beside what is there; None where nobody knows."""
        ...


class Missing(Exception):
    """Why nothing is run."""


def _found(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        raise Missing(f"{name} is missing") from None


# --- torch --------------------------------------------------------------------------------------------------------


class Torch:
    def __init__(self, cpu: bool):
        self.torch = torch = _found("torch")
        if not cpu and not torch.cuda.is_available():
            raise Missing("no GPU: torch finds none")
        self.gpu = not cpu
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.benchmark = True  # the fastest of its kernels
        self.said = f"torch {torch.__version__}"
        if self.gpu:
            self.said += f", cuDNN {torch.backends.cudnn.version()}, {torch.cuda.get_device_name()}"

    def given(self, array: np.ndarray) -> Any:
        return self.torch.from_numpy(array).to("cuda" if self.gpu else "cpu")

    def back(self, array: Any) -> np.ndarray:
        return array.detach().cpu().numpy()

    def place(self, array: Any) -> Any:
        return array.device

    def ours(self, work: Work, arrays: Mapping[str, Any], g: Any) -> Calls:
        return self._calls(work.value, arrays, g)

    def _calls(self, function: Function, arrays: Mapping[str, Any], g: Any) -> Calls:
        torch = self.torch
        leaves = {n: a.detach().requires_grad_() if a.is_floating_point() else a for n, a in arrays.items()}
        wanted = [leaf for leaf in leaves.values() if leaf.requires_grad]

        def done(*results: Any) -> tuple[Any, ...]:
            if self.gpu:
                torch.cuda.synchronize()
            return results

        def both() -> object:
            y = function(leaves)
            return done(y, *torch.autograd.grad(y, wanted, g))

        return lambda: done(function(arrays)), both

    def theirs(self, work: Work, arrays: Mapping[str, Any], g: Any) -> Mapping[str, Calls]:
        function = self._own(work)
        if function is None:
            return {}
        found = {"contiguous": self._calls(function, arrays, g)}
        if work.layer is not None and len(work.layer.x) == 4:
            laid = {n: a.contiguous(memory_format=self.torch.channels_last) for n, a in arrays.items()}
            last = g.contiguous(memory_format=self.torch.channels_last)
            found["channels last"] = self._calls(function, laid, last)
        return found

    def _own(self, work: Work) -> Function | None:
        own, (name, hyper) = self.torch.nn.functional, (work.function.__name__, work.hyper)
        if (layer := work.layer) is not None:
            ndim = len(layer.x) - 2
            each = [[number] * ndim for number in (layer.stride, layer.padding, layer.dilation)]
            more = layer.transposed, [0] * ndim, layer.groups
            return lambda a: self.torch.ops.aten.convolution(a["x"], a["w"], None, *each, *more)
        match name:
            case "convolve":
                return None
            case "batch_norm":
                return lambda a: own.batch_norm(a["x"], None, None, a["weight"], a["bias"], training=True)
            case "softmax":
                return lambda a: own.softmax(a["x"], dim=hyper["axis"])
            case "max_pool" | "avg_pool":
                return lambda a: getattr(own, f"{name}2d")(a["x"], **hyper)
            case _:
                return lambda a: getattr(own, name)(*a.values(), **hyper)

    def peak(self, call: Call) -> int | None:
        if not self.gpu:
            return None
        cuda = self.torch.cuda
        cuda.reset_peak_memory_stats()
        before = cuda.memory_allocated()
        call()
        return cuda.max_memory_allocated() - before


# --- JAX ----------------------------------------------------------------------------------------------------------


class Jax:
    """Ours and theirs are compiled."""

    def __init__(self, cpu: bool):
        self.jax = jax = _found("jax")
        if not cpu and jax.default_backend() != "gpu":
            raise Missing("no GPU: JAX finds none")
        jax.config.update("jax_enable_x64", True)
        # ours asks for it by itself
        jax.config.update("jax_default_matmul_precision", None if cpu else "highest")
        self.said = f"JAX {jax.__version__}, {jax.devices()[0].device_kind}"

    def given(self, array: np.ndarray) -> Any:
        return self.jax.numpy.asarray(array)

    def back(self, array: Any) -> np.ndarray:
        return np.asarray(array)

    def place(self, array: Any) -> Any:
        return array.device

    def ours(self, work: Work, arrays: Mapping[str, Any], g: Any) -> Calls:
        return self._calls(work.value, arrays, g)

    def _calls(self, function: Function, arrays: Mapping[str, Any], g: Any) -> Calls:
        jax = self.jax
        floats = {n: a for n, a in arrays.items() if jax.numpy.issubdtype(a.dtype, jax.numpy.floating)}
        names = tuple(floats)  # within jit a dict is sorted

        @jax.jit
        def both(floats: Any, arrays: Any, g: Any) -> Any:
            y, back = jax.vjp(lambda floats: function({**arrays, **floats}), floats)
            found = back(g)[0]
            return (y, *(found[name] for name in names))

        forward = jax.jit(lambda arrays: (function(arrays),))
        return (
            lambda: jax.block_until_ready(forward(arrays)),
            lambda: jax.block_until_ready(both(floats, arrays, g)),
        )

    def theirs(self, work: Work, arrays: Mapping[str, Any], g: Any) -> Mapping[str, Calls]:
        return {"compiled": self._calls(self._own(work, g.shape), arrays, g)}

    def _own(self, work: Work, shape: tuple[int, ...]) -> Function:
        jax, (name, hyper) = self.jax, (work.function.__name__, work.hyper)
        if work.layer is not None:
            from ..jax import convolution

            own = convolution(work.layer, shape)
            return lambda a: own(a["x"], a["w"])
        match name:
            case "convolve":
                return lambda a: jax.scipy.signal.convolve(a["a"], a["v"], **hyper)
            case "max_pool":
                return lambda a: self._windows(a["x"], -np.inf, jax.lax.max, **hyper)
            case "avg_pool":
                return lambda a: self._windows(a["x"], 0.0, jax.lax.add, **hyper) / hyper["kernel_size"] ** 2
            case "batch_norm":
                return lambda a: (
                    jax.nn.standardize(a["x"], axis=(0, 2, 3)) * a["weight"][:, None, None] + a["bias"][:, None, None]
                )
            case "cross_entropy":
                return lambda a: (
                    -jax.numpy.take_along_axis(jax.nn.log_softmax(a["x"], axis=1), a["target"][:, None], axis=1).mean()
                )
            case "gelu":
                return lambda a: jax.nn.gelu(a["x"], approximate=False)
            case _:
                return lambda a: getattr(jax.nn, name)(a["x"], **hyper)

    def _windows(self, x: Any, first: float, join: Any, kernel_size: int, stride: Any = None, padding: int = 0) -> Any:
        steps = stride or kernel_size
        return self.jax.lax.reduce_window(
            x, x.dtype.type(first), join, (1, 1, kernel_size, kernel_size), (1, 1, steps, steps),
            ((0, 0), (0, 0), (padding, padding), (padding, padding)),
        )  # fmt: skip

    def peak(self, call: Call) -> int | None:
        return None


# --- CuPy ---------------------------------------------------------------------------------------------------------


class Cupy:
    def __init__(self, cpu: bool):
        self.cupy = cupy = _found("cupy")
        if not cupy.is_available():
            raise Missing("no GPU: CuPy finds none")
        name = cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()
        self.said = f"CuPy {cupy.__version__}, {name}"

    def given(self, array: np.ndarray) -> Any:
        return self.cupy.asarray(array)

    def back(self, array: Any) -> np.ndarray:
        return self.cupy.asnumpy(array)

    def place(self, array: Any) -> Any:
        return array.device

    def ours(self, work: Work, arrays: Mapping[str, Any], g: Any) -> Calls:
        return (
            lambda: self._done(work.value(arrays)),
            lambda: self._done(*work.all(g, arrays)),
        )

    def _done(self, *results: Any) -> tuple[Any, ...]:
        self.cupy.cuda.Device().synchronize()
        return results

    def theirs(self, work: Work, arrays: Mapping[str, Any], g: Any) -> Mapping[str, Calls]:
        """Of signals alone, and no gradients."""
        if work.kind != "signal":
            return {}
        a, v = arrays.values()
        signal, ndimage = import_module("cupyx.scipy.signal"), import_module("cupyx.scipy.ndimage")
        own = {
            "ndimage": lambda: ndimage.convolve(a, v, mode="constant"),
            **{n: lambda n=n: getattr(signal, n)(a, v, mode="same") for n in ("fftconvolve", "oaconvolve")},
        }
        return {name: (lambda call=call: self._done(call()), lambda: ()) for name, call in own.items()}

    def peak(self, call: Call) -> int | None:
        return None


LIBRARIES: Mapping[str, Callable[[bool], Library]] = {"torch": Torch, "jax": Jax, "cupy": Cupy}
