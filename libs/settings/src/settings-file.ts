import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { readDocument, type ConfigDocument } from './document.ts';
import type { Environment } from './environment.ts';
import { overlay } from './overlay.ts';
import { INVALID, type Output, type Path, type Schema } from './schema.ts';
import { SettingsError, type Problem } from './settings-error.ts';

/** A schema for a file in the given folder: paths in the file are relative to it. */
export type SettingsSchema<S extends Schema = Schema> = (folder: string) => S;

/** What a schema makes of a file. */
export type SettingsOf<S extends SettingsSchema> = Output<ReturnType<S>>;

export interface ParseOptions {
  /** Path for messages; its folder is where relative paths start. */
  readonly file: string;
  readonly env?: Environment;
  /** Values for keys that the file leaves out, section by section. */
  readonly under?: unknown;
  /** Values that win over those of the file, section by section. */
  readonly over?: unknown;
}

/** A configuration file that was found to be right. */
export interface ReadFile<Settings> {
  /** Path for messages. */
  readonly file: string;
  readonly settings: Settings;
  /** What was written, with the environment filled in and over what is otherwise known: plain values. */
  readonly written: unknown;
  /** Line of a key, or of the nearest one around it that exists. */
  lineOf(path: Path): number;
}

/**
 * Reads and checks a configuration file.
 * @throws SettingsError with all problems of the file at once
 */
export function readFile<S extends SettingsSchema>(
  file: string,
  schema: S,
  options: Omit<ParseOptions, 'file'> = {},
): ReadFile<SettingsOf<S>> {
  return parseFile(readText(file), schema, { env: process.env, ...options, file });
}

/**
 * The settings of a configuration file.
 * @throws SettingsError with all problems of the file at once
 */
export function readSettings<S extends SettingsSchema>(
  file: string,
  schema: S,
  options: Omit<ParseOptions, 'file'> = {},
): SettingsOf<S> {
  return readFile(file, schema, options).settings;
}

/** The same for a text that was read before. */
export function parseSettings<S extends SettingsSchema>(
  text: string,
  schema: S,
  options: ParseOptions,
): SettingsOf<S> {
  return parseFile(text, schema, options).settings;
}

function parseFile<S extends SettingsSchema>(
  text: string,
  schema: S,
  options: ParseOptions,
): ReadFile<SettingsOf<S>> {
  const { file, env = {}, under, over } = options;
  const read = readDocument(text, file, env);
  const document = { ...read, value: overlay(overlay(under, read.value), over) };
  const settings = checkSettings(document, schema(dirname(resolve(file))), file) as SettingsOf<S>;
  return { file, settings, written: document.value ?? {}, lineOf: (path) => read.lineOf(path) };
}

/** The plain values of a file, to find out what kind of file it is. */
export function readValue(file: string, env: Environment = process.env): unknown {
  const document = readDocument(readText(file), file, env);
  // Missing variables are told by the schema's own pass, which also sees what else is wrong.
  if (!document.readable) throw new SettingsError(document.problems);
  return document.value;
}

function checkSettings(document: ConfigDocument, schema: Schema, file: string): unknown {
  if (!document.readable) throw new SettingsError(document.problems);
  const problems: Problem[] = [...document.problems];
  // A variable that is not set leaves an empty text, which the schema refuses too: one word for one fault is enough.
  const told = new Set(problems.map(({ key }) => key));
  const settings = schema.read(document.value ?? {}, [], (path, message) => {
    const key = path.join('.');
    if (!told.has(key)) problems.push({ file, line: document.lineOf(path), key, message });
  });
  if (settings === INVALID || problems.length > 0)
    throw new SettingsError(problems.sort((a, b) => a.line - b.line));
  return settings;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    const message = REASONS[code] ?? `cannot be read: ${code}`;
    throw new SettingsError([{ file, line: 1, key: '', message }], { cause: error });
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'no permission to read this file',
  EISDIR: 'is a folder, not a file',
};
