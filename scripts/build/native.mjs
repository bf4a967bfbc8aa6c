/** The launcher, by cargo, and the addon, by napi, put into this machine's platform package. */
import { existsSync, lstatSync, readFileSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { CommandFailed, nodeProgram, run, runShown } from '../command.mjs';
import { host, ROOT } from '../host.mjs';
import { readElf } from './elf.mjs';
import { chooseLibc, findMusl } from './libc.mjs';
import { openDirectory, place } from './place.mjs';

/**
 * cargo's profiles by the names of this build, and the directory that each one fills. The addon as
 * it is shipped unwinds, so that a panic stays inside as an error; the launcher's profile aborts.
 */
export const PROFILES = {
  dev: { launcher: { profile: 'dev', directory: 'debug' }, addon: [] },
  launch: { launcher: { profile: 'launch', directory: 'launch' }, addon: ['--release'] },
};

const PACKAGE = `linux-${host().arch}`;

const TARGETS = process.env.CARGO_TARGET_DIR ?? join(ROOT, 'target');

/** Builds with cargo and takes the file that it leaves, or says that it failed by an exception. */
function cargo(verb, { profile, directory }, file, words, { target, env }) {
  const product = join(TARGETS, target, directory, file);
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
 * The addon, by napi's own command, which knows what a target needs and how the file is called.
 * Neither its loader nor its types are wanted (ours are src/native/load.ts and addon.ts): so
 * napi-derive is without `type-def`, whose variables would have the crate built again at every
 * change between napi and cargo, and of which napi warns each time.
 */
async function buildAddon(profile) {
  const staging = join(TARGETS, 'napi');
  const file = join(staging, `fuselage.${PACKAGE}-gnu.node`);
  const quiet = existsSync(file);
  const { ok, how, output } = await runShown(
    [
      ...nodeProgram('@napi-rs/cli/dist/cli.js'),
      ...['build', ...PROFILES[profile].addon, '--platform', '--no-js'],
      ...['--cwd', join(ROOT, 'packages/fuselage'), '--package', 'fuselage-node'],
      ...['--manifest-path', join(ROOT, 'crates/fuselage-node/Cargo.toml')],
      ...['--target', host().target, '--target-dir', TARGETS, '--output-dir', staging],
    ],
    { quiet },
  );
  if (ok) return readFileSync(file);
  if (quiet) console.error(output);
  throw new CommandFailed(`napi build: ${how}`);
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

/** The parts of packages/linux-ARCH, each made from the name of a profile. */
export const NATIVE_PARTS = {
  launcher(profile) {
    const name = `fuselage-launch-${PACKAGE}`;
    place(join(ROOT, 'packages', PACKAGE, name), buildLauncher(profile), 0o755);
  },
  async addon(profile) {
    const name = `fuselage.${PACKAGE}-gnu.node`;
    place(join(ROOT, 'packages', PACKAGE, name), await buildAddon(profile));
  },
  link: () => link(`@fuselage/${PACKAGE}`, `../../packages/${PACKAGE}`),
};
