/**
 * docs/settings.md: its tables come out of chapter 07's own table of settings, between two comments. `npm test` compares
 * them; `npx tsx course/self-check/lessons.ts --write` renews them.
 */
import { allowedFor, settingsTable } from '../../solutions/07-prefork/settings.ts';
import type { Setting } from '../../solutions/07-prefork/settings.ts';

export const SETTINGS_PAGE = 'docs/settings.md';

const TABLES = /(?<=<!-- settings: [^\n]*-->\n)[^]*(?=<!-- end of settings -->)/;

/** The page with its tables as they should be. */
export function rewriteSettings(page: string): string {
  return page.replace(TABLES, () => `\n${settingsTables()}\n\n`);
}

/** What is wrong with the page. */
export function settingsFaults(page: string): string[] {
  if (!TABLES.test(page)) return [`${SETTINGS_PAGE} has no place for the settings: <!-- settings: … -->, and <!-- end of settings -->`];
  if (rewriteSettings(page) === page) return [];
  return [`${SETTINGS_PAGE} differs from solutions/07-prefork/settings.ts; renew it: npx tsx course/self-check/lessons.ts --write`];
}

function settingsTables(): string {
  const rows = settingsTable.map((setting) => [flagOf(setting), code(setting.env), code(setting.fileKey), defaultOf(setting), allowedFor(setting), setting.meaning]);
  return [['Flag', 'Environment', 'In a file', 'Default', 'Allowed', 'Meaning'], Array<string>(6).fill('---'), ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n');
}

function flagOf({ key, flag, short, form }: Setting): string {
  if (key === 'app') return code(form ?? '');
  return short === undefined ? code(`--${flag}`) : `${code(`--${flag}`)}, ${code(`-${short}`)}`;
}

function defaultOf({ default: value, defaultText, unit }: Setting): string {
  if (defaultText !== undefined) return defaultText;
  if (value === '') return 'none';
  return typeof value === 'number' ? `${value} ${unit}`.trim() : code(String(value));
}

function code(text: string): string {
  return `\`${text}\``;
}
