import { userInfo } from 'node:os';

import { toBytes, toPlanPath } from './bytes.js';
import { FuselageError } from './errors.js';
import type {
  Addon,
  ArchiveFacts,
  CacheDecision,
  CacheListing,
  CacheRemoval,
  FileFacts,
  HomeFacts,
  HostFacts,
  Outcome,
  Probe,
} from './native/index.js';
import type { ErrorReport, Input } from './native/plan-types.js';

/** The part of the addon that looks at things. */
export type Looking = Pick<
  Addon,
  | 'inspectArchive'
  | 'inspectFile'
  | 'inspectHome'
  | 'inspectFallback'
  | 'hostFacts'
  | 'whyNoImageMounts'
  | 'probeHost'
  | 'cacheListing'
  | 'cacheRemove'
>;

/** Whose run it is. */
export interface Caller {
  /** The environment, `NAME=value` each; of a name that comes twice the first counts (getenv(3)). */
  environment: readonly string[];
  /** Relative paths start here; null: from the working directory of this process. */
  directory: string | null;
}

/** The caller of the library: the environment and directory of this process unless told. */
export function libraryCaller(
  environment: Readonly<Record<string, string | undefined>> = process.env,
  directory: string | null = null,
): Caller {
  const set = Object.entries(environment).filter(([, value]) => value !== undefined);
  return { environment: set.map(([name, value]) => `${name}=${value}`), directory };
}

/**
 * All that is looked at to make a plan, and the record of it: while every input is equal, so is the
 * plan. Nothing else in `run/`, `config/` and `host/` touches files, environment or system.
 */
export class Inputs {
  readonly #variables = new Map<string, string>();
  readonly #directory: string | null;
  readonly #looking: () => Looking;
  readonly #recorded = new Map<string, Input>();

  /**
   * @param caller - whose run it is
   * @param looking - gives the addon when it is first needed
   */
  constructor(caller: Caller, looking: () => Looking) {
    this.#directory = caller.directory;
    this.#looking = looking;
    for (const entry of caller.environment) {
      const equals = entry.indexOf('=');
      const name = entry.slice(0, equals);
      if (equals > 0 && !this.#variables.has(name)) {
        this.#variables.set(name, entry.slice(equals + 1));
      }
    }
  }

  /** A variable of the caller's environment; one that is set to nothing counts as not set. */
  variable(name: string): string | undefined {
    const value = this.#variables.get(name);
    this.#record({
      input: 'variable',
      name,
      value: value === undefined ? null : toPlanPath(value),
    });
    return value === '' ? undefined : value;
  }

  /** What stands at `path`, symlinks followed; null: nothing. */
  file(path: string): Outcome<FileFacts | null> {
    const seen = this.#looking().inspectFile(this.#bytes(path));
    if (seen.error === undefined) this.#recordFile(path, seen.value?.identity ?? null);
    return seen;
  }

  /** What the archive file at `path` is. */
  archive(path: string): Outcome<ArchiveFacts> {
    const seen = this.#looking().inspectArchive(this.#bytes(path));
    if (seen.error === undefined) this.#recordFile(path, seen.value.identity);
    return seen;
  }

  /** Whether `path` can be the home. */
  home(path: string): HomeFacts {
    const facts = this.#expect(this.#looking().inspectHome(this.#bytes(path)));
    this.#fact('home', { path, ...facts });
    return facts;
  }

  /** Whether this user may make the directory `path`, which no other user could replace. */
  mayMake(path: string): boolean {
    const { state } = this.#expect(this.#looking().inspectHome(this.#bytes(path)));
    const may = state === 'creatable';
    this.#fact(`may make ${path}`, may);
    return may;
  }

  /** Why the directory `path`, which is there, cannot stand in for a home; null: it can. */
  refusedFallback(path: string): ErrorReport | null {
    const refused = this.#looking().inspectFallback(this.#bytes(path)).error ?? null;
    this.#fact(`refused ${path}`, refused);
    return refused;
  }

  /** What this process is and what the host offers. */
  host(): HostFacts {
    const facts = this.#expect(this.#looking().hostFacts());
    this.#fact('host', facts);
    return facts;
  }

  /** Why the kernel cannot mount images of `fileSystem` here; null: it can. */
  whyNoImageMounts(fileSystem: string): string | null {
    const why = this.#looking().whyNoImageMounts(fileSystem);
    this.#fact(`image mounts of ${fileSystem}`, why);
    return why;
  }

  /**
   * What this host allows, tried for real; for `fuselage doctor`.
   *
   * @param launcher - the program that advice is about
   */
  probes(launcher: string): Probe[] {
    return this.#looking().probeHost(toBytes(launcher));
  }

  /**
   * What is in the cache of a home; for `fuselage cache`.
   *
   * @throws FuselageError `ERR_HOME_OWNER`, `ERR_HOME_UNUSABLE`
   */
  cacheListing(home: string): CacheListing {
    return this.#expect(this.#looking().cacheListing(this.#bytes(home)));
  }

  /**
   * Removes from the cache of a home what is still as it was listed; for `fuselage cache`.
   *
   * @returns one result for each decision, in their order
   * @throws FuselageError `ERR_HOME_OWNER`, `ERR_HOME_UNUSABLE`
   */
  cacheRemove(home: string, decisions: CacheDecision[]): CacheRemoval[] {
    return this.#expect(this.#looking().cacheRemove(this.#bytes(home), decisions));
  }

  /** The home directory that the password database has for this user; null: it knows no such user. */
  passwordHome(): string | null {
    let directory: string | null;
    try {
      directory = userInfo().homedir;
    } catch {
      directory = null;
    }
    this.#fact('password home', directory);
    return directory;
  }

  /** Everything that was looked at so far. */
  recorded(): Input[] {
    return [...this.#recorded.values()];
  }

  #bytes(path: string): Buffer {
    const relative = this.#directory !== null && !path.startsWith('/');
    return toBytes(relative ? `${this.#directory}/${path}` : path);
  }

  #expect<T>(outcome: Outcome<T>): T {
    if (outcome.error !== undefined) throw FuselageError.fromReport(outcome.error);
    return outcome.value;
  }

  #recordFile(path: string, identity: string | null): void {
    const at = toPlanPath(path);
    this.#record(
      identity === null ? { input: 'absent', path: at } : { input: 'file', path: at, identity },
    );
  }

  #fact(name: string, value: unknown): void {
    this.#record({ input: 'fact', name, value: JSON.stringify(value) });
  }

  #record(input: Input): void {
    const name = 'path' in input ? JSON.stringify(input.path) : input.name;
    const kind = 'path' in input ? 'path' : input.input;
    this.#recorded.set(`${kind} ${name}`, input);
  }
}
