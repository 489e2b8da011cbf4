import { defineConfig } from 'oxlint'
import { importDirection } from './scripts/import-direction.ts'

export default defineConfig({
  plugins: ['typescript', 'unicorn', 'import', 'promise', 'node', 'react', 'jsx-a11y'],
  categories: { correctness: 'error', suspicious: 'error' },
  options: { typeAware: true },
  env: { node: true, es2024: true },
  ignorePatterns: ['**/dist/**', 'node_modules', '.tools', 'data', 'artifacts', 'test-results'],
  rules: {
    'no-console': 'error',
    'no-eval': 'error',
    'no-new-func': 'error',
    'import/no-cycle': 'error',
    'import/no-unassigned-import': 'off',
    'unicorn/no-array-sort': 'off',
    'react/react-in-jsx-scope': 'off',
    'typescript/no-floating-promises': [
      'error',
      { allowForKnownSafeCalls: [{ from: 'package', package: 'node:test', name: ['test', 'it', 'describe', 'suite'] }] }
    ],
    'typescript/no-unsafe-type-assertion': 'off',
    'typescript/no-misused-spread': 'off',
    // Interfaces that the application fills are empty here.
    'typescript/no-generated-empty-object-type': 'off',
    'unicorn/consistent-function-scoping': 'off',
    'import/no-named-as-default-member': 'off',
    'no-shadow': 'off',
    'no-unmodified-loop-condition': 'off'
  },
  overrides: [
    { files: ['scripts/**', 'bench/**', '**/*.test.ts'], rules: { 'no-console': 'off' } },
    {
      files: ['packages/*/src/**'],
      excludeFiles: ['**/*.test.ts', '**/testing/**'],
      rules: {
        'no-restricted-properties': ['error', { object: 'Math', property: 'random', message: 'Randomness comes from node:crypto.' }]
      }
    },
    ...importDirection
  ]
})
