import { toPlanPath } from '../bytes.js';
import type { Place } from '../native/plan-types.js';

/** A place below the private directory. */
export function inProcdir(path: string): Place {
  return { procdir: toPlanPath(path) };
}
