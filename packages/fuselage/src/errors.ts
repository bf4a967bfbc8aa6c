import type { ErrorReport } from './native/plan-types.js';

/** The exit status of a failure of fuselage itself before the command starts. */
export const EXIT_FAILURE = 125;

/** The exit status of wrong usage of a subcommand other than `run`. */
export const EXIT_USAGE = 2;

/** The words of `docs/errors.md`. A code is never given another meaning. */
export type ErrorCode =
  | 'ERR_ARCHIVE_CHANGED'
  | 'ERR_ARCHIVE_DAMAGED'
  | 'ERR_ARCHIVE_ENCRYPTED'
  | 'ERR_ARCHIVE_HOSTILE'
  | 'ERR_ARCHIVE_LIMIT'
  | 'ERR_ARCHIVE_MISSING'
  | 'ERR_ARCHIVE_NOT_REGULAR'
  | 'ERR_ARCHIVE_OPEN'
  | 'ERR_ARCHIVE_UNRECOGNISED'
  | 'ERR_ARCHIVE_UNSUPPORTED'
  | 'ERR_CACHE_UNUSABLE'
  | 'ERR_CACHE_VERIFY'
  | 'ERR_COMMAND_NOT_EXECUTABLE'
  | 'ERR_COMMAND_NOT_FOUND'
  | 'ERR_EXTRACT_FAILED'
  | 'ERR_EXTRACT_NO_SPACE'
  | 'ERR_HOME_CHANGED'
  | 'ERR_HOME_OWNER'
  | 'ERR_HOME_RELATIVE'
  | 'ERR_HOME_UNUSABLE'
  | 'ERR_IMAGE_MOUNT'
  | 'ERR_INTERNAL'
  | 'ERR_MOUNT_FAILED'
  | 'ERR_NODE_MISSING'
  | 'ERR_NODE_NO_ANSWER'
  | 'ERR_NO_COMMAND'
  | 'ERR_OUTPUT'
  | 'ERR_OUT_OF_MEMORY'
  | 'ERR_PATH_TARGET'
  | 'ERR_PLAN_INVALID'
  | 'ERR_PLATFORM_MISSING'
  | 'ERR_RESERVED_COMMAND'
  | 'ERR_RUN_AMBIGUOUS'
  | 'ERR_RUN_ESCAPES'
  | 'ERR_RUN_NOT_FOUND'
  | 'ERR_TREE_DUPLICATE'
  | 'ERR_TREE_NAME'
  | 'ERR_USAGE'
  | 'ERR_USERNS_DENIED'
  | 'ERR_VERSION_MISMATCH'
  | 'ERR_WORKER_DIED'
  | 'ERR_WORKER_UNCONFINED';

/** What to do about an error, a sentence each: no error is without one. */
export type Hints = readonly [string, ...string[]] | readonly [...string[], string];

/** What an error says besides its message. */
export interface ErrorDetails {
  /** What to do about it. */
  hints: Hints;
  /** Why it failed, the nearest cause first. */
  causes?: readonly string[];
  /** The exit status of the command line tool; {@link EXIT_FAILURE} unless told. */
  exitCode?: number;
}

/** Every failure of fuselage: what was tried on what (`message`), why, and what to do. */
export class FuselageError extends Error {
  override readonly name = 'FuselageError';

  /** A word of `docs/errors.md`, such as `ERR_USERNS_DENIED`. */
  readonly code: ErrorCode;

  /** What to do about it, a sentence each. */
  readonly hints: readonly string[];

  /** Why it failed, the nearest cause first. */
  readonly causes: readonly string[];

  /** The exit status that the command line tool ends with. */
  readonly exitCode: number;

  /**
   * @param code - a word of `docs/errors.md`
   * @param message - what was tried, on what
   * @param details - causes, hints and the exit status
   */
  constructor(code: ErrorCode, message: string, details: ErrorDetails) {
    super(message);
    this.code = code;
    this.hints = details.hints;
    this.causes = details.causes ?? [];
    this.exitCode = details.exitCode ?? EXIT_FAILURE;
  }

  /** The error of a report that came across the border from Rust. */
  static fromReport(report: ErrorReport): FuselageError {
    // Rust's reports have hints, too, which their own tests see to.
    const hints = report.hints as string[] as [string];
    return new FuselageError(report.code as ErrorCode, report.message, { ...report, hints });
  }

  /** The same as data. */
  toReport(): ErrorReport {
    return {
      code: this.code,
      message: this.message,
      hints: [...this.hints],
      causes: [...this.causes],
      exitCode: this.exitCode,
    };
  }
}

/** Any thrown value as a {@link FuselageError}: what is none is a fault of ours. */
export function asFuselageError(error: unknown): FuselageError {
  if (error instanceof FuselageError) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new FuselageError('ERR_INTERNAL', 'fuselage failed in a way it should not', {
    causes: [text],
    hints: ['please report this, with the command line that leads to it'],
  });
}
