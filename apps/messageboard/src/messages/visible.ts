/** Neither white space nor what is drawn as nothing: joiners, fillers, marks of direction, tags, and the Braille pattern without dots. */
const visible = /[^\s\p{Cc}\p{Default_Ignorable_Code_Point}\u2800]/u

/** Whether there is anything to see in a text. */
export function hasVisible(text: string): boolean {
  return visible.test(text)
}
