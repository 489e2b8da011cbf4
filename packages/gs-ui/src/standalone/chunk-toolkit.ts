import { toolkit } from './main-script.ts'

/** Stands in for react/toolkit.ts in the parts that are loaded on demand. */
export const {
  badReplyFailure,
  canForgetPassword,
  Form,
  goOn,
  LinkButton,
  Panel,
  PasswordField,
  TextField,
  TextsContext,
  useCalls,
  useCoreText,
  useFailureText,
  useSession,
  useText
} = toolkit
