const maxDepth = 64
const maxElements = 64

/** Whether a text has more brackets open than a frame may have. Before it is parsed: what is nested deeper costs others. */
function isTooDeep(text: string): boolean {
  if (text.length < 2 * maxDepth) return false
  let depth = 0
  let quoted = false
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (quoted) {
      if (code === 0x5c) index++
      else if (code === 0x22) quoted = false
    } else if (code === 0x22) quoted = true
    else if (code === 0x5b || code === 0x7b) {
      if (++depth > maxDepth) return true
    } else if (code === 0x5d || code === 0x7d) depth--
  }
  return false
}

const own = (value: object, name: string) => Object.hasOwn(value, name)

/** Whether a value has members that change what all objects have, where it is merged into one without care. */
function isPoisoned(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (own(value, '__proto__')) return true
  const { constructor } = value
  if (own(value, 'constructor') && typeof constructor === 'object' && constructor !== null && own(constructor, 'prototype')) return true
  return Object.values(value).some(isPoisoned)
}

/** What a frame says; null: it is none. */
export function parseFrame(text: string): readonly unknown[] | null {
  if (text.trimStart()[0] !== '[' || isTooDeep(text)) return null
  let frame: unknown
  try {
    frame = JSON.parse(text)
  } catch {
    return null
  }
  if (!Array.isArray(frame) || frame.length === 0 || frame.length > maxElements) return null
  // Names can be written in many ways: only what has no escapes need not be looked through.
  if (/\\u|__proto__|"constructor"/.test(text) && isPoisoned(frame)) return null
  return frame
}
