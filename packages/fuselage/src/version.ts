/** The version of the package. Launcher, addon and plan carry it too and must be equal. */
export const VERSION = '0.1.0';
