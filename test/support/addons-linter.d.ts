/** The little that is used of it; it has no types of its own. */
declare module "addons-linter" {
  interface Finding {
    code: string
    message: string
  }
  interface Linter {
    run(): Promise<{ errors: Finding[]; warnings: Finding[] }>
  }
  const linter: { createInstance(options: { config: Record<string, unknown>; runAsBinary: boolean }): Linter }
  export default linter
}
