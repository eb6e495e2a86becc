/** What a custom property comes to in the present theme, for a canvas, which doesn't understand `light-dark()`. `at`: an element that has it. */
export function themeColor(at: HTMLElement, property: string): string {
  const before = at.style.color
  at.style.color = `var(${property})`
  const { color } = getComputedStyle(at)
  at.style.color = before
  return color
}
