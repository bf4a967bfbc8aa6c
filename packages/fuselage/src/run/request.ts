import {
  type CacheLimits,
  type CacheUse,
  cacheLimits,
  cacheUse,
  otherCaches,
  type Writable,
  writable,
} from '../config/cache.js';
import { INPUTS } from '../config/env.js';
import { type ExtractPolicy, readExtract } from '../config/extract.js';
import { checkLimit, jobsSetting, numberSetting, readSize } from '../config/numbers.js';
import { LIMIT_NAMES, LIMITS } from '../config/policy.js';
import { FuselageError } from '../errors.js';
import type { Inputs } from '../inputs.js';
import type { ExtractLimits } from '../native/plan-types.js';
import { archiveSpec, checkName, parseArchiveSpec } from './archive-spec.js';
import { programPath } from './program-path.js';

/** An archive: `[NAME:]FILE` as on the command line, or its parts. */
export type ArchiveOption =
  | string
  | {
      /** The NAME of the tree; without it the file name without `.zip`, `.sfs`, `.b64`. */
      name?: string;
      /** The path of the archive. */
      file: string;
    };

/** The trees of a run and how they are made; every field may be left out. */
export interface TreeOptions {
  /** Archives that the command sees read-only, each at `$FUSELAGE_STATIC/NAME`. */
  static?: readonly ArchiveOption[];
  /** Archives that the command gets a private writable copy of, each at `$FUSELAGE_DYNAMIC/NAME`. */
  dynamic?: readonly ArchiveOption[];
  /** Names of empty writable directories, each at `$FUSELAGE_DYNAMIC/NAME`. */
  dynamicEmpty?: readonly string[];
  /** Threads that extract an archive; without it `FUSELAGE_JOBS`, else one a processor. */
  jobs?: number | string;
  /**
   * The most that all trees together may take, in bytes or as `512M`; without it
   * `FUSELAGE_TMPFS_SIZE`, else half of the memory.
   */
  tmpfsSize?: number | string;
  /** What an archive may at most unpack to, where the defaults are too low. */
  limits?: Partial<ExtractLimits>;
  /**
   * Whether the trees may be real files in the home, without namespaces: `deny` never, `allow` where
   * namespaces are refused, `prefer` for who may mount only in a user namespace, `force` always.
   * Without it `FUSELAGE_EXTRACT`, else `deny`.
   */
  extract?: ExtractPolicy;
  /**
   * What comes from the cache and is kept there: `true` static and dynamic trees, `'static'` these,
   * `false` nothing. Without it `FUSELAGE_CACHE`, else nothing.
   */
  cache?: boolean | 'static';
  /**
   * How dynamic trees are made writable: `copy` each a copy of its own, `overlay` over the tree in the
   * cache or the mounted image where there is one, `auto` by the length of the archive's file.
   * Without it `FUSELAGE_WRITABLE`, else `auto`.
   */
  writable?: Writable;
  /** Whether the launcher prints the reasons of the plan to standard error. */
  explain?: boolean;
}

/** What is executed: a command of the caller, or a program out of the trees. Words are indices. */
export type ProgramRequest =
  | { kind: 'command'; index: number; nearSubcommand: string | null }
  | { kind: 'tree'; path: string; arguments: number[] };

/** A tree that is wanted. */
export type TreeRequest =
  | { kind: 'static' | 'dynamic'; name: string; file: string }
  | { kind: 'empty'; name: string };

/** What is wanted of the cache. */
export interface CacheRequest {
  /** What it is used for. */
  use: CacheUse;
  /** Further caches, absolute paths, and what was left out of them; none where none is used. */
  others: { paths: string[]; notices: string[] };
  /** What may stay in it, and which settings were not followed. */
  limits: CacheLimits & { notices: string[] };
}

/** Everything that a user asked for, parsed and checked: nothing has been done yet. */
export interface RunRequest {
  /** Dynamic, empty and static trees, in this order; names are unique. */
  trees: TreeRequest[];
  /** What is executed. */
  program: ProgramRequest;
  /** Threads; null: one a processor. */
  jobs: number | null;
  /** Bytes; null: half of the memory. */
  tmpfsSize: number | null;
  /** Limits that were raised or lowered. */
  limits: Partial<ExtractLimits>;
  /** What may be done without namespaces. */
  extract: ExtractPolicy;
  /** What is wanted of the cache. */
  cache: CacheRequest;
  /** How dynamic trees are made writable. */
  writable: Writable;
  /** Whether the reasons are printed. */
  explain: boolean;
}

/**
 * The request of `options`.
 *
 * @throws FuselageError a code of usage, names or `--run` (`docs/errors.md`)
 */
export function runRequest(
  options: TreeOptions,
  program: ProgramRequest,
  inputs: Inputs,
): RunRequest {
  const trees = [
    ...(options.dynamic ?? []).map((option) => archiveTree('dynamic', option, inputs)),
    ...(options.dynamicEmpty ?? []).map(emptyTree),
    ...(options.static ?? []).map((option) => archiveTree('static', option, inputs)),
  ];
  checkUnique(trees);
  const checked =
    program.kind === 'tree' ? { ...program, path: programPath(program.path) } : program;
  if (checked.kind === 'tree' && trees.length === 0) {
    throw new FuselageError('ERR_USAGE', `\`--run ${checked.path}\` needs a tree to look in`, {
      hints: ['name an archive with --static or --dynamic'],
    });
  }
  return {
    trees,
    program: checked,
    jobs: jobsSetting(options.jobs, inputs),
    tmpfsSize: numberSetting(options.tmpfsSize, '--tmpfs-size', INPUTS.tmpfsSize, readSize, inputs),
    limits: limits(options.limits ?? {}),
    extract: extractPolicy(options.extract, inputs),
    cache: cacheRequest(options.cache, inputs),
    writable: writable(options.writable, inputs),
    explain: options.explain ?? false,
  };
}

function cacheRequest(option: boolean | 'static' | undefined, inputs: Inputs): CacheRequest {
  const use = cacheUse(option, inputs);
  const isUsed = use === 'static' || use === 'all';
  return {
    use,
    others: isUsed ? otherCaches(inputs) : { paths: [], notices: [] },
    limits: cacheLimits(inputs),
  };
}

function archiveTree(
  kind: 'static' | 'dynamic',
  option: ArchiveOption,
  inputs: Inputs,
): TreeRequest {
  if (typeof option !== 'string') return { kind, ...archiveSpec(option.file, option.name) };
  const isFile = (path: string) => inputs.file(path).value?.kind === 'file';
  return { kind, ...parseArchiveSpec(option, isFile) };
}

function emptyTree(name: string): TreeRequest {
  return { kind: 'empty', name: checkName(name, 'an empty tree') };
}

function checkUnique(trees: readonly TreeRequest[]): void {
  const seen = new Map<string, TreeRequest>();
  for (const tree of trees) {
    const other = seen.get(tree.name);
    if (other !== undefined) {
      throw new FuselageError('ERR_TREE_DUPLICATE', `two trees are called \`${tree.name}\``, {
        causes: [`they are ${describe(other)} and ${describe(tree)}`],
        hints: ['give one of them another name: NAME:FILE'],
      });
    }
    seen.set(tree.name, tree);
  }
}

function describe(tree: TreeRequest): string {
  return tree.kind === 'empty' ? 'an empty tree' : `the ${tree.kind} tree of \`${tree.file}\``;
}

function extractPolicy(option: string | undefined, inputs: Inputs): ExtractPolicy {
  if (option !== undefined) return readExtract(option, '--extract');
  const value = inputs.variable(INPUTS.extract);
  return value === undefined ? 'deny' : readExtract(value, INPUTS.extract);
}

function limits(given: Partial<ExtractLimits>): Partial<ExtractLimits> {
  const checked: Partial<ExtractLimits> = {};
  for (const name of LIMIT_NAMES) {
    const { key } = LIMITS[name];
    const value = given[key];
    if (value !== undefined) checked[key] = checkLimit(name, value);
  }
  return checked;
}
