import { englishSentences } from '../errors.ts'
import type { Translation } from './translation.ts'

/** English. */
export const texts: Translation = {
  ...englishSentences,

  'mail.hello': 'Hello {username},',
  'mail.contact': 'Questions? A person answers at {contact}.',
  'mail.verify-email.subject': 'Confirm your address for {siteName}',
  'mail.verify-email.text':
    'somebody (from the address {ip}) signed up at {siteName} with this e-mail address. If it was you, please confirm it:',
  'mail.verify-email.button': 'Confirm my address',
  'mail.verify-email.after':
    'The link works once and for {duration}; an account that is not confirmed by then is removed.\nIf it was not you, there is nothing you need to do.',
  'mail.forgot-password.subject': 'Set a new password for {siteName}',
  'mail.forgot-password.text':
    'somebody (from the address {ip}) asked for a new password for your account at {siteName}. If it was you, go on here:',
  'mail.forgot-password.button': 'Set a new password',
  'mail.forgot-password.after':
    'The link works once and for {duration}.\nIf it was not you, ignore this mail: your password stays as it is.',
  'mail.forgot-password.text.admin':
    'the people who run {siteName} have made the password of your account void and logged you out everywhere. Set a new one here:',
  'mail.forgot-password.after.admin': 'The link works once and for {duration}.\nLater ones you get with "Forgot password?": {loginUrl}',
  'mail.change-email.subject': 'Confirm your new address for {siteName}',
  'mail.change-email.text':
    'somebody (from the address {ip}) asked to make this the e-mail address of the account "{username}" at {siteName}. If it was you, please confirm it:',
  'mail.change-email.button': 'Confirm my new address',
  'mail.change-email.after':
    'The link works once and for {duration}; until then the account keeps the address it has.\nIf it was not you, do not open the link: nothing changes without it.',
  'mail.login-code.subject': 'Your code for {siteName}',
  'mail.login-code.text': 'somebody (from the address {ip}) wants to log in to your account at {siteName}. If it is you, type this code:',
  'mail.login-code.after':
    'It works once and for {duration}. Tell it to nobody: the people who run the site never ask for it.\nIf it is not you, ignore this mail: without the code nobody gets in.',
  'mail.password-off.subject': 'The password of your account at {siteName} is off',
  'mail.password-off.text':
    'somebody has tried so many wrong passwords for your account at {siteName} that it takes none any more. Devices that are logged in stay so. Switch it on again here, and choose a new one if the old one was easy to guess:',
  'mail.password-off.button': 'Switch my password on again',
  'mail.password-off.after': 'The link works once and for {duration}. Later ones you get with "Forgot password".',
  'mail.already-registered.subject': 'You already have an account at {siteName}',
  'mail.already-registered.text':
    'somebody (from the address {ip}) tried to sign up at {siteName} with this e-mail address. It belongs to your account "{username}", so no other account can be confirmed with it.\nIf it was you, log in instead, or ask for a new password there: {loginUrl}',
  'mail.already-registered.after': 'If it was not you, there is nothing you need to do.',
  'mail.email-in-use.subject': 'Your address is in use at {siteName}',
  'mail.email-in-use.text':
    'somebody (from the address {ip}) asked to make this the e-mail address of another account at {siteName}. It belongs to your account "{username}", so no other account can have it.\nIf it was you, change the address of this account first, or delete this account.',
  'mail.email-in-use.after': 'If it was not you, there is nothing you need to do.',
  // Not to which one: this mailbox may not be the person's any more.
  'mail.email-changed.subject': 'Your e-mail address for {siteName} was changed',
  'mail.email-changed.text':
    'the account "{username}" at {siteName} has another e-mail address now (changed from the address {ip}). No more mail about it comes here.',
  'mail.email-changed.undo': 'If it was not you, take the account back:',
  'mail.email-changed.button': 'Undo the change',
  'mail.email-changed.after':
    'The link works once and for {duration}. It brings this address back, logs out all devices, and lets you set a new password.\nIf it was you, there is nothing you need to do.',
  'mail.email-changed.after.unlinked':
    'It cannot be undone any more: the account has been deleted since. If that was not you, please write to the people who run the site.',
  'mail.password-changed.subject': 'Your password for {siteName} was changed',
  'mail.password-changed.text':
    'the password of your account at {siteName} was changed (from the address {ip}). All other devices have been logged out.',
  'mail.password-changed.after': 'If it was not you, ask for a new password at once with "Forgot password?": {loginUrl}',
  'mail.account-deleted.subject': 'Your account at {siteName} was deleted',
  'mail.account-deleted.text': 'your account at {siteName} was deleted, as you asked. This is the last mail about it.'
}
