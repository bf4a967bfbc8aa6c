/** Asked by the launcher on descriptor 3: reads the question, answers it, and prints what is asked. */
import './before-clipanion.js';

import { encodeAnswer } from '../ask/answer.js';
import { readFrame, readToEnd } from '../ask/frame.js';
import { decodeQuestion, type Question } from '../ask/question.js';
import { writeAll } from '../ask/write-all.js';
import { wantsColour } from '../colour.js';
import { EXIT_FAILURE, FuselageError } from '../errors.js';
import { Inputs } from '../inputs.js';
import { addon, platform } from '../native/index.js';
import type { Answer } from '../native/plan-types.js';
import { VERSION } from '../version.js';
import { answerWords } from './cli.js';
import { print, ReaderGone } from './print.js';

const LAUNCHER = 3;

/** What a shell shows for a process that died of SIGPIPE: 128 and the signal's number. */
const EXIT_SIGPIPE = 141;

function answer(question: Question): Answer {
  if (question.version !== VERSION)
    return { answer: 'error', error: mismatch(question).toReport() };
  const locate = () => platform(question.platformPackage);
  const caller = { environment: question.environment, directory: null };
  const inputs = new Inputs(caller, () => addon(locate));
  const surroundings = { inputs, platform: locate, colour: wantsColour(inputs), print };
  try {
    return answerWords(question.arguments, surroundings);
  } catch (error) {
    if (error instanceof ReaderGone) return { answer: 'done', exitCode: EXIT_SIGPIPE };
    throw error;
  }
}

function mismatch(question: Question): FuselageError {
  return new FuselageError(
    'ERR_VERSION_MISMATCH',
    `the npm package is of version ${VERSION}, the launcher of ${question.version}`,
    { hints: ['install both again: npm install fuselage'] },
  );
}

function main(): void {
  let question: Question;
  try {
    question = decodeQuestion(readFrame(LAUNCHER));
  } catch {
    writeAll(2, 'fuselage: this file is started by the launcher; start bin/fuselage instead\n');
    process.exitCode = EXIT_FAILURE;
    return;
  }
  const answered = answer(question);
  if (writeAll(LAUNCHER, encodeAnswer(answered)) === 'closed') return;
  // The launcher ends this process before it goes on: an exit of its own would reset the terminal
  // under whatever runs by then.
  if (answered.answer === 'plan' || answered.answer === 'job') readToEnd(LAUNCHER);
}

main();
