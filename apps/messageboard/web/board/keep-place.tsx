import { Component, createRef, type ReactNode } from 'react'

interface Place {
  /** The post with the focus, and all of them in their order. */
  readonly focused: Element | null
  readonly all: readonly HTMLElement[]
  /** The first post that can be seen, where the browser does not hold it still by itself. */
  readonly held: { readonly post: HTMLElement; readonly top: number } | null
}

const holdsStill = () => CSS.supports('overflow-anchor', 'auto')

/**
 * Nobody loses his place in the list when posts come and go: the focus of a post that is deleted goes to the next one, and what is read
 * stays where it is. A class, because only classes are asked before the page changes.
 */
export class KeepPlace extends Component<{ readonly children: ReactNode }> {
  readonly #list = createRef<HTMLDivElement>()

  override getSnapshotBeforeUpdate(): Place {
    const all = [...(this.#list.current?.querySelectorAll<HTMLElement>('.message') ?? [])]
    const focused = document.activeElement?.closest('.message') ?? null
    // At the top of the page new posts are what one wants to see.
    const post = holdsStill() || window.scrollY === 0 ? undefined : all.find((each) => each.getBoundingClientRect().bottom > 0)
    return { focused, all, held: post === undefined ? null : { post, top: post.getBoundingClientRect().top } }
  }

  override componentDidUpdate(_props: unknown, _state: unknown, { focused, all, held }: Place): void {
    if (focused !== null && !focused.isConnected && document.activeElement === document.body) {
      const place = all.findIndex((post) => post === focused)
      const next =
        all.slice(place).find((post) => post.isConnected) ?? all.slice(0, Math.max(0, place)).findLast((post) => post.isConnected)
      next?.focus({ preventScroll: true })
    }
    if (held?.post.isConnected) window.scrollBy({ top: held.post.getBoundingClientRect().top - held.top, behavior: 'instant' })
  }

  override render(): ReactNode {
    return <div ref={this.#list}>{this.props.children}</div>
  }
}
