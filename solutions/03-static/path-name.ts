/**
 * Which names in a path may be served, on every platform: the rules that need no look at the disk.
 */

export interface NameRules {
  /** Names that begin with a dot are served too: `.git`, `.env`, `.htpasswd`. Default false; `.well-known` always is. */
  readonly dotfiles?: boolean;
  /** The system that the names are for: Windows gives some of them other meanings. Default: the one this runs on. */
  readonly platform?: NodeJS.Platform;
}

/** The longest name that most file systems take, in bytes. */
const NAME_BYTES_MAX = 255;

/**
 * What Windows may take a name for, other than a file with that name:
 * - a colon opens a stream within a file (`a.txt::$DATA`) or another drive
 * - a dot or a space at the end is dropped, so `secret.txt.` is `secret.txt`
 * - `CON`, `NUL`, `COM1` are devices, with any extension, in every directory
 * - `GIT~1` is a second, short name of `.git`
 */
const WINDOWS_MEANS_OTHER = /[:*?"<>|]|[. ]$|^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])( *\..*)?$|~\d/i;

/** Whether a decoded segment of a path is a name that may be looked for. */
export function mayBeServed(name: string, rules: NameRules = {}): boolean {
  // An encoded slash must not become a separator, nor must a backslash, which separates names on Windows.
  if (name === '' || /[/\\]/.test(name)) return false;
  if (name === '.' || name === '..') return false;
  if (name.startsWith('.') && rules.dotfiles !== true && name !== '.well-known') return false;
  if (Buffer.byteLength(name) > NAME_BYTES_MAX) return false;
  return (rules.platform ?? process.platform) !== 'win32' || !WINDOWS_MEANS_OTHER.test(name);
}
