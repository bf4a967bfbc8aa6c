import { posix } from 'node:path';

import { CI } from '../config/env.js';
import type { Policy } from '../config/policy.js';
import { FuselageError } from '../errors.js';
import type { Inputs } from '../inputs.js';
import type { ArchiveFacts, HostFacts } from '../native/index.js';
import type { ErrorReport } from '../native/plan-types.js';
import { checkSource } from './archive-source.js';
import { type HomeFact, homeFact } from './home.js';
import { IMAGES, isFileSystem } from './images.js';
import type { RunRequest } from './request.js';

/** What stands where private directories go when there is no usable home. */
export interface FallbackFact {
  /** Its kind; null: nothing is there. */
  kind: 'file' | 'directory' | 'other' | null;
  /** Why it cannot be used although it is a directory. */
  refused: ErrorReport | null;
  /** Whether it alone is missing, not what is above it, and this user may make it. */
  creatable: boolean;
  /** The nearest directory above it that is there. */
  ancestor: string;
}

/** What decides where the private directory goes. */
export interface ProcdirFacts {
  /** This process and host. */
  host: HostFacts;
  /** The home. */
  home: HomeFact;
  /** The directory that is used where the home cannot be. */
  fallback: FallbackFact;
}

/** All that a plan rests on besides the request. */
export interface RunFacts extends ProcdirFacts {
  /** What the archive of each tree is, by the NAME of the tree; empty trees have none. */
  archives: ReadonlyMap<string, ArchiveFacts>;
  /** Why the kernel cannot mount the images among them, in words; null: it can, or there are none. */
  whyNoImageMounts: string | null;
  /** Whether a service that builds and tests runs this: nothing goes on in the background there. */
  isCi: boolean;
}

/**
 * Looks at everything that `request` needs.
 *
 * @throws FuselageError an archive is missing, no regular file or cannot be read; the home is wrong
 */
export function gatherFacts(request: RunRequest, inputs: Inputs, policy: Policy): RunFacts {
  const archives = new Map<string, ArchiveFacts>();
  for (const tree of request.trees) {
    if (tree.kind !== 'empty') archives.set(tree.name, archiveFacts(tree.file, inputs));
  }
  const hasImage = [...archives.values()].some(({ format }) => isFileSystem(format));
  return {
    ...procdirFacts(inputs, policy),
    archives,
    whyNoImageMounts: hasImage ? inputs.whyNoImageMounts(IMAGES) : null,
    isCi: inputs.variable(CI) !== undefined,
  };
}

/**
 * Looks at where the private directory can go.
 *
 * @throws FuselageError `ERR_HOME_RELATIVE`
 */
export function procdirFacts(inputs: Inputs, policy: Policy): ProcdirFacts {
  const home = homeFact(inputs);
  const needed = home.state !== 'usable' && home.state !== 'creatable';
  return {
    host: inputs.host(),
    home,
    fallback: needed
      ? fallbackFact(policy.fallbackHome, inputs)
      : { kind: null, refused: null, creatable: false, ancestor: '/' },
  };
}

/**
 * What the archive at `file` is.
 *
 * @throws FuselageError it is missing, no regular file or cannot be read
 */
export function archiveFacts(file: string, inputs: Inputs): ArchiveFacts {
  checkSource(file);
  const seen = inputs.archive(file);
  if (seen.error !== undefined) throw FuselageError.fromReport(seen.error);
  return seen.value;
}

function fallbackFact(path: string, inputs: Inputs): FallbackFact {
  const kind = inputs.file(path).value?.kind ?? null;
  let ancestor = posix.dirname(path);
  while (ancestor !== '/' && inputs.file(ancestor).value?.kind !== 'directory') {
    ancestor = posix.dirname(ancestor);
  }
  // One directory is made, not several: without /run a mirror stands in for both.
  const creatable = kind === null && ancestor === posix.dirname(path) && inputs.mayMake(path);
  const refused = kind === 'directory' ? inputs.refusedFallback(path) : null;
  return { kind, refused, creatable, ancestor };
}
