import { compiled } from '../support/compile.js';
import { mountTest } from '../support/must-mount.js';
import { packedInstall } from '../support/packed-install.js';
import { frontDoor, launcher } from '../support/places.js';
import { type Caller, caller, runFuselage } from '../support/run-fuselage.js';
import { behindWrap } from '../support/wrap.js';
import { writeZip } from '../support/zip-file.js';

/**
 * Lines of the probe that may differ between a command with and one without fuselage, with the
 * reason. Everything that is not on a list must be the same, byte for byte.
 */
const differBetweenAnyTwoProcesses = [
  /^status (Tgid|Ngid|Pid|NStgid|NSpid):/, // numbers of this process
  /^status Vm|^status Rss/, // sizes: the environment is some bytes longer
  /^status (voluntary|nonvoluntary)_ctxt_switches:/,
  /^status SigQ:/, // signals that are queued for all processes of this uid
  /^status Cpus_allowed/, // a machine that moves processes about
  /^stat field-(9|10|12|14|15|22|23|24|26|27|28|29|30|39|42|43|45|46|47|48|49|50|51) /,
];
const differByDesign = [
  /^environ FUSELAGE_(TMPDIR|STATIC)=/, // the documented variables
  /^status CapBnd:/, // nobody in the command can gain a capability
];
/** What a shell does to the environment, through the front door only. */
const differByShell = [/^environ (PWD|OLDPWD|_|SHLVL)=/];

function probe(who: Caller, words: string[]): string[] {
  const ended = runFuselage({ ...who, program: compiled('starter') }, words);
  expect(ended.stderr).toBe('');
  expect(ended.status).toBe(0);
  return ended.stdout.trim().split('\n');
}

function without(lines: string[], lists: RegExp[][]): string[] {
  return lines.filter((line) => !lists.flat().some((pattern) => pattern.test(line)));
}

describe('the command gets exactly what the caller gave', () => {
  mountTest('through the bin of a packed install', () => {
    const who = caller();
    const program = compiled('probe');
    const bin = packedInstall().bin;
    const plain = probe(who, [program]);
    const inside = probe(who, [bin, 'run', '--', program]);
    const lists = [differBetweenAnyTwoProcesses, differByDesign, differByShell];
    expect(without(inside, lists)).toEqual(without(plain, lists));
    // The lists hide nothing of what is compared: each of these is in both, and the same.
    for (const fact of [
      'fd 3 descriptor-flags 0',
      'fd 57 descriptor-flags 0',
      'limits Max open files            777',
      'status SigBlk:\t0000000000000200',
      'status Umask:\t0027',
      'children user 0.000000 system 0.000000',
    ]) {
      expect(without(inside, lists).some((line) => line.startsWith(fact))).toBe(true);
    }
    for (const fact of ['status NSpgid:', 'status NSsid:', 'stat field-5 ', 'stat field-6 ']) {
      expect(without(inside, lists).some((line) => line.startsWith(fact))).toBe(true);
    }
    expect(plain.some((line) => /^status SigIgn:\t0*1000$/.test(line))).toBe(true);
  });

  test('and a new session or process group would be seen', () => {
    const who = caller();
    const program = compiled('probe');
    const plain = without(probe(who, [program]), [differBetweenAnyTwoProcesses]);
    const moved = without(probe(who, ['setsid', program]), [differBetweenAnyTwoProcesses]);
    const different = moved.filter((line) => !plain.includes(line));
    expect(different.map((line) => line.split(/[:\s]+/, 2).join(' '))).toEqual([
      'status NSpgid',
      'status NSsid',
      'stat field-5',
      'stat field-6',
    ]);
  });

  mountTest('and under the launcher’s own name nothing of a shell is in it', () => {
    const who = caller();
    const program = compiled('probe');
    const plain = probe(who, behindWrap([program]).flat());
    const inside = probe(who, [launcher, 'run', '--', program]);
    const lists = [differBetweenAnyTwoProcesses, differByDesign];
    expect(without(inside, lists)).toEqual(without(plain, lists));
  });

  mountTest('an extraction in between leaves nothing either', () => {
    const who = caller();
    const zip = writeZip(`${who.home}/x.zip`, [{ name: 'a', content: 'x' }]);
    const program = compiled('probe');
    const plain = probe(who, behindWrap([program]).flat());
    const inside = probe(who, [launcher, 'run', '-s', zip, '--', program]);
    const lists = [differBetweenAnyTwoProcesses, differByDesign];
    expect(without(inside, lists)).toEqual(without(plain, lists));
  });

  describe.each(['ignore', 'block'])('SIGCHLD by env --%s-signal', (way) => {
    const words = (...rest: string[]) => ['env', `--${way}-signal=CHLD`, ...rest];
    const ofSignals = (lines: string[]) =>
      lines.filter((line) => /^status Sig(Blk|Ign)/.test(line));

    mountTest('is as it was, and not pending', () => {
      const who = caller();
      const zip = writeZip(`${who.home}/x.zip`, [{ name: 'a', content: 'x' }]);
      const program = compiled('probe');
      const run = ['run', '-s', zip, '--', program];
      const lists = [differBetweenAnyTwoProcesses, differByDesign];
      const plain = probe(who, words(...behindWrap([program]).flat()));
      expect(without(probe(who, words(launcher, ...run)), lists)).toEqual(without(plain, lists));
      // Dash no longer ignores it, whatever it executes.
      const byShell = probe(who, words(...behindWrap(['sh', '-c', 'exec "$0"', program]).flat()));
      const inside = probe(who, words(frontDoor, ...run));
      lists.push(differByShell);
      expect(without(inside, lists)).toEqual(without(byShell, lists));
    });

    test('would be seen', () => {
      const program = compiled('probe');
      const [one, other] = [probe(caller(), words(program)), probe(caller(), [program])];
      expect(ofSignals(one)).not.toEqual(ofSignals(other));
    });
  });
});
