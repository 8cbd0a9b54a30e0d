"""Graphs that multiply in int8 beside those that do in float32: quicker on a CPU, at next to no loss.

What range each layer's inputs have is measured on examples of *training* first (static quantisation, Jacob et
al. 2018). Ranges taken as the inputs come cost a little more and make a sentence depend on those beside it.
A linear layer's weights are int8 already (`networks.QuantisedLinear`), one table for both graphs; those of
convolutions get one. Weights use 7 bits, as x86 before VNNI adds two products of 8 bits in 16 and silently
saturates.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
import onnxruntime as ort
import torch
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.quant_utils import add_pre_process_metadata
from torch import Tensor

Feed = dict[str, np.ndarray]
Calibration = tuple[Sequence[Feed], np.ndarray | None]
"""Sentences of training as the text graph takes them, none to leave text as it is; faces of training
(N, S, S, 3) uint8, None to leave those."""
MICROSOFT = "com.microsoft"
"""ONNX Runtime's own operators."""
CONVOLVED = ["Conv", "Relu", "Add", "MaxPool"]
"""What convolutional networks are made of and ONNX Runtime can do in int8."""
BATCH = 32
LARGE = 256
"""Numbers from which a tensor goes into the weights file."""


def int8_linears(model: onnx.ModelProto, examples: Sequence[Feed]) -> bool:
    """Let a graph multiply by its `QuantisedLinear`s in int8, in place; False: it has none.

    On sequences (U, S, ·) each is exported as x · (int8 weight → Cast → Mul by scale → Transpose) + bias.

    Args:
        model: exported with its weights.
        examples: of its inputs, one run each; some hundred sentences.
    """
    whole = {tensor.name for tensor in model.graph.initializer if tensor.data_type == TensorProto.INT8}
    made = {name: node for node in model.graph.node for name in node.output}

    def maker(name: str, kind: str) -> onnx.NodeProto | None:
        node = made.get(name)
        return node if node is not None and node.op_type == kind else None

    found: list[tuple[onnx.NodeProto, onnx.NodeProto, str, str]] = []
    for node in model.graph.node:
        turned = maker(node.input[1], "Transpose") if node.op_type == "MatMul" else None
        scaled = maker(turned.input[0], "Mul") if turned is not None else None
        cast = maker(scaled.input[0], "Cast") if scaled is not None else None
        if turned is not None and scaled is not None and cast is not None and cast.input[0] in whole:
            # The scale comes as (outputs, 1), out of an Unsqueeze; one an output is what int8 takes.
            found.append((node, turned, cast.input[0], made[scaled.input[1]].input[0]))
    if not found:
        return False
    ranges = _ranges(model, list(dict.fromkeys(node.input[0] for node, *_ in found)), examples)
    for name, (low, high) in ranges.items():
        step = np.array(max(high - low, 1e-6) / 255, np.float32)
        zero = np.array(round(float(-low / step)), np.uint8)
        model.graph.initializer.append(numpy_helper.from_array(step, f"{name}.step"))
        model.graph.initializer.append(numpy_helper.from_array(zero, f"{name}.zero"))
    for node, turned, weight, scale in found:
        x, turned.input[0] = node.input[0], weight
        inputs = [f"{x}.int8", turned.output[0], f"{x}.step", scale, f"{x}.zero"]
        node.CopyFrom(helper.make_node("MatMulIntegerToFloat", inputs, node.output, domain=MICROSOFT))
    _in_order(model, [_rounding(name) for name in ranges])
    model.opset_import.append(helper.make_opsetid(MICROSOFT, 1))
    return True


def _rounding(name: str) -> onnx.NodeProto:
    return helper.make_node("QuantizeLinear", [name, f"{name}.step", f"{name}.zero"], [f"{name}.int8"])


def _ranges(
    model: onnx.ModelProto, names: list[str], examples: Sequence[Feed]
) -> dict[str, tuple[float, float]]:
    """The least and the most of some values inside a graph, and 0 between them."""
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    watched.graph.output.extend(helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in names)
    session = ort.InferenceSession(watched.SerializeToString(), _quiet(), providers=["CPUExecutionProvider"])
    wanted = {value.name for value in session.get_inputs()}
    ranges = dict.fromkeys(names, (0.0, 0.0))
    for example in examples:
        values = session.run(names, {name: x for name, x in example.items() if name in wanted})
        for name, value in zip(names, values, strict=True):
            low, high = ranges[name]
            ranges[name] = min(low, float(value.min())), max(high, float(value.max()))
    return ranges


def _in_order(model: onnx.ModelProto, more: list[onnx.NodeProto]) -> None:
    """Put more nodes behind what they ask for, and take out nodes whose outputs nobody wants."""
    after = {node.input[0]: node for node in more}
    nodes = [after[value.name] for value in model.graph.input if value.name in after]
    for node in model.graph.node:
        nodes += [node, *(after[name] for name in node.output if name in after)]
    wanted, kept = {value.name for value in model.graph.output}, []
    for node in reversed(nodes):
        if wanted & set(node.output):
            wanted |= set(node.input)
            kept.append(onnx.NodeProto.FromString(node.SerializeToString()))
    del model.graph.node[:]
    model.graph.node.extend(reversed(kept))


class _Faces(CalibrationDataReader):  # type: ignore[misc]  # it is untyped
    """(N, S, S, 3) uint8 in batches, as ONNX Runtime's calibration asks for them."""

    def __init__(self, faces: np.ndarray) -> None:
        self.batches = iter([faces[i : i + BATCH] for i in range(0, len(faces), BATCH)])

    def get_next(self) -> Feed | None:
        batch = next(self.batches, None)
        return None if batch is None else {"faces": batch}


def int8_convolutions(model: onnx.ModelProto, faces: np.ndarray) -> onnx.ModelProto:
    """The visual graph with its convolutions in int8, all weights inside.

    Args:
        model: exported with its weights.
        faces: (N, S, S, 3) uint8 of *training*; some hundred tell the range of every map.
    """
    with TemporaryDirectory() as folder:
        plain, quantised = Path(folder) / "plain.onnx", Path(folder) / "int8.onnx"
        _folded(model, plain)
        quantize_static(
            str(plain),
            str(quantised),
            _Faces(faces),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=CONVOLVED,
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
        )
        return onnx.load(str(quantised))


def _quiet() -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.log_severity_level = 4
    return options


def _folded(model: onnx.ModelProto, path: Path) -> None:
    """Write a graph with batch normalisation folded into the convolutions, by ONNX Runtime itself."""
    options = _quiet()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(path)
    ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    folded = onnx.load(str(path))
    # It names every domain that it knows, most of which nobody uses.
    used = {node.domain for node in folded.graph.node}
    domains = [opset for opset in folded.opset_import if opset.domain in used]
    del folded.opset_import[:]
    folded.opset_import.extend(domains)
    for number, node in enumerate(folded.graph.node):
        node.name = f"n{number}"  # the quantiser tells nodes by name
    add_pre_process_metadata(folded)
    onnx.save(folded, str(path))


def tables(model: onnx.ModelProto, prefix: str) -> dict[str, Tensor]:
    """The large weights of a graph by new names, which the graph then uses: for the weights file."""
    large: dict[str, Tensor] = {}
    renamed: dict[str, str] = {}
    for tensor in model.graph.initializer:
        value = numpy_helper.to_array(tensor)
        whole = value.dtype == np.int8
        # Scales stay as exact as they are; of floats only matrices are large.
        if value.size >= LARGE and (whole or (value.dtype == np.float32 and value.ndim > 1)):
            renamed[tensor.name] = name = f"{prefix}.{len(large)}"
            large[name] = torch.from_numpy(value.copy())
            tensor.name = name
    for node in model.graph.node:
        for i, name in enumerate(node.input):
            node.input[i] = renamed.get(name, name)
    return large


def int8_graphs(
    models: dict[str, onnx.ModelProto], sentences: Sequence[Feed], faces: np.ndarray | None
) -> tuple[dict[str, onnx.ModelProto], dict[str, Tensor]]:
    """Those graphs of a bundle that are worth it in int8, and the tables that they add to its weights.

    Args:
        models: the float32 graphs by part, with their weights.
        sentences: of training, as the text graph takes them; none leaves text as it is.
        faces: (N, S, S, 3) uint8 of training; None leaves faces as they are.
    """
    graphs: dict[str, onnx.ModelProto] = {}
    added: dict[str, Tensor] = {}
    if "text" in models and sentences:
        text = onnx.ModelProto()
        text.CopyFrom(models["text"])
        if int8_linears(text, sentences):
            graphs["text"] = text
    if "visual" in models and faces is not None:
        graphs["visual"] = int8_convolutions(models["visual"], faces)
        added = tables(graphs["visual"], "int8.visual")
    return graphs, added
