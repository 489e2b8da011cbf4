import { expect, type Locator, type Page } from '@playwright/test'

/** A visitor who has only a keyboard. He must see at each stop where he is. */
export class Keyboard {
  readonly #page: Page

  constructor(page: Page) {
    this.#page = page
  }

  /** Tabs to a control. */
  async to(target: Locator, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
    await expect(target).toBeVisible()
    for (let pressed = 0; pressed < 80; pressed++) {
      if (await hasFocus(target)) return
      await this.#page.keyboard.press(key)
      await this.#expectVisibleFocus()
    }
    throw new Error(`The keyboard does not reach ${target.toString()}.`)
  }

  /** Tabs to a field and types into it in place of what it holds. */
  async type(target: Locator, text: string): Promise<void> {
    await this.to(target)
    await this.#page.keyboard.press('ControlOrMeta+a')
    await this.#page.keyboard.type(text)
  }

  /** Tabs to a control and presses a key there. */
  async use(target: Locator, key: 'Enter' | 'Space' = 'Enter'): Promise<void> {
    await this.to(target)
    await this.#page.keyboard.press(key)
  }

  /** After what was done the keyboard stands there, and not at the beginning of the page. */
  async expectAt(target: Locator): Promise<void> {
    await expect(target).toBeFocused()
  }

  async #expectVisibleFocus(): Promise<void> {
    const fault = await this.#page.evaluate(() => {
      const element = document.activeElement
      // Past the last one comes the browser itself.
      if (element === null || element === document.body) return null
      const name = element.outerHTML.slice(0, 200)
      const { outlineStyle, outlineWidth, visibility } = getComputedStyle(element)
      if (outlineStyle === 'none' || Number.parseFloat(outlineWidth) < 1) return `no outline: ${name}`
      const { left, top, width, height } = element.getBoundingClientRect()
      if (visibility === 'hidden' || width < 4 || height < 4) return `not to be seen: ${name}`
      const there = document.elementFromPoint(left + width / 2, top + height / 2)
      return there !== null && (element.contains(there) || there.contains(element)) ? null : `covered or outside: ${name}`
    })
    expect(fault).toBeNull()
  }
}

const hasFocus = (target: Locator) => target.evaluate((element) => element === element.ownerDocument.activeElement)

/** What the keyboard stops at within an element, where it goes against the order in which people read. */
export function disorderIn(place: Locator): Promise<string[]> {
  return place.evaluate((root) => {
    const rightToLeft = getComputedStyle(root).direction === 'rtl'
    // What hovers over the others has no place among them.
    const hovers = (element: Element | null): boolean =>
      element !== null && element !== root && (getComputedStyle(element).position === 'sticky' || hovers(element.parentElement))
    const stops = [...root.querySelectorAll<HTMLElement>('a[href], button, input, select, textarea, summary, [tabindex]')].filter(
      (element) => element.tabIndex >= 0 && !element.matches(':disabled, [type="hidden"]') && element.checkVisibility() && !hovers(element)
    )
    const faults = stops.filter(({ tabIndex }) => tabIndex > 0).map(({ outerHTML }) => `tabindex: ${outerHTML}`)
    stops.slice(1).forEach((stop, index) => {
      const before = stops[index]!.getBoundingClientRect()
      const here = stop.getBoundingClientRect()
      const below = here.top >= before.bottom - 1
      const beside = here.bottom > before.top && (rightToLeft ? here.left < before.left : here.left > before.left)
      if (!below && !beside) faults.push(`${stops[index]!.outerHTML} comes before ${stop.outerHTML}`)
    })
    return faults
  })
}
