import { resolve } from 'node:path';
import type { ListenAddress } from '@culvert/lifecycle';
import { parseAddressRange, type AddressRange } from './address-range.ts';
import { parseEdgeAddress, type EdgeAddress } from './edge-address.ts';
import { flagField, numberField, textField, type TextKind } from './field.ts';
import { parseHostnamePattern } from './hostname-pattern.ts';
import { parseHostPort, parseListenAddress } from './host-port.ts';
import { parseDuration, parseSize } from './quantities.ts';
import type { Schema } from './schema.ts';
import { Secret } from './secret.ts';
import { either } from './structure.ts';

const MAX_TEXT = 1024;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const NAME = /^[A-Za-z0-9]([A-Za-z0-9_.-]{0,62}[A-Za-z0-9])?$/;

const LISTEN: TextKind<ListenAddress> = {
  type: 'address',
  expected: 'an address such as ":8080", "127.0.0.1:8080" or "[::1]:8080"',
  parse: parseListenAddress,
};
const ADDRESS_RANGE: TextKind<AddressRange> = {
  type: 'address range',
  expected: 'an address such as "192.0.2.1" or a range such as "10.0.0.0/8" or "2001:db8::/32"',
  parse: parseAddressRange,
};
const HOST_PORT: TextKind<string> = {
  type: 'host:port',
  expected: 'a host and a port such as "edge-1.example.com:7001"',
  parse: (text) => (parseHostPort(text) === undefined ? undefined : text),
};
const EDGE_ADDRESS: TextKind<EdgeAddress> = {
  type: 'edge address',
  expected: 'an address such as "127.0.0.1:7000", "tls://edge.example.com:7000" or "wss://edge.example.com"',
  parse: parseEdgeAddress,
};
const EDGE_ADDRESS_TEXT: TextKind<string> = {
  ...EDGE_ADDRESS,
  parse: (text) => (parseEdgeAddress(text) === undefined ? undefined : text),
};
const DURATION: TextKind<number> = {
  type: 'duration',
  expected: 'a duration with its unit such as "500ms", "30s", "2m" or "1h"',
  parse: parseDuration,
};
const SIZE: TextKind<number> = {
  type: 'size',
  expected: 'a size with its unit such as "16k", "64KiB" or "1MiB"',
  parse: parseSize,
};
const HOSTNAME: TextKind<string> = {
  type: 'hostname pattern',
  expected: 'a hostname, ".example.com" (it and all below) or "*.example.com" (all below)',
  parse: parseHostnamePattern,
};
const ID: TextKind<string> = {
  type: 'uuid',
  expected: 'a UUID such as "4d21094e-b74c-4916-86c1-d9fa36ea677b"',
  parse: (text) => (UUID.test(text) ? text.toLowerCase() : undefined),
};
const SHORT_NAME: TextKind<string> = {
  type: 'name',
  expected: 'a name of up to 64 letters, digits, ".", "_" and "-"',
  parse: (text) => (NAME.test(text) ? text : undefined),
};
const TEXT: TextKind<string> = {
  type: 'text',
  expected: 'a text',
  parse: (text) => (text !== '' && text.length <= MAX_TEXT ? text : undefined),
};
const SECRET: TextKind<Secret> = {
  type: 'secret',
  expected: 'a secret text, best written as "${NAME}"',
  parse: (text) => (text === '' ? undefined : new Secret(text)),
  hidden: true,
};

/** Where to listen; the setting is host (empty: all addresses) and port (0: any free one). */
export const listenAddress = (description: string, fallback?: string): Schema<ListenAddress> =>
  textField(LISTEN, description, fallback);

/** One IP address or a range of them. */
export const addressRange = (description: string): Schema<AddressRange> =>
  textField(ADDRESS_RANGE, description);

/** An address that others are told to connect to, as text. */
export const hostPort = (description: string): Schema<string> => textField(HOST_PORT, description);

/** Where an agent reaches an edge; the scheme is filled in. */
export const edgeAddress = (description: string): Schema<EdgeAddress> => textField(EDGE_ADDRESS, description);

/** An edge's address as text: checked, but passed on as it was written. */
export const edgeAddressText = (description: string): Schema<string> =>
  textField(EDGE_ADDRESS_TEXT, description);

/** In ms. */
export const duration = (description: string, fallback?: string): Schema<number> =>
  textField(DURATION, description, fallback);

/** In bytes. */
export const size = (description: string, fallback?: string): Schema<number> =>
  textField(SIZE, description, fallback);

/** A duration above zero as text: checked, but passed on as it was written. */
export const durationText = (description: string): Schema<string> =>
  textField({ ...DURATION, parse: (text) => (parseDuration(text) ? text : undefined) }, description);

/** A size as text, or bytes as a number: checked, but passed on as it was written. */
export const sizeAsWritten = (description: string, min: number): Schema<string | number> => {
  const atLeast = min === 0 ? '' : `, at least ${min} bytes`;
  const expected = `a size with its unit such as "16k" or "1MiB"${atLeast}`;
  const parse = (text: string): string | undefined => ((parseSize(text) ?? -1) < min ? undefined : text);
  const number = numberField({ min, max: Number.MAX_SAFE_INTEGER }, description);
  return either(description, textField({ type: 'size', expected, parse }, description), number);
};

/** A whole number from 1, or in the given range. */
export const count = (
  description: string,
  fallback?: number,
  range: { readonly min?: number; readonly max?: number } = {},
): Schema<number> => numberField({ min: 1, max: Number.MAX_SAFE_INTEGER, ...range }, description, fallback);

export const flag = (description: string, fallback?: boolean): Schema<boolean> =>
  flagField(description, fallback);

/** A public port; never 0. */
export const port = (description: string): Schema<number> =>
  numberField({ min: 1, max: 65_535 }, description);

/** In lower case and ASCII. */
export const hostnamePattern = (description: string): Schema<string> => textField(HOSTNAME, description);

/** In lower case. */
export const uuid = (description: string): Schema<string> => textField(ID, description);

/** Safe in keys of Redis, subjects of NATS and labels of metrics. */
export const name = (description: string, fallback?: string): Schema<string> =>
  textField(SHORT_NAME, description, fallback);

export const text = (description: string, fallback?: string): Schema<string> =>
  textField(TEXT, description, fallback);

export const secret = (description: string): Schema<Secret> => textField(SECRET, description);

/** An absolute path; the file may write it relative to its own folder. */
export const filePath = (description: string, folder: string): Schema<string> =>
  textField(
    { ...TEXT, type: 'file', expected: 'the path of a file', parse: (path) => resolve(folder, path) },
    description,
  );

/** One of a few words. */
export const choice = <Word extends string>(
  description: string,
  words: readonly Word[],
  fallback?: NoInfer<Word>,
): Schema<Word> => {
  const listed = words.map((word) => `"${word}"`).join(', ');
  const parse = (text: string): Word | undefined => words.find((word) => word === text);
  return textField({ type: words.join(' | '), expected: `one of ${listed}`, parse }, description, fallback);
};
