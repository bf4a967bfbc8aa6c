import { join } from 'node:path';

/** The names of the programs in it. */
export const PROGRAMS = { frontDoor: 'fuselage', launcher: 'fuselage-launch', any: 'filtered' };

/** The file in it in which each test that was denied leaves a line. */
export const deniedIn = (directory: string) => join(directory, 'denied');
