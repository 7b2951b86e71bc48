#!/usr/bin/env python3
"""Multiply-accumulates and parameters of ONNX models, counted by the shape inference of the package `onnx`.

    python3 scripts/onnx_counts.py FOLDER [NAME=SIZE ...]

FOLDER holds models or packages of the Python index (.whl) that ship them; NAME=SIZE gives an open size. Prints JSON, a line for each model:
multiply-accumulates of convolutions, products and recurrent layers, and the real numbers that the model carries, but for single ones and the
running statistics of batch normalizations. Golden values of `simulators/tests/onnx_models.rs` are made by this. Needs `onnx` and numpy.
"""

import json
import math
import sys
import tempfile
import zipfile
from pathlib import Path

import onnx
from onnx import numpy_helper, shape_inference


def fixed(model, sizes):
    """The model with its open sizes given, and without the shapes that it states."""
    carried = {tensor.name for tensor in model.graph.initializer}
    for value in model.graph.input:
        if value.name in carried:
            continue
        for axis, dimension in enumerate(value.type.tensor_type.shape.dim):
            if dimension.dim_value > 0:
                continue
            name = dimension.dim_param
            dimension.Clear()
            dimension.dim_value = sizes.get(name) or sizes.get(f"{value.name}.{axis}") or (1 if axis == 0 else 0)
    del model.graph.value_info[:]
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")
    return shape_inference.infer_shapes(model, data_prop=True)


def shapes_of(model):
    shapes = {tensor.name: list(tensor.dims) for tensor in model.graph.initializer}
    for value in [*model.graph.input, *model.graph.value_info, *model.graph.output]:
        dims = value.type.tensor_type.shape.dim
        shapes.setdefault(value.name, [dimension.dim_value for dimension in dims])
    for node in model.graph.node:
        if node.op_type == "Constant":
            for attribute in node.attribute:
                if attribute.name == "value":
                    shapes[node.output[0]] = list(attribute.t.dims)
    return shapes


def macs_of(node, shapes):
    """Of one operator; None if a shape is not known."""
    attributes = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}

    def shape(name):
        found = shapes.get(name)
        if not found or 0 in found:
            raise LookupError(name)
        return found

    if node.op_type in ("Conv", "ConvInteger"):
        weights, output = shape(node.input[1]), shape(node.output[0])
        return math.prod(output) * math.prod(weights[1:])
    if node.op_type == "ConvTranspose":
        return math.prod(shape(node.input[0])) * math.prod(shape(node.input[1])[1:])
    if node.op_type in ("MatMul", "MatMulInteger"):
        return math.prod(shape(node.output[0])) * shape(node.input[0])[-1]
    if node.op_type == "Gemm":
        a = shape(node.input[0])
        return math.prod(shape(node.output[0])) * a[0 if attributes.get("transA") else 1]
    if node.op_type in ("LSTM", "GRU", "RNN"):
        steps, batch, _ = shape(node.input[0])
        return steps * batch * (math.prod(shape(node.input[1])) + math.prod(shape(node.input[2])))
    return 0


def parameters_of(model):
    real = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE, onnx.TensorProto.BFLOAT16)
    carried = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Constant":
            for attribute in node.attribute:
                if attribute.name == "value":
                    carried[node.output[0]] = attribute.t
    statistics, read = set(), set()
    for node in model.graph.node:
        read.update(node.input)
        if node.op_type == "BatchNormalization":
            statistics.update(node.input[3:])
    return sum(
        math.prod(tensor.dims) for name, tensor in carried.items()
        if tensor.data_type in real and math.prod(tensor.dims) > 1 and name in read and name not in statistics)


def count(path, sizes):
    model = fixed(onnx.load(path), sizes)
    shapes, macs, unknown = shapes_of(model), 0, 0
    for node in model.graph.node:
        try:
            macs += macs_of(node, shapes)
        except LookupError:
            unknown += 1
    return {"macs": macs, "operators_of_unknown_shape": unknown, "parameters": parameters_of(model)}


def main(folder, *given):
    sizes = {name: int(size) for name, size in (text.split("=") for text in given)}
    with tempfile.TemporaryDirectory() as scratch:
        for wheel in sorted(Path(folder).rglob("*.whl")):
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(scratch, [name for name in archive.namelist() if name.endswith(".onnx")])
        for root in (Path(folder), Path(scratch)):
            for path in sorted(root.rglob("*.onnx")):
                print(json.dumps({"model": str(path.relative_to(root)), **count(path, sizes)}), flush=True)


main(*sys.argv[1:])
