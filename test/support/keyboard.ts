import type { Page } from "playwright-core"
import { expect } from "vitest"

/** The next Tab goes to the first thing of the page. */
async function toTop(page: Page): Promise<void> {
  await page.evaluate(() => {
    document.body.tabIndex = -1
    document.body.focus()
    document.body.removeAttribute("tabindex")
  })
}

/** Goes to what has this test id, as a person does without a pointer. */
export async function tabTo(page: Page, testId: string): Promise<void> {
  await toTop(page)
  const at = page.locator(`[data-testid=${testId}]:focus`)
  for (let i = 0; i < 100 && (await at.count()) === 0; i++) await page.keyboard.press("Tab")
  expect(await at.count(), testId).toBe(1)
}

/** All that can be used is reached by Tab, in the order in which it stands, and is seen to be. */
export async function walkByTab(page: Page): Promise<void> {
  await page.bringToFront()
  const wanted = await page.evaluate(() => {
    const usable = "a[href], button:enabled, input:enabled, select:enabled, summary, [tabindex='0']"
    const all = [...document.querySelectorAll<HTMLElement>(usable)].filter((element) => element.checkVisibility())
    for (const [i, element] of all.entries()) element.dataset.stop = `${i}`
    return all.map((_, i) => i)
  })
  await toTop(page)
  const reached: number[] = []
  for (const _ of wanted) {
    await page.keyboard.press("Tab")
    const stop = await page.evaluate(() => {
      const { activeElement: at } = document
      const { outlineStyle, outlineWidth } = getComputedStyle(at as Element)
      const isSeen = at?.matches(":focus-visible") && outlineStyle !== "none" && Number.parseFloat(outlineWidth) > 0
      return { at: Number((at as HTMLElement).dataset.stop), isSeen }
    })
    expect(stop).toMatchObject({ isSeen: true })
    reached.push(stop.at)
  }
  expect(reached).toEqual(wanted)
}
