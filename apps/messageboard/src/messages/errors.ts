import createError from '@fastify/error'

/** Refusals of the board's own routes. The code is API, the sentence is for people. */
export const MessageInvalid = createError('BOARD_MESSAGE_INVALID', '%s', 400)
export const BodyInvalid = createError('BOARD_BODY_INVALID', 'The request body is not valid: %s', 400)
export const QueryInvalid = createError('BOARD_QUERY_INVALID', 'The request address is not valid: %s', 400)
export const FrameInvalid = createError('BOARD_FRAME_INVALID', 'The message to the server is not valid: %s', 400)
export const BodyTooLarge = createError('BOARD_BODY_TOO_LARGE', 'The request body is too large.', 413)
export const ContentType = createError('BOARD_CONTENT_TYPE', 'Send application/json or application/x-www-form-urlencoded.', 415)
export const TooManyPosts = createError('BOARD_TOO_MANY_POSTS', 'That were many posts in a short time. Please wait a minute.', 429)
export const TooManyDeletions = createError(
  'BOARD_TOO_MANY_DELETIONS',
  'That were many deletions in a short time. Please wait a minute.',
  429
)
export const Unavailable = createError('BOARD_UNAVAILABLE', 'The board cannot be reached just now. Please try again in a moment.', 503)
export const AccountGone = createError('BOARD_ACCOUNT_GONE', 'This account was deleted.', 403)
export const NotAllowed = createError('BOARD_NOT_ALLOWED', 'The board is not open to this account any more.', 403)
export const NotYours = createError('BOARD_NOT_YOURS', 'This is the post of somebody else.', 403)
export const Unknown = createError('BOARD_UNKNOWN', 'There is no such post. It may have been deleted.', 404)
export const NoUpgrade = createError('BOARD_UPGRADE_REQUIRED', 'This address is a websocket.', 426)
export const WrongSubprotocol = createError('BOARD_SUBPROTOCOL', 'The websocket needs one of the subprotocols %s.', 400)
