/*
 * What the parts that are loaded on demand share with the rest. They import it from here only, because in `lwsgs.js` it is in the main
 * script and must not be there twice (standalone/).
 */
export { badReplyFailure } from '../client/api-errors.ts'
export { goOn } from '../client/next-path.ts'
export { canForgetPassword } from './panels/panel-for.ts'
export { Form } from './parts/form.tsx'
export { LinkButton } from './parts/link-button.tsx'
export { Panel } from './parts/panel.tsx'
export { PasswordField } from './parts/password-field.tsx'
export { TextField } from './parts/text-field.tsx'
export { TextsContext } from './texts-context.ts'
export { useCalls } from './use-calls.ts'
export { useSession } from './use-gs.ts'
export { useCoreText, useFailureText, useText } from './use-text.tsx'
