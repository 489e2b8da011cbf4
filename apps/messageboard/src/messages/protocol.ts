/*
 * What goes over the board's websocket (`/lwsgs/board`), chosen by subprotocol.
 *
 * `protocol-lws-messageboard` is that of the original: the server sends the last posts and then each new one, as
 * `{ idx, time, username, content }` with strings only; the client sends nothing.
 *
 * `messageboard.2` is that of our page, and what this file describes. Frames are JSON objects with a `type`.
 */

export const originalProtocol = 'protocol-lws-messageboard'
export const currentProtocol = 'messageboard.2'

/** A post as readers get it: nothing of its author but the name. */
export interface Post {
  readonly idx: number
  /** Seconds since 1970. */
  readonly time: number
  readonly username: string
  readonly content: string
  /** Whether it is the reader's own. */
  readonly own: boolean
  /** Whether the reader may delete it. */
  readonly deletable: boolean
}

/**
 * From the server.
 *
 * Every post and every deletion is a *change* with a number, `seq`, that grows with the commits. A client that comes back to
 * `/lwsgs/board?after=<seq>&history=<history>` gets all changes after that one, once each and in order; or `reset`, when they are too many or
 * too old, or when the board was restored from a backup that does not have that change: then it forgets what it has and begins with the
 * posts that follow. `history` is the last one that it was told; without it nobody notices that a board was restored.
 */
export type ServerFrame =
  /**
   * First of all. `seq`: where the reader stands, which is what he came with as `after`, unless `reset` follows; all that follows is later.
   * `mayModerate`: the reader may delete any post. `history`: left out if `reset` follows, which has it.
   */
  | { readonly type: 'hello'; readonly seq: number; readonly history?: string; readonly username: string; readonly mayModerate: boolean }
  /** Forget the posts; `posts` are the last ones, oldest first. Also sent after `hello` to who comes without `after`. */
  | { readonly type: 'reset'; readonly seq: number; readonly history: string; readonly posts: readonly Post[]; readonly older: boolean }
  /** Left out for who comes back, if the post was deleted meanwhile: then `seq` has a gap. */
  | { readonly type: 'post'; readonly seq: number; readonly post: Post }
  | { readonly type: 'deleted'; readonly seq: number; readonly idx: number }
  /** How many people (accounts, not windows) have the board open. */
  | { readonly type: 'presence'; readonly people: number }
  /** The reader may now do more or less: `own` and `deletable` of what he has are to be computed anew. */
  | { readonly type: 'rights'; readonly username: string; readonly mayModerate: boolean }
  /** Answer to a `post` or `delete` of this client. */
  | { readonly type: 'done'; readonly id: string; readonly idx: number }
  | { readonly type: 'refused'; readonly id: string; readonly code: string; readonly message: string }

/** From the client. `id` (1 to 64 characters) is made up by the client; a post that it sends again with the same id is stored once. */
export type ClientFrame =
  | { readonly type: 'post'; readonly id: string; readonly msg: string }
  | { readonly type: 'delete'; readonly id: string; readonly idx: number }

/**
 * Over HTTP, for who is logged in and verified:
 *
 * - `GET /lwsgs/messages?before=<idx>&limit=<1…100>`: {@link History}, the posts before that one, oldest first (default: the last 30)
 * - `POST /lwsgs/msg` (`msg`, JSON also `id`): posts; 201 `{ ok, idx }`, or 303 for forms
 * - `DELETE /lwsgs/messages/<idx>`, and for forms `POST /lwsgs/messages/<idx>/delete`: 200 `{ ok }`, 303; `BOARD_NOT_YOURS` (403), `BOARD_UNKNOWN` (404)
 * - `GET /lwsgs/board.html`: the board as a page without scripts: the last posts, the form, links to older pages, buttons to delete
 */
export interface History {
  readonly posts: readonly Post[]
  /** Whether there are older ones. */
  readonly older: boolean
}
