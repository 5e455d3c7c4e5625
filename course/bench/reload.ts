/**
 * `npm run bench reload [-- --only reload,kill --servers ten-servers,nginx --rounds N --clients N --workers N --seed N --json FILE]`
 *
 * The ledger: what a service loses while its workers are replaced. Chapter 07's supervisor beside node:cluster, pm2,
 * gunicorn and nginx, each with the same clients and in the same scenarios. docs/ledger.md says how to read it. Each
 * scenario has a control that must lose; if it loses nothing, the harness is blind, and the exit code is 1. Takes about
 * a quarter of an hour.
 */

import { parseArgs } from 'node:util';

import { Clients, kinds } from './ledger/clients.ts';
import type { Kind } from './ledger/clients.ts';
import { showBooks, showFigures, showLedger } from './ledger/report.ts';
import type { Account, Master } from './ledger/report.ts';
import { scenarios } from './ledger/scenarios.ts';
import type { Scenario } from './ledger/scenarios.ts';
import { controls, subjects, versions } from './ledger/servers.ts';
import type { Control, Subject } from './ledger/servers.ts';
import { until } from './ledger/service.ts';
import {
  announce, attempt, benchExitCode, describeMachine, freePort, keepWhatIsMeasured, positive, writeResults,
} from './support/index.ts';
import { openDescriptors, proportionalBytes, residentBytes } from './support/process-tree.ts';
import { Random } from '../../tests/support/random.ts';

interface Options {
  readonly scenarios: readonly Scenario[];
  readonly servers: readonly string[] | null;
  readonly rounds: number;
  readonly clients: number;
  readonly workers: number;
  readonly seed: number;
  readonly json: string | null;
}

function parseOptions(argv: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      only: { type: 'string' },
      servers: { type: 'string' },
      rounds: { type: 'string', default: '4' },
      clients: { type: 'string', default: '12' },
      workers: { type: 'string', default: '4' },
      seed: { type: 'string', default: '1' },
      json: { type: 'string' },
    },
  });
  const unknown = (wanted: readonly string[], names: readonly string[], what: string): void => {
    const name = wanted.find((one) => !names.includes(one));
    if (name !== undefined) throw new Error(`there is no ${what} '${name}'; there are ${names.join(', ')}`);
  };
  const wanted = values.only?.split(',') ?? scenarios.map(({ name }) => name);
  unknown(wanted, scenarios.map(({ name }) => name), 'scenario');
  unknown(values.servers?.split(',') ?? [], subjects.map(({ name }) => name), 'server');
  return {
    scenarios: scenarios.filter(({ name }) => wanted.includes(name)),
    servers: values.servers?.split(',') ?? null,
    rounds: positive('--rounds', values.rounds),
    clients: positive('--clients', values.clients),
    workers: positive('--workers', values.workers),
    seed: positive('--seed', values.seed),
    json: values.json ?? null,
  };
}

/** The servers that are here; says of those that are not how to get them. */
function available(wanted: readonly string[] | null): Subject[] {
  return subjects.filter(({ name, missing }) => {
    if (wanted !== null && !wanted.includes(name)) return false;
    if (missing !== null) console.log(`Without ${name}: ${missing}`);
    return missing === null;
  });
}

function masterOf(pid: number): Master {
  return { residentBytes: residentBytes(pid), proportionalBytes: proportionalBytes(pid), descriptors: openDescriptors(pid) };
}

async function account(scenario: Scenario, subject: Subject | Control, options: Options): Promise<Account> {
  const { rounds, workers, seed } = options;
  const port = await freePort();
  const running = await subject.start(port, scenario.name, workers);
  const lastAnswers = new Map<number, number>();
  const clients = new Clients({
    address: { host: '127.0.0.1', port },
    counts: Object.fromEntries(kinds.map((kind) => [kind, kind in subject.withoutKinds ? 0 : options.clients])) as Record<Kind, number>,
    seed,
    patienceMs: scenario.patienceMs,
    leakKilobytes: scenario.leakKilobytes ?? 0,
    onAnswer: (worker, isNew) => {
      if (isNew) lastAnswers.set(worker, performance.now());
    },
  });
  try {
    // Until all is warm: code that runs for the first time, and connections of every kind.
    await until(() => {
      clients.check();
      return clients.answers >= 20 * options.clients;
    }, `${subject.name} serves too little`);
    const before = masterOf(running.service.master);
    const { burst, ...happened } = await scenario.run({
      running, clients, rounds, workers, random: new Random(`${seed} ${scenario.name}`), single: 'single' in subject && subject.single,
      answering: () => [...lastAnswers.keys()], lastAnswerMs: (worker) => lastAnswers.get(worker) ?? 0,
    });
    const books = Object.fromEntries(await clients.stop());
    const after = masterOf(running.service.master);
    const left = await running.stop();
    const log = running.service.output;
    const isControl = 'mustLose' in subject;
    const { killed } = happened;
    const lostElsewhere = killed === undefined ? null : clients.losses.filter(({ worker }) => worker === null || !killed.includes(worker)).length;
    return {
      scenario: scenario.name, server: subject.name, isControl, happened, before, after, left, log, lostElsewhere,
      books: burst === undefined ? books : { ...books, burst },
    };
  } catch (error) {
    // Without a service, the clients end soon; what went wrong is what is said.
    await running.stop();
    await clients.stop().catch(() => undefined);
    throw error;
  }
}

/** What a control has not lost that it must lose. */
function blindSpots(control: Control, { books }: Account): string[] {
  return control.mustLose.filter((kind) => (books[kind]?.lostWithoutRetry ?? 0) === 0);
}

async function bench(options: Options): Promise<number> {
  if (process.platform !== 'linux') {
    console.error('This benchmark needs /proc and signals as Linux has them.');
    return 1;
  }
  const machine = `${describeMachine()}; ${versions()}`;
  console.log(`${machine}\n${options.workers} workers, ${options.clients} clients of each kind, seed ${options.seed}`);
  const servers = available(options.servers);
  keepWhatIsMeasured();
  const accounts: Account[] = [];
  let blind = false;
  for (const scenario of options.scenarios) {
    announce(scenario.title);
    const control = controls[scenario.name];
    const ofScenario: Account[] = [];
    for (const subject of [...servers, control]) {
      const cannot = subject.cannot[scenario.name];
      if (cannot !== undefined) console.log(`Without ${subject.name} in ${scenario.name}: ${cannot}`);
      const seen = cannot === undefined ? await attempt(`${subject.name} in ${scenario.name}`, () => account(scenario, subject, options)) : null;
      if (seen !== null) ofScenario.push(seen);
    }
    accounts.push(...ofScenario);
    if (ofScenario.length === 0) continue;
    showBooks(scenario.title, ofScenario);
    showFigures(ofScenario);
    const ofControl = ofScenario.find(({ isControl }) => isControl);
    const spots = ofControl === undefined ? ['anything: it was not measured'] : blindSpots(control, ofControl);
    if (spots.length > 0 && benchExitCode() === 0) {
      blind = true;
      console.error(`✗ In ${scenario.name} the control has not lost ${spots.join(' or ')}. The harness is blind, and these rows say nothing.`);
    }
  }
  if (accounts.length > 0) showLedger(accounts);
  writeResults(options.json, { machine, options: { ...options, scenarios: options.scenarios.map(({ name }) => name) }, blind, accounts });
  return blind ? 1 : benchExitCode();
}

async function main(argv: readonly string[]): Promise<number> {
  let options: Options;
  try {
    options = parseOptions(argv);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 2;
  }
  return bench(options);
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
