/** `npm run screens [-- name …]`: pictures of every screen of the extension and of the bridge-server's pages, in both themes, narrow and wide, and one of each from right to left, in docs/screens. */
import { mkdirSync } from "node:fs"
import path from "node:path"
import type { Page } from "playwright-core"
import { openBridgePages } from "../test/support/bridge-screens.ts"
import { launchFurnished, openScreen, screens, sizes, speak, themes } from "../test/support/screens.ts"
import { notePictures } from "./screen-sources.ts"
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

const isWanted = (name: string) => wanted.length === 0 || wanted.includes(name)

async function pictures(page: Page, name: string): Promise<void> {
  for (const theme of themes)
    for (const [size, viewport] of Object.entries(sizes)) {
      await page.emulateMedia({ colorScheme: theme })
      await picture(page, `${name}-${theme}-${size}`, viewport)
    }
}

if (screens.some(({ name }) => isWanted(name)))
  for (const language of [undefined, "ar"]) {
    const browser = await launchFurnished(language)
    try {
      for (const screen of screens.filter(({ name }) => isWanted(name))) {
        const page = await openScreen(screen, browser)
        if (language) await picture(page, `${screen.name}-${language}`, sizes.narrow)
        else await pictures(page, screen.name)
        await page.close()
      }
    } finally {
      await browser.close()
    }
  }

if (["dashboard", "worker"].some(isWanted)) {
  const bridge = await openBridgePages()
  try {
    for (const { name, page, again } of bridge.pages.filter((one) => isWanted(one.name))) {
      await pictures(page, name)
      await page.emulateMedia({ colorScheme: "light" })
      await speak(page, "ar")
      await again()
      await picture(page, `${name}-ar`, sizes.narrow)
    }
  } finally {
    await bridge.close()
  }
}

if (wanted.length === 0) notePictures()
