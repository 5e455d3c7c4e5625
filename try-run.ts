import { Supervisor, parseFlags, defaultSettings } from '/opt/w/core/solutions/07-prefork/index.ts';
const { given } = parseFlags(process.argv.slice(2));
process.exitCode = await new Supervisor({ ...defaultSettings, ...given }).run();
