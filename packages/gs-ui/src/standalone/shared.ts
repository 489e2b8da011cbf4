import { useContext, useEffect, useId, useMemo, useRef, useState } from 'react'
import { Fragment, jsx, jsxs } from 'react/jsx-runtime'
import {
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
} from '../react/toolkit.ts'

/*
 * What `lwsgs.js` hands to the parts that it loads on demand (chunk-react.ts, chunk-toolkit.ts): they must use the same React and contexts.
 * Name by name, because a namespace object would cost the script some hundred bytes.
 */
export const react = { useContext, useEffect, useId, useMemo, useRef, useState }
export const jsxRuntime = { Fragment, jsx, jsxs }
export const toolkit = {
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
}
