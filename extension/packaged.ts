/** Where files that are loaded by URL lie in the built extension: ONNX Runtime's, DuckDB's, and the model that it brings along. */
export const RUNTIME_FOLDER = "ort"
export const DUCKDB_FOLDER = "duckdb"
export const DEMO_MODEL = "models/digits.onnx"
