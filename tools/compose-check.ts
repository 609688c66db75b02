/**
 * Checks compose files without Docker: whatever they name is there. Says each problem on a line of its own.
 * Usage: node tools/compose-check.ts FILE…
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseDocument } from 'yaml';

type Mapping = Readonly<Record<string, unknown>>;

/** Problems of one compose file, each naming the service or section that has it. */
function* problemsOf(file: string): Generator<string> {
  const document = parseDocument(readFileSync(file, 'utf8'), { merge: true });
  if (document.errors.length > 0) {
    yield* document.errors.map(({ message }) => message);
    return;
  }
  const compose = mapping(document.toJS());
  const services = mapping(compose['services']);
  if (Object.keys(services).length === 0) yield 'no services';
  for (const [name, service] of Object.entries(services)) {
    for (const problem of serviceProblems(mapping(service), services, dirname(file)))
      yield `service ${name}: ${problem}`;
  }
  const all = Object.values(services).map(mapping);
  yield* undeclared('network', all.flatMap(networksOf), compose['networks']);
  yield* undeclared('volume', all.flatMap(volumesOf), compose['volumes']);
  yield* twice(all.flatMap(({ ports }) => texts(ports).map(hostSide))).map(
    (port) => `port ${port} is published twice`,
  );
}

function* serviceProblems(service: Mapping, services: Mapping, folder: string): Generator<string> {
  if (service['image'] === undefined && service['build'] === undefined) yield 'has neither image nor build';
  const { build } = service;
  if (typeof build === 'string' && !existsSync(resolve(folder, build, 'Dockerfile')))
    yield `no Dockerfile in ${build}`;
  for (const path of texts(service['volumes']).map(sourceOf).filter(isPath)) {
    if (!existsSync(resolve(folder, path))) yield `mounts ${path}, which does not exist`;
  }
  for (const [name, wanted] of Object.entries(mapping(service['depends_on']))) {
    const other = services[name];
    if (other === undefined) yield `depends on ${name}, which is no service`;
    else yield* conditionProblems(name, mapping(wanted)['condition'], mapping(other));
  }
}

function* conditionProblems(name: string, condition: unknown, other: Mapping): Generator<string> {
  // An image that is built here has its own health check in the Dockerfile.
  const healthy = other['healthcheck'] !== undefined || other['build'] !== undefined;
  if (condition === 'service_healthy' && !healthy)
    yield `waits for the health of ${name}, which has no check`;
  if (condition === 'service_completed_successfully' && other['restart'] !== 'no')
    yield `waits for the end of ${name}, which restarts`;
}

/** What is named but not declared, and what is declared but never named. */
function* undeclared(kind: string, named: readonly string[], declared: unknown): Generator<string> {
  const declarations = new Set(Object.keys(mapping(declared)));
  const names = new Set(named);
  for (const name of names) if (!declarations.has(name)) yield `${kind} ${name} is not declared`;
  for (const name of declarations) if (!names.has(name)) yield `${kind} ${name} is not used`;
}

function networksOf({ networks }: Mapping): readonly string[] {
  return Array.isArray(networks) ? texts(networks) : Object.keys(mapping(networks));
}

function volumesOf({ volumes }: Mapping): readonly string[] {
  return texts(volumes)
    .map(sourceOf)
    .filter((source) => !isPath(source));
}

/** The volume or path of SOURCE:TARGET[:MODE]. */
function sourceOf(volume: string): string {
  return volume.split(':', 1)[0] ?? '';
}

function isPath(source: string): boolean {
  return /^[./~]/.test(source);
}

/** Address and port on the host of [ADDRESS:]HOST:CONTAINER. */
function hostSide(port: string): string {
  return port.slice(0, port.lastIndexOf(':'));
}

function twice(values: readonly string[]): readonly string[] {
  return [...new Set(values.filter((value, at) => values.indexOf(value) !== at))];
}

function mapping(value: unknown): Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Mapping) : {};
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

for (const file of process.argv.slice(2)) {
  for (const problem of problemsOf(file)) {
    process.stderr.write(`${file}: ${problem}\n`);
    process.exitCode = 1;
  }
}
