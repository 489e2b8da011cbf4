import { react } from './main-script.ts'

/** Stands in for `react` in the parts that are loaded on demand. */
export const { useContext, useEffect, useId, useMemo, useRef, useState } = react
