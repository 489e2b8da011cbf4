import type { ReactNode } from 'react'
import { findLinks, linkRel } from '../../src/messages/links.ts'

/** The text of a post, exactly as it was typed; addresses in it can be followed. */
export function PostContent({ content }: { readonly content: string }): ReactNode {
  return (
    <p className="content" dir="auto">
      {findPlacedLinks(content).map(({ text, url, place }) =>
        url === undefined ? (
          text
        ) : (
          // What stands around it cannot turn an address round.
          <a key={place} href={url} title={url === text ? undefined : url} target="_blank" rel={linkRel} dir="ltr">
            {text}
          </a>
        )
      )}
    </p>
  )
}

function findPlacedLinks(content: string) {
  let end = 0
  return findLinks(content).map((part) => ({ ...part, place: (end += part.text.length) }))
}
