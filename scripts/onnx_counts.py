#!/usr/bin/env python3
"""Multiply-accumulates and parameters of ONNX models, counted by the shapes that onnxruntime sees when it runs them.

    python3 scripts/onnx_counts.py FOLDER [NAME=SIZE ...]

FOLDER holds models or packages of the Python index (.whl) that ship them; NAME=SIZE gives an open size. Prints JSON, a line for each model:
multiply-accumulates of convolutions, products and recurrent layers, and the real numbers that the model carries, but for constants of one number
and the running statistics of batch normalizations. Golden values of `simulators/tests/onnx_models.rs` are made by this. Needs the packages
`onnx` and `onnxruntime`.
"""

import json
import math
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy
import onnx
import onnxruntime


def given_inputs(model, sizes):
    """Zeros for each input, with the open sizes given."""
    carried, inputs = {tensor.name for tensor in model.graph.initializer}, {}
    for value in model.graph.input:
        if value.name in carried:
            continue
        tensor, shape = value.type.tensor_type, []
        for axis, dimension in enumerate(tensor.shape.dim):
            size = dimension.dim_value if dimension.dim_value > 0 else sizes.get(dimension.dim_param)
            shape.append(size or sizes.get(f"{value.name}.{axis}") or (1 if axis == 0 else 0))
        inputs[value.name] = numpy.zeros(shape, onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type))
    return inputs


def shapes_of(model, sizes):
    """The shapes of all tensors, as they are when the model runs."""
    shapes = {tensor.name: list(tensor.dims) for tensor in model.graph.initializer}
    outputs = [name for node in model.graph.node for name in node.output if name and node.op_type != "Constant"]
    seen = onnx.ModelProto()
    seen.CopyFrom(model)
    del seen.graph.output[:]
    seen.graph.output.extend(onnx.ValueInfoProto(name=name) for name in dict.fromkeys(outputs))
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(seen.SerializeToString(), options, ["CPUExecutionProvider"])
    inputs = given_inputs(model, sizes)
    for name, value in [*inputs.items(), *zip((it.name for it in session.get_outputs()), session.run(None, inputs))]:
        shapes[name] = list(numpy.shape(value))
    for node in model.graph.node:
        if node.op_type == "Constant":
            for attribute in node.attribute:
                if attribute.name == "value":
                    shapes[node.output[0]] = list(attribute.t.dims)
    return shapes


def macs_of(node, shapes):
    """Of one operator."""
    attributes = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}

    shape = shapes.__getitem__
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
    statistics, read, of_layers = set(), set(), set()
    for node in model.graph.node:
        read.update(node.input)
        if node.op_type in ("Conv", "Gemm"):
            of_layers.update(node.input[1:])
        if node.op_type == "BatchNormalization":
            statistics.update(node.input[3:])
    return sum(
        math.prod(tensor.dims) for name, tensor in carried.items()
        if tensor.data_type in real and name in read and name not in statistics
        and (math.prod(tensor.dims) > 1 or name in of_layers))


def count(path, sizes):
    model = onnx.load(path)
    shapes = shapes_of(model, sizes)
    return {"macs": sum(macs_of(node, shapes) for node in model.graph.node), "parameters": parameters_of(model)}


def main(folder, *given):
    sizes = {name: int(size) for name, size in (text.split("=") for text in given)}
    with tempfile.TemporaryDirectory() as scratch:
        for wheel in sorted(Path(folder).rglob("*.whl")):
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(scratch, [name for name in archive.namelist() if name.endswith(".onnx")])
        for root in (Path(folder), Path(scratch)):
            for path in sorted(root.rglob("*.onnx")):
                try:
                    counted = count(path, sizes)
                except Exception as error:  # a model that does not run on zeros says why
                    counted = {"error": str(error)[-200:]}
                print(json.dumps({"model": str(path.relative_to(root)), **counted}), flush=True)


main(*sys.argv[1:])
