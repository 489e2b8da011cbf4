/** How many code points the board takes. */
export const contentLimit = 4000

/** Length as the board counts it: an emoji outside the basic plane is one, not two. */
export function countCodePoints(text: string): number {
  return text.length - (text.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0)
}
