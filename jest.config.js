/** One project for what runs anywhere, one for what starts real runs: mounts, signals, installs. */
const common = {
  testEnvironment: 'node',
  transform: { '^.+\\.ts$': ['ts-jest', { tsconfig: '<rootDir>/tsconfig.json' }] },
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  rootDir: __dirname,
};

module.exports = {
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
  testTimeout: 60_000,
};
