import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The checkout. */
export const root = resolve(__dirname, '../../../..');

/** The front door of the checkout's build itself. */
export const checkoutFrontDoor = join(root, 'packages/fuselage/bin/fuselage');

/** The launcher of the checkout's build itself. */
export const checkoutLauncher = ['x64', 'arm64']
  .map((arch) => join(root, `packages/linux-${arch}/fuselage-launch-linux-${arch}`))
  .find((path) => existsSync(path)) as string;
