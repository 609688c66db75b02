import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as wire from '@culvert/wire';
import {
  Flag,
  GoAwayCode,
  Kind,
  MAX_PAYLOAD_BYTES,
  ResetCode,
  isFinalRefusal,
  isUndelivered,
} from '@culvert/wire';
import * as keepalive from './keepalive.ts';
import { NONCE_BYTES } from './peer-proof.ts';
import * as streamMemory from './stream-memory.ts';

/** Without the spaces that align its tables. */
const text = readFileSync(new URL('../../../docs/protocol.md', import.meta.url), 'utf8').replace(/ +/g, ' ');

/** The rows of the table whose first columns are named so, each by its columns' names. */
function table(...columns: string[]): Record<string, string>[] {
  const lines = text.split('\n');
  const top = lines.findIndex((line) => line.startsWith(`| ${columns.join(' | ')} |`));
  expect(top, `table of ${columns.join(', ')}`).toBeGreaterThan(0);
  const names = cells(lines[top]!);
  const rows: Record<string, string>[] = [];
  for (let at = top + 2; lines[at]!.startsWith('|'); at++) {
    const named = cells(lines[at]!).map((cell, index): [string, string] => [names[index]!, cell]);
    rows.push(Object.fromEntries(named));
  }
  return rows;
}

const cells = (line: string) =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
const codesOf = (rows: Record<string, string>[], code: string): Record<string, number> =>
  Object.fromEntries(rows.map((row): [string, number] => [row['Name']!, Number(row[code])]));

describe('docs/protocol.md agrees with the code about', () => {
  it('the kinds of frames and their limits', () => {
    const rows = table('Kind', 'Name', 'Sent by');
    expect(codesOf(rows, 'Kind')).toEqual(Kind);
    const limits = Object.fromEntries(
      rows.map((row): [string, number] => [row['Kind']!, Number(row['Payload at most'])]),
    );
    expect(limits).toEqual(MAX_PAYLOAD_BYTES);
  });

  it('the flags', () => {
    expect(codesOf(table('Flag', 'Name'), 'Flag')).toEqual(Flag);
  });

  it('the reset codes, and which are safe to repeat', () => {
    const rows = table('Code', 'Name', 'Meaning', 'Safe to repeat');
    expect(codesOf(rows, 'Code')).toEqual(ResetCode);
    for (const row of rows)
      expect(isUndelivered(Number(row['Code'])), row['Name']).toBe(row['Safe to repeat'] === 'yes');
  });

  it('the go-away codes, and which are final', () => {
    const rows = table('Code', 'Name', 'Meaning', 'Final');
    expect(codesOf(rows, 'Code')).toEqual(GoAwayCode);
    for (const row of rows)
      expect(isFinalRefusal(Number(row['Code'])), row['Name']).toBe(row['Final'] === 'yes');
  });

  it('the limits', () => {
    const constants: Record<string, unknown> = { ...wire, ...streamMemory, ...keepalive };
    for (const row of table('Limit', 'Value'))
      expect(constants[row['Limit']!], row['Limit']).toBe(Number(row['Value']));
  });

  it('the preface, the nonces and the WebSocket', () => {
    const preface = Buffer.from(wire.PREFACE, 'latin1').toString('hex').match(/../g)!.join(' ');
    expect(text).toContain(preface);
    expect(text).toContain(`GET ${wire.WEBSOCKET_PATH}`);
    expect(text).toContain(`Sec-WebSocket-Protocol: ${wire.WEBSOCKET_SUBPROTOCOL}`);
    expect(text).toContain(`Challenge | listener | 0 | 64 | ${NONCE_BYTES} random bytes`);
  });
});
