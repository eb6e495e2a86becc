export * from "../kernels/index.ts"
