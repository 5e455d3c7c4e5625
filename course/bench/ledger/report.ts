/** The ledger as tables. */

import { count, formatTable, median } from '../support/table.ts';
import { failures } from './books.ts';
import type { Totals } from './books.ts';
import type { Kind } from './clients.ts';
import type { Happened } from './scenarios.ts';
import type { ScenarioName } from './servers.ts';

/** A master before the first event and after the last one. */
export interface Master {
  readonly residentBytes: number;
  /** What it shares with its workers counts in proportion. */
  readonly proportionalBytes: number;
  readonly descriptors: number;
}

/** One server in one scenario. */
export interface Account {
  readonly scenario: ScenarioName;
  readonly server: string;
  readonly isControl: boolean;
  readonly books: Readonly<Partial<Record<Kind | 'burst', Totals>>>;
  readonly happened: Omit<Happened, 'burst'>;
  readonly before: Master;
  readonly after: Master;
  /** What clients that retry have lost, and not with a worker that was killed; of `kill` only. */
  readonly lostElsewhere: number | null;
  /** Processes that it has left behind when it was told to stop. */
  readonly left: number;
  /** The last that the service has printed. */
  readonly log: string;
}

const HEAD = ['', 'sent', 'answered', ...failures.map((failure) => (failure === 'unanswered' ? 'no answer' : failure)), 'lost', 'with retry', 'worst ms'];

/** A row for each server and kind of client. */
export function showBooks(title: string, accounts: readonly Account[]): void {
  const table = [HEAD];
  for (const { server, books } of accounts) {
    table.push([server, ...HEAD.slice(1).map(() => '')]);
    for (const [kind, totals] of Object.entries(books)) {
      const { sent, answered, lost, lostWithoutRetry, lostWithRetry, worstMs } = totals;
      const figures = [sent, answered, ...failures.map((failure) => lost[failure]), lostWithoutRetry, lostWithRetry, worstMs];
      table.push([`  ${kind}`, ...figures.map(count)]);
    }
  }
  console.log(`\n${title}\n${formatTable(table)}`);
}

const MEBIBYTE = 2 ** 20;

/** What else was seen. */
export function showFigures(accounts: readonly Account[]): void {
  const middle = (values: readonly number[] | undefined): string => (values === undefined ? '-' : Number.isFinite(median(values)) ? count(median(values)) : 'never');
  const change = (before: number, after: number): string => (before === after ? count(before) : `${count(before)} → ${count(after)}`);
  const table = [['', 'all new, ms', 'old gone, ms', 'queued', 'replaced', 'master RSS, MiB', 'PSS, MiB', 'descriptors', 'left behind', 'lost elsewhere']];
  for (const { server, happened, before, after, left, lostElsewhere } of accounts) {
    table.push([
      server, middle(happened.newMs), middle(happened.goneMs), middle(happened.queued), String(happened.replaced ?? '-'),
      change(before.residentBytes / MEBIBYTE, after.residentBytes / MEBIBYTE),
      change(before.proportionalBytes / MEBIBYTE, after.proportionalBytes / MEBIBYTE),
      change(before.descriptors, after.descriptors), String(left), String(lostElsewhere ?? '-'),
    ]);
  }
  console.log(`\n${formatTable(table)}`);
  for (const { server, happened } of accounts) if (happened.note !== undefined) console.log(`${server}: ${happened.note}`);
}

/** What a scenario costs clients that retry and, in brackets, those that do not. */
export function showLedger(accounts: readonly Account[]): void {
  const servers = [...new Set(accounts.filter(({ isControl }) => !isControl).map(({ server }) => server))];
  const names = [...new Set(accounts.map(({ scenario }) => scenario))];
  const cell = (scenario: ScenarioName, server: string): string => {
    const books = accounts.find((account) => account.scenario === scenario && (server === 'control' ? account.isControl : account.server === server))?.books;
    if (books === undefined) return '-';
    const all = Object.values(books);
    const of = (key: 'lostWithRetry' | 'lostWithoutRetry'): string => count(all.reduce((sum, totals) => sum + totals[key], 0));
    return `${of('lostWithRetry')} (${of('lostWithoutRetry')})`;
  };
  const table = [['', ...names], ...[...servers, 'control'].map((server) => [server, ...names.map((scenario) => cell(scenario, server))])];
  console.log(`\nlost by clients that retry (and by those that do not), of all kinds\n${formatTable(table)}`);
}
