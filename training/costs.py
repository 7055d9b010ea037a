"""What a training step costs in memory and operations, counted in its graph; nothing of it is run."""
from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import tensorflow as tf
from tensorflow import keras

ALIASES = {"Identity", "IdentityN", "ReadVariableOp", "Reshape", "Squeeze", "ExpandDims", "StopGradient",
           "PreventGradient", "NoOp", "Placeholder"}  # their output is their input, or a weight
# They write where their input stood, if nothing else needs that.
IN_PLACE = {"AddV2", "Add", "AddN", "Sub", "Mul", "RealDiv", "Maximum", "Minimum", "Neg", "Square", "Sqrt", "Rsqrt",
            "Exp", "Log1p", "Sigmoid", "Tanh", "Relu", "LeakyRelu", "BiasAdd", "SelectV2", "ReluGrad", "LeakyReluGrad",
            "TanhGrad", "SigmoidGrad"}


@dataclass(frozen=True)
class Costs:
    """weights: bytes of all variables of the networks and their optimizers. live: bytes of activations, gradients and
    the batch, at the moment of a step that has most. work: operations, each as (multiplications and additions, bytes
    read and written)."""

    weights: int
    live: int
    work: tuple[tuple[int, int], ...]

    @property
    def operations(self) -> int:
        return sum(operations for operations, _ in self.work)

    def seconds(self, rate: float, bandwidth: float) -> float:
        """Of a step on a device of `rate` operations and `bandwidth` bytes a second at best: the roofline."""
        return sum(max(operations / rate, moved / bandwidth) for operations, moved in self.work)


def count(model: keras.Model, batch_spec) -> Costs:
    """The costs of `model.train_step` for a batch of this spec. Raises ValueError unless its shapes are all known."""
    unknown = [spec for spec in tf.nest.flatten(batch_spec) if not spec.shape.is_fully_defined()]
    if unknown:
        raise ValueError(f"the memory of {unknown[0]} cannot be counted")
    graph = tf.function(model.train_step).get_concrete_function(batch_spec).graph
    variables = {id(variable): variable for variable in (*model.variables, *_slots(model))}
    weights = sum(math.prod(variable.shape) * variable.dtype.size for variable in variables.values())
    return Costs(weights, _live(graph), tuple(map(_work, _needed(graph))))


def _slots(model: keras.Model) -> Iterator[tf.Variable]:
    for optimizer in vars(model).values():
        if isinstance(optimizer, keras.optimizers.Optimizer):
            yield from optimizer.variables


def _needed(graph: tf.Graph) -> list[tf.Operation]:
    """The operations that are run, in the order in which they were made: forwards, then backwards."""
    operations = graph.get_operations()
    waiting = [output.op for output in graph.outputs] + [op for op in operations if op.op_def.is_stateful]
    found = set()
    while waiting:
        op = waiting.pop()
        if op not in found:
            found.add(op)
            waiting += [*(tensor.op for tensor in op.inputs), *op.control_inputs]
    return [op for op in operations if op in found]


def _live(graph: tf.Graph) -> int:
    """Bytes of the tensors that exist at the moment that has most of them."""
    operations = _needed(graph)
    root = {}
    for op in operations:
        for output in op.outputs:
            aliased = op.type in ALIASES and op.inputs
            root[output.ref()] = root[op.inputs[0].ref()] if aliased else output
    uses = Counter(root[tensor.ref()].ref() for op in operations for tensor in op.inputs)
    uses.update(root[tensor.ref()].ref() for tensor in graph.outputs)
    now = most = sum(map(_size, graph.inputs))
    for op in operations:
        inputs = [root[tensor.ref()] for tensor in op.inputs]
        made = 0 if op.type in ALIASES else sum(map(_size, op.outputs))
        reused = op.type in IN_PLACE and any(uses[tensor.ref()] == 1 and _size(tensor) == made for tensor in inputs)
        inner = max((_live(branch) for branch in _branches(op)), default=0)
        now += made
        most = max(most, now + inner - made * reused)
        for tensor in inputs:
            uses[tensor.ref()] -= 1
            if not uses[tensor.ref()]:
                now -= _size(tensor)
        now -= sum(_size(output) for output in op.outputs
                   if op.type not in ALIASES and not uses[output.ref()])  # nobody reads it
    return most


def _branches(op: tf.Operation) -> list[tf.Graph]:
    """The graphs within a condition."""
    graphs = (getattr(op, name, None) for name in ("_true_graph", "_false_graph"))
    return [graph for graph in graphs if graph is not None]


def _size(tensor: tf.Tensor) -> int:
    """Bytes; 0 of what is no array, such as a handle, or where the shape is not known before it is run."""
    if tensor.dtype in (tf.resource, tf.variant, tf.string) or not tensor.shape.is_fully_defined():
        return 0
    return tensor.shape.num_elements() * tensor.dtype.size


def _work(op: tf.Operation) -> tuple[int, int]:
    if op.type in ALIASES:
        return 0, 0
    return 2 * _products(op), sum(map(_size, op.inputs)) + sum(map(_size, op.outputs))


def _products(op: tf.Operation) -> int:
    """Multiplications with an addition each, of convolutions, their gradients and matrix products."""
    if op.type == "Conv2D":
        return _elements(op.outputs[0]) * math.prod(op.inputs[1].shape[:3])
    if op.type == "Conv2DBackpropInput":
        return _elements(op.inputs[2]) * math.prod(op.inputs[1].shape[:3])
    if op.type == "Conv2DBackpropFilter":
        return _elements(op.inputs[2]) * math.prod(op.outputs[0].shape[:3])
    if op.type == "MatMul":
        inner = op.inputs[0].shape[0 if op.get_attr("transpose_a") else 1]
        return _elements(op.outputs[0]) * inner
    return 0


def _elements(tensor: tf.Tensor) -> int:
    return tensor.shape.num_elements() or 0
