#!/usr/bin/python3
"""Trains the digits CNN and writes digits.onnx, samples.json and report.json beside this file.

Debian: apt install python3-sklearn python3-torch python3-onnx, then ./train.py (seconds).
The same versions on the same machine give the same bytes: seeds are fixed and one thread computes.
"""

import hashlib
import json
import platform
import time
from pathlib import Path

import numpy
import onnx
import sklearn
import torch
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.nn import functional as F

HERE = Path(__file__).resolve().parent
SEED = 7
# Chosen by 5-fold cross-validation on the training part alone (0.991 right); the held-out part was only ever scored.
EPOCHS = 150
HELD_OUT = 0.2
SAMPLES_PER_DIGIT = 2
TOLERANCE = 1e-3  # absolute, on logits of magnitude ~10: float32 sums of <= 288 products in another order


class Digits(nn.Module):
    """[n, 1, 8, 8] pixels 0..16 → [n, 10] logits. The scaling to 0..1 is in the model, so callers send raw pixels."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.fc1 = nn.Linear(32 * 2 * 2, 64)
        self.fc2 = nn.Linear(64, 10)

    def forward(self, x, drop=0.0):
        x = x / 16
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.dropout(F.relu(self.fc1(x.flatten(1))), drop, self.training)
        return self.fc2(x)


def varied(images):
    """Each image turned by up to 0.2 rad, scaled by up to 10 % and moved by up to 0.8 pixels."""
    n = len(images)
    angle = (torch.rand(n) * 2 - 1) * 0.2
    scale = 1 + (torch.rand(n) * 2 - 1) * 0.1
    theta = torch.empty(n, 2, 3)
    theta[:, 0, 0] = theta[:, 1, 1] = torch.cos(angle) * scale
    theta[:, 1, 0] = torch.sin(angle) * scale
    theta[:, 0, 1] = -theta[:, 1, 0]
    theta[:, :, 2] = (torch.rand(n, 2) * 2 - 1) * 0.2
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)


def train(images, labels):
    model = Digits()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    for _ in range(EPOCHS):
        model.train()
        order = torch.randperm(len(images))
        seen = varied(images)
        for batch in order.split(64):
            optimizer.zero_grad()
            F.cross_entropy(model(seen[batch], drop=0.3), labels[batch], label_smoothing=0.05).backward()
            optimizer.step()
        schedule.step()
    return model.eval()


def to_onnx(model):
    """Written with the onnx helper: small, and the same graph whatever exporter this torch ships."""
    f32 = TensorProto.FLOAT
    weights = [numpy_helper.from_array(v.detach().numpy(), k) for k, v in model.state_dict().items()]
    weights.append(numpy_helper.from_array(numpy.array(1 / 16, dtype=numpy.float32), "scale"))
    conv = dict(kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    pool = dict(kernel_shape=[2, 2], strides=[2, 2])
    nodes = [
        helper.make_node("Mul", ["image", "scale"], ["scaled"]),
        helper.make_node("Conv", ["scaled", "conv1.weight", "conv1.bias"], ["c1"], **conv),
        helper.make_node("Relu", ["c1"], ["r1"]),
        helper.make_node("MaxPool", ["r1"], ["p1"], **pool),
        helper.make_node("Conv", ["p1", "conv2.weight", "conv2.bias"], ["c2"], **conv),
        helper.make_node("Relu", ["c2"], ["r2"]),
        helper.make_node("MaxPool", ["r2"], ["p2"], **pool),
        helper.make_node("Flatten", ["p2"], ["flat"], axis=1),
        helper.make_node("Gemm", ["flat", "fc1.weight", "fc1.bias"], ["h"], transB=1),
        helper.make_node("Relu", ["h"], ["r3"]),
        helper.make_node("Gemm", ["r3", "fc2.weight", "fc2.bias"], ["logits"], transB=1),
    ]
    for node in nodes:
        node.name = node.output[0]
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("image", f32, ["n", 1, 8, 8])],
        [helper.make_tensor_value_info("logits", f32, ["n", 10])],
        weights,
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7, producer_name="ipfs-accelerate")
    onnx.checker.check_model(proto, full_check=True)
    return proto.SerializeToString()


def main():
    started = time.monotonic()
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)

    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1)
    labels = torch.tensor(digits.target, dtype=torch.int64)
    train_ids, test_ids = train_test_split(
        numpy.arange(len(labels)), test_size=HELD_OUT, random_state=SEED, stratify=digits.target
    )

    model = train(images[train_ids], labels[train_ids])
    with torch.no_grad():
        logits = model(images[test_ids])
        train_right = int((model(images[train_ids]).argmax(1) == labels[train_ids]).sum())
    right = int((logits.argmax(1) == labels[test_ids]).sum())

    data = to_onnx(model)
    (HERE / "digits.onnx").write_bytes(data)
    sha256 = hashlib.sha256(data).hexdigest()

    # the first held-out images of each digit, whatever the model makes of them
    picked = [i for d in range(10) for i in (labels[test_ids] == d).nonzero().flatten()[:SAMPLES_PER_DIGIT].tolist()]
    samples = [
        {
            "index": int(test_ids[i]),
            "label": int(labels[test_ids[i]]),
            "image": images[test_ids[i]].flatten().int().tolist(),
            "logits": [round(v, 6) for v in logits[i].tolist()],
        }
        for i in picked
    ]
    head = {"model": "digits.onnx", "sha256": sha256, "input": "image", "output": "logits", "shape": [1, 8, 8], "tolerance": TOLERANCE}
    rows = ",\n".join("    " + json.dumps(s) for s in samples)
    body = json.dumps(head, indent=2)[:-2] + ',\n  "samples": [\n' + rows + "\n  ]\n}\n"
    (HERE / "samples.json").write_text(body)

    # every held-out row, so that a test can recompute the accuracy with another runtime
    held_out = "\n".join(
        ",".join(str(v) for v in images[i].flatten().int().tolist() + [int(labels[i])]) for i in test_ids
    )
    (HERE / "held-out.csv").write_text(held_out + "\n")

    report = {
        "model": "digits.onnx",
        "sha256": sha256,
        "bytes": len(data),
        "parameters": sum(p.numel() for p in model.parameters()),
        "heldOut": {"n": len(test_ids), "right": right, "accuracy": right / len(test_ids)},
        "train": {"n": len(train_ids), "right": train_right, "accuracy": train_right / len(train_ids)},
        "seed": SEED,
        "epochs": EPOCHS,
        "seconds": round(time.monotonic() - started, 1),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "scikit-learn": sklearn.__version__,
            "onnx": onnx.__version__,
            "numpy": numpy.__version__,
        },
    }
    text = json.dumps(report, indent=2)
    (HERE / "report.json").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
