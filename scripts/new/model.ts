import type { Scaffold } from "./scaffold.ts"
import { kebabName, Refusal, type Repository, required, UNWRITTEN } from "./scaffold.ts"

/** A model's folder with a script that trains, exports and checks a real one (logistic regression on Fisher's irises) in a second. */
export function newModel(name: string, repository: Repository): Scaffold {
  kebabName("model", name)
  const folder = `models/${name}`
  if (repository.list(folder).length > 0) throw new Refusal(`There is a model ${name} already, in ${folder}.`)
  const list = required(repository, "models/README.md")
  return {
    files: {
      [`${folder}/train.py`]: train(name),
      [`${folder}/README.md`]: readme(name),
      "models/README.md": `${list.trimEnd()}\n- \`${name}/\`: ${UNWRITTEN} what it reads and tells.\n`,
    },
    next: [
      `${folder}/train.py works as it is: python3 ${folder}/train.py (Debian: python3-numpy, python3-onnx, python3-sklearn). Put your data, model and figures in its place.`,
      `Describe it in ${folder}/README.md and models/README.md; every "${UNWRITTEN}" has to go.`,
      `Commit what it writes (${name}.onnx, samples.json, report.json) after npx biome check --write ${folder}.`,
    ],
  }
}

const readme = (name: string) => `# ${name}

${UNWRITTEN} what it reads and tells, how large it is, and why it is here.

|                   |                                                                  |
| ----------------- | ---------------------------------------------------------------- |
| file              | \`${name}.onnx\`, ONNX opset 13, IR 7                              |
| input             | \`features\`: float32 \`[n, 4]\`, \`n\` symbolic                       |
| output            | \`probabilities\`: float32 \`[n, 3]\`                                |
| held-out accuracy | ${UNWRITTEN} as \`report.json\` has it                               |

- \`train.py\` makes all the other files. Seeds are fixed: the same versions on the same kind of machine give the same bytes.
- \`samples.json\`: held-out inputs with the answers computed by scikit-learn and the tolerance within which a right device agrees.

## Data

scikit-learn's \`load_iris\`: R. A. Fisher, _The use of multiple measurements in taxonomic problems_, 1936; UCI Machine Learning Repository,
doi:10.24432/C56C76, CC BY 4.0. ${UNWRITTEN} your source and its licence.
`

const train = (name: string) => `#!/usr/bin/python3
"""Trains ${name} and writes ${name}.onnx, samples.json and report.json beside this file.

Debian: apt install python3-numpy python3-onnx python3-sklearn, then run it (seconds). Seeds are fixed.
"""

import hashlib
import json
from pathlib import Path

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

HERE = Path(__file__).resolve().parent
SEED = 7
HELD_OUT = 0.2
SAMPLES = 6
TOLERANCE = 1e-5  # absolute, on probabilities: float32 sums of 4 products in another order


def exported(weights, bias):
    """softmax(features · weights + bias): features float32 [n, 4] → probabilities float32 [n, 3]."""
    graph = helper.make_graph(
        [
            helper.make_node("Gemm", ["features", "weights", "bias"], ["logits"]),
            helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
        ],
        "${name}",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", weights.shape[0]])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", weights.shape[1]])],
        [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(bias, "bias")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def main():
    data = load_iris()
    features, held, labels, right = train_test_split(
        data.data, data.target, test_size=HELD_OUT, stratify=data.target, random_state=SEED
    )
    model = LogisticRegression(max_iter=1000, random_state=SEED).fit(features, labels)
    accuracy = float(model.score(held, right))

    content = exported(model.coef_.T.astype(numpy.float32), model.intercept_.astype(numpy.float32))
    (HERE / "${name}.onnx").write_bytes(content)

    shown = held[:SAMPLES].astype(numpy.float32)
    samples = {
        "input": "features",
        "output": "probabilities",
        "tolerance": TOLERANCE,
        "samples": [
            {"features": row.tolist(), "probabilities": answer.tolist(), "label": int(label)}
            for row, answer, label in zip(shown, model.predict_proba(shown), right)
        ],
    }
    (HERE / "samples.json").write_text(json.dumps(samples, indent=2) + "\\n")

    report = {
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "trained": len(labels),
        "heldOut": len(right),
        "accuracy": accuracy,
    }
    (HERE / "report.json").write_text(json.dumps(report, indent=2) + "\\n")
    print(json.dumps(report))


if __name__ == "__main__":
    main()
`
