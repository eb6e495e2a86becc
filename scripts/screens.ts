/** `npm run screens [-- name …]`: pictures of every screen of the extension, in both themes, narrow and wide, and one of each from right to left, in docs/screens. */
import { mkdirSync } from "node:fs"
import path from "node:path"
import type { Page } from "playwright-core"
import { launchFurnished, openScreen, screens, sizes, themes } from "../test/support/screens.ts"
import { repoRoot } from "./sources.ts"

const wanted = process.argv.slice(2)
const folder = path.join(repoRoot, "docs", "screens")
mkdirSync(folder, { recursive: true })

/** Of the whole page, in a window as high as that: a scroll bar would take its width from the page, but not from the picture. */
async function picture(page: Page, name: string, { width, height }: { width: number; height: number }): Promise<void> {
  await page.setViewportSize({ width, height })
  const whole = await page.evaluate(() => document.documentElement.scrollHeight)
  await page.setViewportSize({ width, height: Math.max(height, whole) })
  const file = path.join(folder, `${name}.png`)
  await page.screenshot({ path: file, animations: "disabled" })
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
          const name = language ? `${screen.name}-${language}` : `${screen.name}-${theme}-${size}`
          await picture(page, name, viewport)
        }
      await page.close()
    }
  } finally {
    await browser.close()
  }
}
