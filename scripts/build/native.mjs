/** The launcher and the addon: built by cargo, put into this machine's platform package. */
import { existsSync, lstatSync, readFileSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../command.mjs';
import { host, ROOT } from '../host.mjs';
import { readElf } from './elf.mjs';
import { chooseLibc, findMusl } from './libc.mjs';
import { openDirectory, place } from './place.mjs';

/**
 * cargo's profiles by the names of this build, and the directory that each one fills. The addon as
 * it is shipped unwinds, so that a panic stays inside as an error; the launcher's profile aborts.
 */
export const PROFILES = {
  dev: {
    launcher: { profile: 'dev', directory: 'debug' },
    addon: { profile: 'dev', directory: 'debug' },
  },
  launch: {
    launcher: { profile: 'launch', directory: 'launch' },
    addon: { profile: 'release', directory: 'release' },
  },
};

/** Builds with cargo and takes the file that it leaves, or says that it failed by an exception. */
function cargo(verb, { profile, directory }, file, words, { target, env } = host()) {
  const targets = process.env.CARGO_TARGET_DIR ?? join(ROOT, 'target');
  const product = join(targets, target, directory, file);
  // The first time takes minutes: then cargo shows what it does.
  const quiet = existsSync(product) ? ['--quiet'] : [];
  run(['cargo', verb, ...quiet, '--profile', profile, '--target', target, ...words], {
    env: { ...process.env, ...env },
  });
  return readFileSync(product);
}

function buildLauncher(profile) {
  const { target } = host();
  const link = chooseLibc(target, profile === 'launch' ? findMusl(target) : undefined);
  if (link.lacking) {
    console.error(`build: the launcher is linked with glibc, not with musl; ${link.lacking}`);
  }
  const words = ['--package', 'fuselage-launch', '--bin', 'fuselage-launch', '--', ...link.flags];
  const launcher = cargo('rustc', PROFILES[profile].launcher, 'fuselage-launch', words, link);
  const elf = readElf(launcher);
  if (!elf.static) throw new Error('it needs a dynamic loader, and must be static');
  if (!elf.anywhere) throw new Error('it is not position-independent, and must be');
  return launcher;
}

/**
 * The addon. Without napi's own build command: its generated loader and types are not used, and the
 * variables that it sets for them would rebuild the crate at every change between it and cargo.
 */
function buildAddon(profile) {
  const words = ['--package', 'fuselage-node', '--lib'];
  return cargo('build', PROFILES[profile].addon, 'libfuselage_node.so', words);
}

/** A link in node_modules, as an installed platform package would be found. */
function link(name, to) {
  const path = join(ROOT, 'node_modules', name);
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there?.isSymbolicLink() && readlinkSync(path) === to) return;
  rmSync(path, { force: true, recursive: true });
  openDirectory(join(path, '..'));
  symlinkSync(to, path);
}

const PACKAGE = `linux-${host().arch}`;

/** The parts of packages/linux-ARCH, each made from the name of a profile. */
export const NATIVE_PARTS = {
  launcher(profile) {
    const name = `fuselage-launch-${PACKAGE}`;
    place(join(ROOT, 'packages', PACKAGE, name), buildLauncher(profile), 0o755);
  },
  addon(profile) {
    place(join(ROOT, 'packages', PACKAGE, `fuselage.${PACKAGE}-gnu.node`), buildAddon(profile));
  },
  link: () => link(`@fuselage/${PACKAGE}`, `../../packages/${PACKAGE}`),
};
