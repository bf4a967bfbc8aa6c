import { fromBytes } from '../bytes.js';

/** What the launcher asks: the caller's words, place and ids (`fuselage-plan`, question.rs). */
export interface Question {
  /** The package version of the launcher. */
  version: string;
  /** The directory of the launcher's own file, the platform package; empty: not known. */
  platformPackage: string;
  /** The working directory as `getcwd(2)` says; empty when it has no name any more. */
  workingDirectory: string;
  /** The words behind the program name. */
  arguments: string[];
  /** `NAME=value` each, as the caller gave them. */
  environment: string[];
  /** Real and effective user id, real and effective group id. */
  ids: { uid: number; euid: number; gid: number; egid: number };
  /** The supplementary groups. */
  groups: number[];
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  number(): number {
    this.#need(4);
    const number = this.#bytes.readUInt32LE(this.#at);
    this.#at += 4;
    return number;
  }

  string(): string {
    const length = this.number();
    this.#need(length);
    const string = fromBytes(this.#bytes.subarray(this.#at, this.#at + length));
    this.#at += length;
    return string;
  }

  list<T>(one: () => T): T[] {
    const list: T[] = [];
    for (let left = this.number(); left > 0; left--) list.push(one());
    return list;
  }

  #need(length: number): void {
    if (this.#at + length > this.#bytes.length) throw new RangeError('the question ends too early');
  }
}

/**
 * Reads the bytes of a question.
 *
 * @throws RangeError when they end too early
 */
export function decodeQuestion(bytes: Buffer): Question {
  const reader = new Reader(bytes);
  return {
    version: reader.string(),
    platformPackage: reader.string(),
    workingDirectory: reader.string(),
    arguments: reader.list(() => reader.string()),
    environment: reader.list(() => reader.string()),
    ids: {
      uid: reader.number(),
      euid: reader.number(),
      gid: reader.number(),
      egid: reader.number(),
    },
    groups: reader.list(() => reader.number()),
  };
}
