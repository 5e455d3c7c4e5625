/**
 * Chapter 07, a supervisor: the only door into this chapter.
 */

export { Supervisor } from './supervisor.ts';
export type { SupervisorOptions } from './supervisor.ts';

// 7.1 fork and share
export { openListener, parseBind } from './listener.ts';
export type { Bind, Listener, OpenOptions } from './listener.ts';

// 7.2 to 7.5 what a supervisor decides
export { backOffMs, plan } from './plan.ts';
export type { Aims, Decision, Failures, Farewell, Goal, WorkerFacts, WorkerState } from './plan.ts';

// 7.7 configuration and hooks
export { defaultSettings, parseFlags, settingsTable, SettingsError } from './settings.ts';
export type { Action, Flags, Setting, Settings } from './settings.ts';
export { loadSettings } from './configure.ts';
export type { Loaded, Sources } from './configure.ts';
export { becomeInit, hookNames, Pidfile } from './service.ts';
export type { HookFacts, HookName, Hooks } from './service.ts';
export { main } from './main.ts';

// 7.8 eyes
export { accessLine } from './logs.ts';
export type { AccessFacts } from './logs.ts';
export { controlClient } from './control.ts';
export type { Commands, SupervisorFacts } from './control.ts';
export type { WorkerReport } from './child.ts';

// 7.9 a development server
export { errorPage } from './develop.ts';
