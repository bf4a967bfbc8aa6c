/**
 * One project for what runs anywhere, one for what starts real runs: mounts, signals, installs.
 * FUSELAGE_TEST_WRAP: one for the latter behind a filter.
 */
const common = {
  testEnvironment: 'node',
  transform: { '^.+\\.ts$': ['ts-jest', { tsconfig: '<rootDir>/tsconfig.json' }] },
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  rootDir: __dirname,
};

const SUPPORT = '<rootDir>/packages/fuselage/tests/support';

/** What FUSELAGE_TEST_WRAP leaves out. */
const leftOut = [
  // Starts what npm and others install from packed tarballs, and no launcher of the checkout.
  'install.test.ts',
  // Has namespaces refused in many ways and tells them apart: that a filter is there is one of the
  // facts, and it is named before what may also be the cause.
  'refused.test.ts',
];

/** The end-to-end tests with the launcher behind a filter of system calls (config/env.ts). */
const behindFilter = (list) => ({
  ...common,
  displayName: `real behind ${list}`,
  testMatch: ['<rootDir>/packages/fuselage/tests/e2e/**/*.test.ts'],
  testPathIgnorePatterns: leftOut.map((name) => `/e2e/${name}$`),
  globalSetup: `${SUPPORT}/wrap-setup.ts`,
  globalTeardown: `${SUPPORT}/wrap-teardown.ts`,
});

const list = process.env.FUSELAGE_TEST_WRAP;

const plain = {
  projects: [
    {
      ...common,
      displayName: 'unit',
      testMatch: [
        '<rootDir>/packages/fuselage/tests/unit/**/*.test.ts',
        '<rootDir>/packages/fuselage/tests/commands/**/*.test.ts',
      ],
    },
    {
      ...common,
      displayName: 'real',
      testMatch: [
        '<rootDir>/packages/fuselage/tests/native/**/*.test.ts',
        '<rootDir>/packages/fuselage/tests/e2e/**/*.test.ts',
      ],
    },
  ],
};

module.exports = {
  ...(list === undefined ? plain : { projects: [behindFilter(list)] }),
  testTimeout: 60_000,
};
