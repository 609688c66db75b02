import { SettingsError } from '@culvert/settings';
import { describe, expect, it } from 'vitest';
import { reportFailure, UsageError } from './failure.ts';
import { createProgram } from './program.ts';

function report(error: unknown) {
  const lines: string[] = [];
  return { status: reportFailure(error, (line) => void lines.push(line)), lines };
}

async function typed(...words: string[]) {
  const program = createProgram();
  const silence = { writeOut: () => undefined, writeErr: () => undefined };
  for (const command of [program, ...program.commands]) command.configureOutput(silence);
  return program.parseAsync(words, { from: 'user' }).then(
    () => 'ran',
    (error: unknown) => report(error).status,
  );
}

describe('the exit status', () => {
  it('is 2 for a wrong configuration, with one line for each problem', () => {
    const problems = [1, 2].map((line) => ({ file: 'a.yml', line, key: 'id', message: 'is wrong' }));
    expect(report(new SettingsError(problems))).toEqual({
      status: 2,
      lines: ['a.yml:1: id: is wrong', 'a.yml:2: id: is wrong'],
    });
  });

  it('is 2 for wrong usage and 1 for other failures, each told in one line', () => {
    expect(report(new UsageError('no token'))).toEqual({ status: 2, lines: ['culvert: no token'] });
    expect(report(new Error('address in use'))).toEqual({ status: 1, lines: ['culvert: address in use'] });
  });

  it('comes with the stack for a fault of the program', () => {
    expect(report(new TypeError('x is undefined')).lines[0]).toContain('failure.test.ts');
  });

  it.each([
    [['--help'], 0],
    [['--version'], 0],
    [['edge', '--help'], 0],
    [['http', '--help'], 0],
    [[], 2],
    [['bogus'], 2],
    [['edge'], 2],
    [['edge', '--config'], 2],
    [['edge', '--config', 'a', '--bogus'], 2],
    [['http', '3000'], 2],
    [['check', 'a', '--as', 'bogus'], 2],
  ] as const)('of %j is %i', async (words, status) => {
    expect(await typed(...words)).toBe(status);
  });
});
