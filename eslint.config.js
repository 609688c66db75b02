import { basename } from 'node:path';
import nx from '@nx/eslint-plugin';
import prettier from 'eslint-config-prettier';
import { createNodeResolver, importX } from 'eslint-plugin-import-x';
import * as jsonc from 'jsonc-eslint-parser';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

const tests = ['**/*.test.ts', '**/*.contract.ts', '**/testing/**/*.ts'];

const libraries = ['foundation', 'bytes', 'transport', 'port', 'adapter'].map((name) => `layer:${name}`);
const onlyTags = (sourceTag, ...tags) => ({ sourceTag, onlyDependOnLibsWithTags: tags });
const neverTags = (sourceTag, ...tags) => ({ sourceTag, notDependOnLibsWithTags: tags });

/** Who may import whom. `extra` are the layers that the files in question may use besides: tests have the testkit. */
const boundaries = (...extra) => [
  onlyTags('layer:foundation', 'layer:foundation', ...extra),
  onlyTags('layer:bytes', 'layer:foundation', 'layer:bytes', ...extra),
  onlyTags('layer:transport', 'layer:foundation', 'layer:bytes', ...extra),
  onlyTags('layer:port', 'layer:foundation', 'layer:bytes', 'layer:port', ...extra),
  onlyTags('layer:adapter', 'layer:foundation', 'layer:bytes', 'layer:port', ...extra),
  onlyTags('layer:test', 'layer:foundation'),
  onlyTags('layer:app', ...libraries, ...extra),
  onlyTags('layer:cli', ...libraries, 'layer:app', ...extra),
  onlyTags('layer:tools', ...libraries, 'layer:app'),
  onlyTags('layer:system', ...libraries, 'layer:app', 'layer:cli', ...extra),
  onlyTags('layer:bench', ...libraries, 'layer:app', 'layer:cli', ...extra),
  neverTags('plane:data', 'plane:control'),
  neverTags('plane:control', 'plane:data'),
  neverTags('role:agent', 'plane:control'),
  neverTags('role:router', 'plane:data'),
];

/** The pure layer has no package of others at all; built-ins of Node are not meant. */
const pure = { sourceTag: 'layer:bytes', bannedExternalImports: ['*'] };

const moduleBoundaries = (depConstraints) => [
  'error',
  {
    enforceBuildableLibDependency: false,
    banTransitiveDependencies: true,
    // The command line loads a service lazily but its settings, another entry of the same package, at once.
    checkDynamicDependenciesExceptions: ['^@culvert/'],
    depConstraints,
  },
];

const vagueNames = new Set(['util', 'utils', 'common', 'helper', 'helpers', 'misc', 'shared', 'types']);
const culvert = {
  rules: {
    'file-name': {
      meta: {
        type: 'problem',
        schema: [],
        messages: { vague: 'name the file by what is in it, not "{{name}}"' },
      },
      create: (context) => ({
        Program(node) {
          const name = basename(context.filename);
          if (vagueNames.has(name.split('.')[0]))
            context.report({ node, messageId: 'vague', data: { name } });
        },
      }),
    },
  },
};

const plainError = {
  selector: ':matches(NewExpression, CallExpression)[callee.name="Error"]',
  message: 'throw an error class of our own: it carries a name and fields.',
};

/** An ES module's import of node:http reads all its exports, one of which loads the WebSocket client: 13 MiB. */
const heavyModules = ['node:http', 'node:https', 'node:http2', 'node:tls'].map((name) => ({
  name,
  allowTypeImports: true,
  message: `takes megabytes: use process.getBuiltinModule('${name}') where it is needed.`,
}));

export default defineConfig(
  { ignores: ['**/out-tsc', '**/coverage', '.nx', 'bench/out', 'tests/chaos/out', '**/vitest.config.ts'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { '@nx': nx, 'import-x': importX, culvert },
    settings: {
      'import-x/extensions': ['.ts'],
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
      'import-x/resolver-next': [createNodeResolver({ extensions: ['.ts', '.js'] })],
    },
    rules: {
      '@nx/enforce-module-boundaries': moduleBoundaries([...boundaries(), pure]),
      'import-x/no-cycle': ['error', { ignoreExternal: true }],
      'import-x/no-default-export': 'error',
      'culvert/file-name': 'error',
      'no-restricted-syntax': ['error', plainError],
      '@typescript-eslint/no-restricted-imports': ['error', { paths: heavyModules }],
      'no-console': 'error',
      eqeqeq: 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true, allowNever: true },
      ],
      // A port's methods are async whatever an implementation awaits.
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: [...tests, 'tests/**/*.ts', 'bench/**/*.ts', 'tools/simulate/**/*.ts', 'libs/testkit/**/*.ts'],
    rules: {
      '@nx/enforce-module-boundaries': moduleBoundaries(boundaries('layer:test')),
      'no-restricted-syntax': 'off',
      '@typescript-eslint/no-restricted-imports': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  // What talks to a person at a terminal.
  { files: ['apps/culvert/**/*.ts', 'tools/**/*.ts', 'bench/**/*.ts'], rules: { 'no-console': 'off' } },
  {
    files: ['**/package.json'],
    ignores: ['package.json'],
    languageOptions: { parser: jsonc },
    plugins: { '@nx': nx },
    rules: {
      '@nx/dependency-checks': [
        'error',
        {
          buildTargets: ['typecheck'],
          checkVersionMismatches: false,
          // What only tests use stands in devDependencies, which the rule does not read.
          ignoredFiles: tests.map((glob) => `{projectRoot}/${glob}`),
        },
      ],
    },
  },
  prettier,
);
