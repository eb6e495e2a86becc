import { numbers } from "ipfs-accelerate"
import { useAccelerator, useModel } from "ipfs-accelerate/react"
import { createElement, useEffect, useState } from "react"
import { createRoot } from "react-dom/client"

// Bundled by the package's test as a user would, outside of this repository, and opened in a browser.

const files = { workerUrl: "/sdk/dist/worker.js", assetsUrl: "/node_modules/onnxruntime-web/dist/", backends: ["wasm"] }
const image = new URLSearchParams(location.search).get("image").split(",").map(Number)

function Digit() {
  const { accelerator } = useAccelerator(files)
  const { session, error } = useModel(accelerator, new URL("/models/digits/digits.onnx", location.href).href)
  const [answer, setAnswer] = useState("")
  useEffect(() => {
    const feeds = { image: { dtype: "float32", shape: [1, 1, 8, 8], data: Float32Array.from(image) } }
    session?.run(feeds).then(({ outputs, device }) => {
      const scores = numbers(outputs.logits)
      setAnswer(`${scores.indexOf(Math.max(...scores))}, by ${device.id ?? device} (${accelerator.via})`)
    })
  }, [session, accelerator])
  return createElement("output", null, error?.code ?? answer)
}

createRoot(document.body).render(createElement(Digit))
