/** `npm run screens [-- name …]`: pictures of every screen of the extension, in both themes, narrow and wide, and one of each from right to left, in docs/screens. */
import { mkdirSync } from "node:fs"
import path from "node:path"
import type { Page } from "playwright-core"
import { launchFurnished, openScreen, screens, sizes, themes } from "../test/support/screens.ts"
import { repoRoot } from "./sources.ts"

const wanted = process.argv.slice(2)
const folder = path.join(repoRoot, "docs", "screens")
mkdirSync(folder, { recursive: true })

async function picture(page: Page, name: string): Promise<void> {
  const file = path.join(folder, `${name}.png`)
  await page.screenshot({ path: file, fullPage: true, animations: "disabled" })
  console.log(path.relative(repoRoot, file))
}

for (const language of [undefined, "ar"]) {
  const browser = await launchFurnished(language)
  try {
    for (const screen of screens.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
      const page = await openScreen(screen, browser)
      for (const theme of themes)
        for (const [size, viewport] of Object.entries(sizes)) {
          if (language && (theme !== "light" || size !== "narrow")) continue
          await page.emulateMedia({ colorScheme: theme })
          await page.setViewportSize(viewport)
          await picture(page, language ? `${screen.name}-${language}` : `${screen.name}-${theme}-${size}`)
        }
      await page.close()
    }
  } finally {
    await browser.close()
  }
}
