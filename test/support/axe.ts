import { readFileSync } from "node:fs"
import path from "node:path"
import type { Page } from "playwright-core"

const source = readFileSync(path.resolve(import.meta.dirname, "../../node_modules/axe-core/axe.min.js"), "utf8")

interface Violation {
  id: string
  nodes: { html: string; failureSummary: string }[]
}

/** What axe finds wrong with the page as it is shown now: a line for each element, none where nothing is. */
export async function axeFindings(page: Page): Promise<string[]> {
  await page.evaluate(source)
  const violations = (await page.evaluate("axe.run().then(({ violations }) => violations)")) as Violation[]
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
  )
}
