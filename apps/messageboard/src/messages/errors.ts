import createError from '@fastify/error'

/** Refusals of the board's own routes. The code is API, the sentence is for people. */
export const MessageInvalid = createError('BOARD_MESSAGE_INVALID', '%s', 400)
export const BodyInvalid = createError('BOARD_BODY_INVALID', 'The request body is not valid: %s', 400)
export const BodyTooLarge = createError('BOARD_BODY_TOO_LARGE', 'The request body is too large.', 413)
export const ContentType = createError('BOARD_CONTENT_TYPE', 'Send application/json or application/x-www-form-urlencoded.', 415)
export const TooManyPosts = createError('BOARD_TOO_MANY_POSTS', 'That were many posts in a short time. Please wait a minute.', 429)
export const Unavailable = createError('BOARD_UNAVAILABLE', 'The board cannot store posts just now. Please try again in a moment.', 503)
export const NoUpgrade = createError('BOARD_UPGRADE_REQUIRED', 'This address is a websocket.', 426)
export const WrongSubprotocol = createError('BOARD_SUBPROTOCOL', 'The websocket needs the subprotocol %s.', 400)
export const CrossSite = createError('BOARD_CROSS_SITE', 'This websocket was opened by another site and was refused.', 403)
