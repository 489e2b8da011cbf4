import type { Post } from '../../src/messages/protocol.ts'
import type { Connection } from './board-socket.ts'
import type { UnsentText } from './draft.ts'

/** A post on the page. */
export interface ShownPost extends Post {
  /** It arrived while the page was open, written elsewhere. */
  readonly arrived?: true
  /** The id under which this page sent it. */
  readonly sentAs?: string
}

/** What somebody wrote here and the board has not shown yet. */
export interface UnsentPost extends UnsentText {
  /** `sent`: the board has it, and will show it. */
  readonly state: 'sending' | 'sent' | 'refused'
  /** Why it was refused: a sentence for people. */
  readonly reason?: string
  /** The number of the post, once the board has it. */
  readonly idx?: number
}

/** What the board shows. */
export interface FeedState {
  readonly connection: Connection
  /** Whether the posts are known, so that no posts means that there are none. */
  readonly loaded: boolean
  /** Newest first, none twice. */
  readonly posts: readonly ShownPost[]
  /** Whether there are older posts than these. `full`: there may be, but the page holds no more. */
  readonly older: boolean | 'full'
  readonly loadingOlder: 'no' | 'yes' | 'failed'
  /** In the order in which they were written. */
  readonly unsent: readonly UnsentPost[]
  /** How many people have the board open, as far as known; null before it was ever said. */
  readonly people: number | null
}

/** What of the unsent posts has to be shown: not what is among the posts already, though its answer is on its way. */
export function findShownUnsent({ unsent, posts }: FeedState): readonly UnsentPost[] {
  const arrived = new Set(posts.map(({ sentAs }) => sentAs))
  return unsent.filter(({ id, state }) => state === 'refused' || !arrived.has(id))
}
