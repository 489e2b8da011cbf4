/** English, of what is said above a panel only to somebody who was logged in: it comes with what is for him. */
export const endings = {
  'notice.over.idle': 'Nothing happened for a while, so your session has ended. Please log in again.',
  'notice.over.revoked': 'This session was ended from elsewhere. Please log in again.',
  'notice.over.verified': 'Your address was verified in another browser. Please log in again.',
  'notice.over.password-changed': 'The password was changed elsewhere. Please log in again.',
  'notice.over.account-locked': 'This account was locked. Please ask the people who run this site.',
  'notice.over.account-deleted': 'This account was deleted.',
  'notice.over.limit': 'You logged in on another device, and this site allows only so many. Please log in again.',
  'notice.mailed': 'A mail with a link is on its way to you.',
  'notice.toolate': 'The five minutes are over. Please enter your current password, or ask for a new link.'
} as const
