import { readFileSync, readlinkSync } from 'node:fs';
import { release } from 'node:os';
import type { HostFacts, Probe } from '../../src/native/addon.js';
import { addon, type Outcome } from '../../src/native/index.js';
import { inAnotherNode } from '../support/addon-elsewhere.js';
import { mountTest, rootTest } from '../support/must-mount.js';
import { ordinaryUser } from '../support/run-fuselage.js';

const namespaces = ['user', 'mnt'];
const mountTable = () => readFileSync('/proc/self/mountinfo', 'utf8');

test('hostFacts are those of this process and kernel', () => {
  const facts = addon().hostFacts().value;
  expect(facts).toMatchObject({
    uid: process.getuid?.(),
    euid: process.geteuid?.(),
    gid: process.getgid?.(),
    egid: process.getegid?.(),
    kernelRelease: release(),
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    overflowUid: Number(readFileSync('/proc/sys/fs/overflowuid', 'utf8')),
    inUserNamespace:
      readFileSync('/proc/self/uid_map', 'utf8').trim().split(/\s+/).join(' ') !== '0 0 4294967295',
  });
});

rootTest('hostFacts of an ordinary user: no capability, no loop device', () => {
  const script = 'answer(addon.hostFacts())';
  const facts = inAnotherNode<Outcome<HostFacts>>(script, { uid: ordinaryUser }).value;
  expect(facts).toMatchObject({
    uid: ordinaryUser,
    egid: ordinaryUser,
    sysAdmin: false,
    loopControl: false,
    refused: null,
  });
});

function expectWhole(probes: Probe[]): void {
  expect(probes.map((probe) => probe.name)).toEqual([
    'kernel',
    'user-namespace',
    'tmpfs',
    'overlay',
    'loop',
    'fuse',
    'apparmor',
    'seccomp',
  ]);
  for (const probe of probes) {
    expect(probe.detail).not.toBe('');
    if (probe.ok) {
      expect(probe).toMatchObject({ code: null, causes: [], hints: [] });
    } else {
      expect(probe.causes).not.toEqual([]);
      expect(probe.hints).not.toEqual([]);
    }
  }
}

test('probeHost names everything in its order, and what fails has a fix', () => {
  const before = mountTable();
  expectWhole(addon().probeHost());
  expect(mountTable()).toBe(before);
});

rootTest('probeHost of an ordinary user, for whom loop devices fail', () => {
  const probes = inAnotherNode<Probe[]>('answer(addon.probeHost())', { uid: ordinaryUser });
  expectWhole(probes);
  expect(probes.find(({ name }) => name === 'loop')).toMatchObject({ ok: false, code: null });
});

mountTest('probeUserNamespace works and leaves this process where it is', () => {
  const before = namespaces.map((name) => readlinkSync(`/proc/self/ns/${name}`));
  expect(addon().probeUserNamespace()).toEqual({ value: null });
  expect(namespaces.map((name) => readlinkSync(`/proc/self/ns/${name}`))).toEqual(before);
});
