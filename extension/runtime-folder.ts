/** Where ONNX Runtime's files lie in the built extension. */
export const RUNTIME_FOLDER = "ort"
