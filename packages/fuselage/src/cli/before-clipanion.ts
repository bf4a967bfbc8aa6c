/**
 * Loaded before clipanion, which looks around when it is loaded. The first look at `process.stdout`
 * makes a caller's pipe non-blocking, so node's streams are taken away: we print with `writeAll`
 * alone. And variables that are meant for other programs would make it print.
 */
const nowhere = {
  isTTY: false,
  write: () => true,
  on: () => nowhere,
  once: () => nowhere,
  removeListener: () => nowhere,
};
for (const name of ['stdin', 'stdout', 'stderr']) {
  // biome-ignore lint/plugin: the streams are taken away here, and not used
  Object.defineProperty(process, name, { value: nowhere, configurable: true });
}
for (const name of ['DEBUG_CLI', 'FORCE_COLOR', 'NO_COLOR', 'NODE_DISABLE_COLORS']) {
  // biome-ignore lint/style/noProcessEnv: the caller's environment is in the question, not here
  delete process.env[name];
}
