import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compiled } from '../support/compile.js';
import { mountTest, mountTestWith } from '../support/must-mount.js';
import { freshDirectory, frontDoor } from '../support/places.js';
import { caller, ordinaryUser } from '../support/run-fuselage.js';
import { standInNode } from '../support/stand-in-node.js';
import { atShell, atTerminal } from '../support/terminal.js';

const run = `'${frontDoor}' run`;

mountTest('Ctrl-C ends the command, and the shell goes on', () => {
  const ended = atShell([
    `+${run} sh -c 'echo rea''dy; exec sleep 60'; echo status $?\\n`,
    '=ready',
    '+^C',
    '=status 130',
  ]);
  expect(ended.status).toBe(5);
});

mountTest('Ctrl-C while node is asked', () => {
  const node = standInNode('echo it is asked >/dev/tty; exec sleep 60');
  const ended = atShell([`+${run} true; echo status $?\\n`, '=it is asked', '+^C', '=status 130'], {
    FUSELAGE_NODE: node.path,
  });
  expect(ended.status).toBe(5);
});

mountTest('Ctrl-Z stops it, fg goes on', () => {
  // Without a child: a shell that is stopped while it starts one by vfork(2) does not stop itself.
  const ticking = 'i=0; while :; do i=$((i+1)); [ $((i % 50000)) = 0 ] && echo ti""ck; done';
  const ended = atShell([
    `+${run} sh -c '${ticking}'\\n`,
    '=tick',
    '+^Z',
    '=Stopped',
    '+fg; echo status $?\\n',
    '=tick',
    '+^C',
    '=status 130',
  ]);
  expect(ended.status).toBe(5);
});

mountTest('Ctrl-Z while node is asked, and fg', () => {
  const go = join(freshDirectory(ordinaryUser), 'go');
  const wait = `until [ -e '${go}' ]; do :; done`;
  const node = standInNode(`echo it is asked >/dev/tty; ${wait}; exec "$node" "$@"`);
  const ended = atShell(
    [
      `+${run} echo rea''dy\n`,
      '=it is asked',
      '+^Z',
      '=Stopped',
      `+touch '${go}'; echo tou''ched\n`,
      '=touched',
      '+fg; echo status $?\n',
      '=ready',
      '=status 0',
    ],
    { FUSELAGE_NODE: node.path },
  );
  expect(ended.status).toBe(5);
});

mountTest('a terminal mode that another program sets while node is asked stays', () => {
  // What `less` does in the same pipeline: node has noted the mode at its start and would give it
  // back at its end.
  const preload = join(freshDirectory(), 'raw.js');
  writeFileSync(preload, `require('child_process').execSync('stty -icanon -echo </dev/tty');`);
  const node = standInNode(`exec "$node" --require '${preload}' "$@"`);
  const ended = atTerminal([], ['sh', '-c', `${run} true; stty -a`], {
    FUSELAGE_NODE: node.path,
  });
  expect(ended.stdout).toMatch(/-icanon/);
  const plain = atTerminal([], ['sh', '-c', 'stty -a']);
  expect(plain.stdout).toMatch(/ icanon/);
});

describe('less in the same pipeline', () => {
  /**
   * `producer | less`, in this order: a node starts with the terminal as it is, less sets raw mode,
   * that node's work is done. Then `keys` are typed.
   */
  function page(keys: string, producer: (preload: string) => [line: string, environment: object]) {
    const who = caller();
    const started = join(who.home, 'started');
    const preload = join(freshDirectory(), 'wait.js');
    writeFileSync(
      preload,
      `require('fs').writeFileSync('${started}', '');
       const mode = () => require('child_process').execSync('stty -a </dev/tty').toString();
       while (!/ -icanon/.test(mode())) ;`,
    );
    const [line, environment] = producer(preload);
    const less = `{ until [ -e '${started}' ]; do sleep 0.02; done; exec less; }`;
    return atTerminal(
      [
        `+${line} | ${less}; echo status $?\\n`,
        '=next-page',
        '?',
        `+${keys}`,
        '=status 0',
        '+exit 5\\n',
      ],
      ['bash', '--norc', '-i'],
      { TERM: 'vt100', LESS: '-Pnext-page', ...environment },
      who,
    );
  }

  mountTestWith('less')('keeps its raw mode: q ends it, without Enter', () => {
    const ended = page('q', (preload) => {
      const node = standInNode(`exec "$node" --require '${preload}' "$@"`);
      return [`${run} -- sh -c 'seq 500'`, { FUSELAGE_NODE: node.path }];
    });
    expect(ended).toMatchObject({ status: 5 });
    expect(ended.stdout).toContain('[the terminal is raw]');
  });

  // What the test above would see if our node came to its own end.
  mountTestWith('less')('loses it to a node that ends by itself', () => {
    const ended = page('q\\n', (preload) => [
      `{ '${process.execPath}' --require '${preload}' -e 0; seq 500; }`,
      {},
    ]);
    expect(ended.stdout).toContain('[the terminal is cooked]');
    expect(ended).toMatchObject({ status: 5 });
  });
});

mountTest('the status flags of the terminal are as before', () => {
  const probe = compiled('probe');
  const flags = (text: string) => text.split(/\r?\n/).filter((line) => /^fd [012] /.test(line));
  const inside = atTerminal([], ['sh', '-c', `${run} '${probe}'`]);
  const plain = atTerminal([], [probe]);
  expect(flags(plain.stdout)).toHaveLength(3);
  expect(flags(inside.stdout)).toEqual(flags(plain.stdout));
});
