/**
 * Takes node's streams away before anything can look at them: the first look at `process.stdout`
 * makes a caller's pipe non-blocking, and clipanion looks when it is loaded. We print with
 * `writeAll` alone.
 */
for (const name of ['stdin', 'stdout', 'stderr']) {
  Object.defineProperty(process, name, { value: undefined, configurable: true });
}
