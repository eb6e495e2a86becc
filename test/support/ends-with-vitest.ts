// Set up in every test file: a worker whose vitest was ended would go on to the end of its test, and its browsers with it.
process.once("disconnect", () => process.exit(143))
