import { execFile } from 'node:child_process';
import { access, constants, mkdir, readFile, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import type { Place } from './http-client.ts';

const MODULE = 'github.com/summerwind/h2spec/cmd/h2spec';
const CACHE = join(import.meta.dirname, '../../../../node_modules/.cache/h2spec');
/** Fetching and building it, ms. */
const INSTALL_MS = 120_000;
/** Each case waits so long for an answer, in seconds. */
const CASE_SECONDS = 3;

const run = promisify(execFile);

/** A case by its section and title, as `http2/6.7: Sends a PING frame with ACK`. */
export interface H2specReport {
  readonly passed: readonly string[];
  readonly failed: readonly string[];
}

/** The conformance suite for HTTP/2: from PATH, from the cache, or built by Go. Undefined where there is neither. */
export async function findH2spec(): Promise<string | undefined> {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), CACHE];
  for (const folder of folders) {
    const program = join(folder, 'h2spec');
    if (await isProgram(program)) return program;
  }
  await mkdir(CACHE, { recursive: true });
  try {
    const env = { ...process.env, GOBIN: CACHE };
    await run('go', ['install', `${MODULE}@latest`], { env, timeout: INSTALL_MS });
    return join(CACHE, 'h2spec');
  } catch {
    return undefined;
  }
}

/** Runs it against an entry point in clear, the strict cases too; all sections, or those given. */
export async function runH2spec(
  program: string,
  place: Place,
  folder: string,
  sections: readonly string[] = [],
): Promise<H2specReport> {
  const report = join(folder, 'h2spec.xml');
  const target = ['-h', place.host, '-p', `${place.port}`, '-o', `${CASE_SECONDS}`];
  // It exits with 1 when a case has failed.
  await run(program, ['--strict', ...target, '-j', report, ...sections]).catch(() => undefined);
  const text = await readFile(report, 'utf8');
  await rm(report);
  return readReport(text);
}

function readReport(text: string): H2specReport {
  const passed: string[] = [];
  const failed: string[] = [];
  const cases = /<testcase package="([^"]*)" classname="([^"]*)"[^>]*?(?:\/>|>([^]*?)<\/testcase>)/g;
  for (const [, section = '', title = '', outcome = ''] of text.matchAll(cases)) {
    const name = `${section}: ${title.replaceAll('&#34;', '"')}`;
    if (outcome.includes('<failure') || outcome.includes('<error')) failed.push(name);
    else if (!outcome.includes('<skipped')) passed.push(name);
  }
  return { passed, failed };
}

async function isProgram(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
